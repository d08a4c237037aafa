"""What a network costs on this machine: parameters, multiply-accumulates, file size, latency, training memory.

Source: multiply-accumulates counted as by He et al. 2015, arXiv:1512.03385, table 1.
"""

from __future__ import annotations

import contextlib
import copy
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch
from torch import nn

from ..core.quiet import quiet

_COUNTED = (nn.Conv2d, nn.Linear, nn.MultiheadAttention)
_LATENCY_CALLS, _WARM_UP = 20, 5
_LONGEST_S = 2.0  # a slow network is measured by fewer calls, three at least
_OPTIMIZER_COPIES = {"sgd": 1, "adam": 2, "adamw": 2, "rmsprop": 2, "muon": 1}  # state tensors a weight, fp32


class _Engine(Protocol):
    """What is used of engine/engine, which stands on this floor and is handed in."""

    def autocast(self) -> contextlib.AbstractContextManager[Any]: ...

    def place(self, module: nn.Module) -> nn.Module: ...

    def tensor(self, x: Any) -> torch.Tensor: ...

    def synchronize(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Costs of one network on this machine.

    Attributes:
        parameters: count, frozen ones included.
        macs: multiply-accumulates of one forward pass of one sample.
        size_bytes: of the stored weights and buffers.
        latency_ms: one sample, batch of one, median of at least 20 calls (3 where one takes over 0.1 s).
        memory_mb: predicted while training with the batch given, MB of 10^6 bytes.
    """

    parameters: int
    macs: int
    size_bytes: int
    latency_ms: float
    memory_mb: float

    def as_dict(self) -> dict[str, float]:
        """Plain values, as `Task.cost` gives them."""
        return asdict(self)


def profile(net: nn.Module, example: Any, engine: _Engine, batch: int = 64, optimizer: str = "adamw") -> Profile:
    """Measure a network; it is left as it was.

    Args:
        net: the network, on any device.
        example: (1, C, H, W) one prepared sample.
        engine: where it will run.
        batch: samples a training step, for the memory.
        optimizer: whose state is counted: sgd, adam, adamw, rmsprop, muon.
    """
    net = engine.place(copy.deepcopy(net))
    x = engine.tensor(example)[:1]
    return Profile(
        parameters=sum(p.numel() for p in net.parameters()),
        macs=count_macs(net, x),
        size_bytes=sum(t.numel() * t.element_size() for t in net.state_dict().values()),
        latency_ms=latency(net, x, engine),
        memory_mb=memory(net, x, engine, batch, optimizer),
    )


@torch.no_grad()
def count_macs(net: nn.Module, x: torch.Tensor) -> int:
    """Multiply-accumulates of one forward pass of `x`: convolutions, linear layers and attention, as papers count."""
    total = 0

    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal total
        total += _macs_of(module, inputs[0], output)

    handles = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, _COUNTED)]
    try:
        with _eval(net):
            net(x)
    finally:
        for handle in handles:
            handle.remove()
    return total


def _macs_of(module: nn.Module, x: torch.Tensor, output: Any) -> int:
    if isinstance(module, nn.MultiheadAttention):
        width, length = module.embed_dim, x.shape[1 if module.batch_first else 0]
        return x.numel() * 4 * width + 2 * x.numel() * length  # four projections; scores and their weighted sum
    return int(output.numel()) * (module.weight[0].numel() if isinstance(module, nn.Conv2d) else x.shape[-1])


@torch.no_grad()
def latency(net: nn.Module, x: torch.Tensor, engine: _Engine, calls: int = _LATENCY_CALLS) -> float:
    """Median milliseconds of one forward pass of `x`; no other goodfit process on this machine measures meanwhile."""
    times: list[float] = []
    with _eval(net), quiet(), engine.autocast():
        start = time.perf_counter()
        for i in range(_WARM_UP + calls):
            begin = time.perf_counter()
            net(x)
            engine.synchronize()
            now = time.perf_counter()
            if i >= _WARM_UP or now - start > _LONGEST_S / 2:
                times.append(now - begin)
            if len(times) >= 3 and now - start > _LONGEST_S:
                break
    return 1000 * statistics.median(times)


def memory(net: nn.Module, x: torch.Tensor, engine: _Engine, batch: int, optimizer: str = "adamw") -> float:
    """Predicted training memory in MB of 10^6 bytes: weights, gradients, optimiser state, saved activations.

    Args:
        net: the network on its device.
        x: (1, C, H, W) one sample; activations are measured on two of it and scaled.
        engine: where it will run.
        batch: samples a step.
        optimizer: whose state is counted.
    """
    fixed = sum(t.numel() * t.element_size() for t in net.state_dict().values())
    trained = sum(p.numel() * p.element_size() for p in net.parameters() if p.requires_grad)
    return (fixed + trained * (1 + _OPTIMIZER_COPIES.get(optimizer, 2)) + batch * saved_bytes(net, x, engine)) / 1e6


def saved_bytes(net: nn.Module, x: torch.Tensor, engine: _Engine) -> int:
    """Bytes a sample that a training forward pass keeps for the backward pass."""
    weights = {t.untyped_storage().data_ptr() for t in (*net.parameters(), *net.buffers())}
    kept: dict[int, int] = {}
    holders: list[torch.Tensor] = []  # keeps storages alive, so that no address is counted twice or reused

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            holders.append(tensor)
        return tensor

    pair = torch.cat([x, x])  # batch norm refuses a single value a channel
    buffers = {name: b.clone() for name, b in net.named_buffers()}
    was = net.training
    net.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t), engine.autocast():
        net(pair).sum()
    net.train(was)
    for name, buffer in net.named_buffers():
        buffer.copy_(buffers[name])  # running statistics are not to learn from this
    return sum(kept.values()) // 2


@contextlib.contextmanager
def _eval(net: nn.Module) -> Iterator[None]:
    was = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(was)
