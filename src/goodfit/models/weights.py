"""Pretrained weights as safetensors: find the file, read what it says of itself, check it, fill a network strictly.

Source: the safetensors format, https://huggingface.co/docs/safetensors; timm's hub layout with config.json.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from ..core.errors import RecipeError, printable
from .download import from_hub

KEY = "model.weights"
_PICKLED = {".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".th", ".tar"}
_CONVERT = (
    'convert it once where you trust it: python -c "import torch, safetensors.torch as s; '
    "s.save_file({k: v.contiguous() for k, v in torch.load('IN.pt', weights_only=True).items()}, 'OUT.safetensors')\""
)


@dataclass(frozen=True, kw_only=True)
class WeightsInfo:
    """What a weights file says of itself.

    Attributes:
        path: the safetensors file.
        architecture: name as `vision.build` takes it, "" where the file does not say.
        outputs: classes of its own head, 0 where it does not say.
        mean: of each channel on a scale of 0 to 1, None where it does not say.
        std: likewise.
        size: input side in pixels, None where it does not say.
        resize: short side before the centre crop, None where it does not say.
        licence: as stated, "" where not.
    """

    path: Path
    architecture: str = ""
    outputs: int = 0
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: int | None = None
    resize: int | None = None
    licence: str = ""


def locate(reference: str) -> Path:
    """The local file behind `model.weights`.

    Args:
        reference: a safetensors file, a folder with model.safetensors, or `hub:owner/name@commit`.
    Raises: RecipeError if it is absent, not safetensors, not pinned, or if the hub cannot be reached.
    """
    if reference.startswith("hub:"):
        return from_hub(reference)
    path = Path(reference).expanduser()
    if path.is_dir():
        path = path / "model.safetensors"
    if path.suffix.lower() in _PICKLED:
        raise RecipeError("pickled weights can run foreign code and are not opened", got=path, do=_CONVERT, where=KEY)
    if not path.is_file():
        raise RecipeError(
            "no such weights file", got=path, allowed="a safetensors file", do="check the path", where=KEY
        )
    return path.resolve()


def inspect_weights(path: Path | str) -> WeightsInfo:
    """What the file's metadata, or a config.json beside it in timm's form, say; no tensor is read.

    Raises: RecipeError if it is not a safetensors file or its mean, std or size make no sense.
    """
    path = locate(str(path))
    try:
        with safe_open(path, framework="pt") as file:
            said = dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if "architecture" not in said:
        said = {**_beside(path.with_name("config.json")), **said}
    return WeightsInfo(
        path=path,
        architecture=_architecture(str(said.get("architecture", ""))),
        outputs=int(_numbers(said, "num_classes", path, 1, least=1, most=1e6)[0] if "num_classes" in said else 0),
        mean=_numbers(said, "mean", path, 3, least=-1, most=2) if "mean" in said else None,
        std=_numbers(said, "std", path, 3, least=1e-4, most=10) if "std" in said else None,
        size=int(_numbers(said, "input_size", path, None, least=1, most=4096)[-1]) if "input_size" in said else None,
        resize=int(_numbers(said, "resize", path, 1, least=1, most=4096)[0]) if "resize" in said else None,
        licence=str(said.get("license", "")),
    )


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """All tensors, on the CPU, floating ones as fp32.

    Raises: RecipeError if the file is damaged or holds NaN or infinite values.
    """
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            if not torch.isfinite(tensor).all():
                wrong = f"tensor '{printable(name)}' holds NaN or infinite values"
                raise RecipeError(wrong, got=path, do="use another file", where=KEY)
            tensors[name] = tensor.float()
    return tensors


def fill(net: nn.Module, tensors: Mapping[str, torch.Tensor], *, skip: str | None, what: str) -> None:
    """Copy the tensors into the net; each must meet its like, except those below `skip`.

    Args:
        net: the network.
        tensors: name -> tensor.
        skip: dotted name of the head, which keeps its fresh values; None = fill all.
        what: the net's name, for errors.
    Raises: RecipeError naming what is missing, unexpected or of another shape.
    """
    belongs = lambda name: skip is None or not name.startswith(f"{skip}.")  # noqa: E731
    own = {k: v for k, v in net.state_dict().items() if belongs(k)}
    given = {k: v for k, v in tensors.items() if belongs(k) and not _auxiliary(k, own)}
    missing = sorted(k for k in own.keys() - given.keys() if not k.endswith("num_batches_tracked"))
    unexpected = sorted(given.keys() - own.keys())
    if missing or unexpected:
        raise RecipeError(
            f"these weights are not those of {what}",
            got=f"{len(missing)} tensors missing {_some(missing)}, {len(unexpected)} unexpected {_some(unexpected)}",
            do="leave model.name=auto if the file names its architecture, or name the right one",
            where=KEY,
        )
    for name, tensor in given.items():
        if tensor.shape != own[name].shape:
            raise RecipeError(
                f"tensor '{printable(name)}' has another shape than {what}",
                got=tuple(tensor.shape),
                allowed=tuple(own[name].shape),
                do="check model.name and model.size",
                where=KEY,
            )
    with torch.no_grad():
        for name, tensor in given.items():
            own[name].copy_(tensor)


def _unreadable(path: Path, error: Exception) -> RecipeError:
    return RecipeError("this is not a whole safetensors file", got=f"{path} ({error})", do=_CONVERT, where=KEY)


def _architecture(said: str) -> str:
    name = said.split()[0] if said.split() else ""
    for prefix, door in (("torchvision.models.", "torchvision/"), ("timm.models.", "timm/"), ("timm.", "timm/")):
        if name.startswith(prefix):
            return door + name.removeprefix(prefix)
    return name


def _numbers(
    said: Mapping[str, Any], key: str, path: Path, count: int | None, *, least: float, most: float
) -> tuple[float, ...]:
    try:
        value = json.loads(said[key]) if isinstance(said[key], str) else said[key]
        numbers = tuple(float(x) for x in (value if isinstance(value, list | tuple) else [value]))
    except (ValueError, TypeError):
        numbers = ()
    in_range = all(math.isfinite(x) and least <= x <= most for x in numbers)
    if not (numbers and count in (None, len(numbers)) and in_range):
        raise RecipeError(
            f"the file's '{key}' makes no sense",
            got=f"{said[key]} in {path.name}",
            allowed=f"{count or 'some'} numbers in [{least}, {most}]",
            do="mend its metadata",
            where=KEY,
        )
    return numbers


def _beside(config: Path) -> dict[str, Any]:
    try:
        tree = json.loads(config.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(tree, dict) or not isinstance(tree.get("architecture"), str):
        return {}
    inner = tree.get("pretrained_cfg")
    merged = {**tree, **inner} if isinstance(inner, dict) else tree
    kept = {k: merged[k] for k in ("mean", "std", "input_size", "num_classes", "license") if k in merged}
    return {**kept, "architecture": f"timm/{tree['architecture']}"}


def _auxiliary(name: str, own: Mapping[str, Any]) -> bool:
    """Training-time side heads of Inception and GoogLeNet, which are not built here."""
    return name.startswith(("AuxLogits.", "aux1.", "aux2.")) and name not in own


def _some(names: list[str]) -> str:
    return f"({printable(', '.join(names[:3]))}{', ...' if len(names) > 3 else ''})" if names else ""
