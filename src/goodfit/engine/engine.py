"""Where computation happens: device, precision, memory layout, threads and, under torchrun, several processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from torch import nn

from ..core.errors import DeviceError, MissingExtra
from ..core.recipe import EngineSection
from . import allocator
from .hardware import compute_threads

M = TypeVar("M", bound=nn.Module)
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One place to compute, as a value.

    Attributes:
        device: cpu, cuda:0, mps.
        precision: fp32, bf16 or fp16; the weights stay fp32 in all of them.
        layout: channels_last or contiguous, for 4-dimensional tensors.
        threads: compute threads on the CPU.
        settled: names among precision and layout that the recipe fixed; a probe may choose the others.
        allocator: whether the memory allocator was tuned.
        rank: this process among `world`.
        world: processes that train together; 1 = alone.
        compiled: training goes through torch.compile.
    """

    device: str
    precision: str = "fp32"
    layout: str = "contiguous"
    threads: int = 1
    settled: frozenset[str] = frozenset()
    allocator: bool = False
    rank: int = 0
    world: int = 1
    compiled: bool = False

    @classmethod
    def start(cls, section: EngineSection) -> Engine:
        """Prepare this process as the recipe says; `auto` in precision and layout starts safe and awaits a probe.

        Raises: DeviceError if a device was asked for by name and is absent, or cannot do the precision.
        """
        tuned = allocator.tune() if section.allocator else False
        rank, world = _place_among_processes()
        device = find_device(section.device, local_rank=int(os.environ.get("LOCAL_RANK", "0")))
        threads = compute_threads() if section.threads == "auto" else section.threads
        torch.set_num_threads(threads)
        if device.startswith("cuda"):
            torch.cuda.set_device(device)
        settled = frozenset(key for key in ("precision", "layout") if getattr(section, key) != "auto")
        precision = "fp32" if section.precision == "auto" else section.precision
        layout = "contiguous" if section.layout == "auto" else section.layout
        if precision not in precisions(device):
            raise DeviceError(
                f"{device} cannot compute in {precision}",
                allowed=", ".join(precisions(device)),
                do="leave engine.precision=auto",
                where="engine.precision",
            )
        return cls(
            device=device,
            precision=precision,
            layout=layout,
            threads=threads,
            settled=settled,
            allocator=tuned,
            rank=rank,
            world=world,
            compiled=section.compile,
        )

    @property
    def dtype(self) -> torch.dtype:
        """What autocast computes in."""
        return _DTYPES[self.precision]

    @property
    def kind(self) -> str:
        """cpu, cuda or mps."""
        return self.device.partition(":")[0]

    @property
    def memory_format(self) -> torch.memory_format:
        """As torch names the layout."""
        return torch.channels_last if self.layout == "channels_last" else torch.contiguous_format

    def with_(self, *, precision: str | None = None, layout: str | None = None) -> Engine:
        """A copy with another precision or layout, both then settled."""
        changes = {k: v for k, v in (("precision", precision), ("layout", layout)) if v is not None}
        return replace(self, **changes, settled=self.settled | set(changes))  # type: ignore[arg-type]

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Context in which a forward pass and its loss belong."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.kind, self.dtype)

    def scaler(self) -> torch.amp.GradScaler:
        """Scales losses so that fp16 gradients do not vanish; does nothing in fp32 and bf16."""
        return torch.amp.GradScaler(self.kind, enabled=self.precision == "fp16")

    def place(self, module: M) -> M:
        """The module on the device, its 4-dimensional weights in the layout."""
        return module.to(self.device).to(memory_format=self.memory_format)

    def tensor(self, x: Any) -> torch.Tensor:
        """An array or tensor on the device; 4-dimensional ones in the layout. Values and dtype stay."""
        tensor = torch.as_tensor(x).to(self.device, non_blocking=True)
        return tensor.contiguous(memory_format=self.memory_format) if tensor.ndim == 4 else tensor

    def synchronize(self) -> None:
        """Wait until the device has done what was asked of it, for honest timing."""
        if self.kind == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.kind == "mps":
            torch.mps.synchronize()

    def distribute(self, net: nn.Module) -> nn.Module:
        """The net compiled where the recipe asks for it, its gradients averaged over all processes."""
        if self.compiled:
            net = torch.compile(net)  # type: ignore[assignment]
        if self.world == 1:
            return net
        return _accelerator(self).prepare_model(net)

    def reduce(self, values: Mapping[str, float]) -> dict[str, float]:
        """Means over all processes, the same on each of them; the values themselves where there is one process."""
        if self.world == 1:
            return dict(values)
        names = sorted(values)
        mine = torch.tensor([values[n] for n in names], dtype=torch.float64 if self.kind != "mps" else torch.float32)
        return dict(zip(names, _accelerator(self).reduce(mine.to(self.device), "mean").tolist(), strict=True))

    def describe(self) -> Mapping[str, Any]:
        """What ran, for records and pages; JSON values only."""
        name = torch.cuda.get_device_name(self.device) if self.kind == "cuda" else self.kind
        return {
            "device": self.device,
            "name": name,
            "precision": self.precision,
            "layout": self.layout,
            "threads": self.threads,
            "allocator": self.allocator,
            "world": self.world,
        }


def find_device(asked: str, local_rank: int = 0) -> str:
    """A device that is there: the best for `auto`, else the one asked for.

    Raises: DeviceError naming what this machine has.
    """
    have = devices()
    kind, _, number = asked.partition(":")
    if asked == "auto":
        return f"cuda:{local_rank % _count(have)}" if _count(have) else have[0]
    if kind == "cuda" and not number and _count(have):
        return f"cuda:{local_rank % _count(have)}"
    if asked in have:
        return asked
    raise DeviceError(
        f"no device '{asked}' here", allowed=", ".join(("auto", *have)), do="use one of these", where="engine.device"
    )


def devices() -> tuple[str, ...]:
    """Names of the devices of this machine, best first; cpu is always the last."""
    found = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def precisions(device: str) -> tuple[str, ...]:
    """Precisions that a device computes in natively or at least correctly; fp32 always."""
    if device.startswith("cuda"):
        return ("fp32", "bf16", "fp16") if torch.cuda.is_bf16_supported() else ("fp32", "fp16")
    return ("fp32", "fp16") if device == "mps" else ("fp32", "bf16")


def _count(have: tuple[str, ...]) -> int:
    return sum(name.startswith("cuda") for name in have)


def _place_among_processes() -> tuple[int, int]:
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


_shared: dict[tuple[str, int], Any] = {}


def _accelerator(engine: Engine) -> Any:
    key = (engine.kind, engine.world)
    if key not in _shared:  # accelerate allows one process group a process
        try:
            from accelerate import Accelerator
        except ImportError:
            raise MissingExtra("several processes need accelerate", do="pip install accelerate") from None
        _shared[key] = Accelerator(cpu=engine.kind == "cpu", mixed_precision="no")
    return _shared[key]
