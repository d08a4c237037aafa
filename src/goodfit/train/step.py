"""One optimiser step: forward, loss, backward, update, and the sums that records are made from; no synchronisation.

Distillation, SAM or a new mixing wrap or replace this, never the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..core.task import Batch
from .losses import Loss, weighted_mean
from .optim import Optimizers

ScoreFunction = Callable[[Tensor, Tensor], Tensor]
_LOSS, _SCORE, _COUNT, _NORM, _RATIO, _MEASURED = range(6)


class Tally:
    """Sums since an epoch began, kept on the device.

    Args:
        device: where batches live.
        scored: whether scores are added too.
    """

    def __init__(self, device: torch.device, scored: bool = True) -> None:
        self._scored = scored
        kind = torch.float32 if device.type == "mps" else torch.float64
        self.sums = torch.zeros(6, dtype=kind, device=device)

    def add(self, loss: Tensor, score: Tensor, count: int) -> None:
        """Add a micro-batch: mean loss, mean score, samples."""
        self.sums[: _COUNT + 1] += torch.stack([loss, score, torch.ones_like(loss)]).to(self.sums.dtype) * count

    def measure(self, grad_norm: Tensor, update_ratio: Tensor) -> None:
        """Add a step's gradient norm and update norm over weight norm."""
        self.sums[_NORM:] += torch.stack([grad_norm, update_ratio, torch.ones_like(grad_norm)]).to(self.sums.dtype)

    def means(self) -> dict[str, float]:
        """loss, score, grad_norm and update_ratio, each only if something was added; waits for the device."""
        loss, score, count, norm, ratio, measured = self.sums.tolist()
        means = {"loss": loss / count} if count else {}
        if count and self._scored:
            means["score"] = score / count
        if measured:
            means |= {"grad_norm": norm / measured, "update_ratio": ratio / measured}
        return means

    def is_finite(self) -> bool:
        """Whether every loss so far was finite; waits for the device."""
        return bool(torch.isfinite(self.sums[_LOSS]))

    def reset(self) -> None:
        """Begin anew."""
        self.sums.zero_()


@dataclass(kw_only=True)
class Step:
    """What a step needs; calling it takes one.

    Attributes:
        forward: inputs -> outputs (B, K); the network, or its distributed wrapper.
        params: parameters that the optimiser owns.
        kernels: those that `l1` acts on.
        loss: (outputs, target) -> (B,).
        score: (outputs, target) -> (B,) or a scalar, higher or lower as the metric has it; None = not scored.
        optimizer: all groups.
        autocast: gives the engine's precision context.
        tally: receives the sums.
        accumulate: micro-batches a step.
        clip: largest gradient norm, or None.
        l1: weight of the sum of absolute kernel weights, added to the loss.
        scaler: loss scaling for fp16, or None.
    """

    forward: Callable[[Any], Tensor]
    params: Sequence[nn.Parameter]
    kernels: Sequence[nn.Parameter]
    loss: Loss
    score: ScoreFunction | None
    optimizer: Optimizers
    autocast: Callable[[], Any]
    tally: Tally
    accumulate: int = 1
    clip: float | None = None
    l1: float = 0.0
    scaler: torch.amp.GradScaler | None = None

    def __call__(self, batches: Iterable[Batch], measure: bool = False) -> bool:
        """Take one step over up to `accumulate` micro-batches.

        Args:
            batches: micro-batches, drawn one at a time.
            measure: also measure gradient norm and update ratio, which costs a copy of the weights.
        Returns: whether an update was made: false if no batch came, or (CPU only, where looking is free) if the loss
            was not finite, in which case the weights are untouched.
        """
        taken = 0
        for batch in batches:
            if not self._backward(batch):
                self.optimizer.zero_grad()
                return False
            taken += 1
        if taken:
            self._update(measure)
        return taken > 0

    def _backward(self, batch: Batch) -> bool:
        with self.autocast():
            outputs = self.forward(batch.inputs)
        loss = weighted_mean(self.loss(outputs, batch.target), batch.weight)
        self.tally.add(loss.detach(), self._score(outputs, batch.target, loss), len(outputs))
        if loss.device.type == "cpu" and not torch.isfinite(loss):
            return False
        loss = loss / self.accumulate
        (self.scaler.scale(loss) if self.scaler else loss).backward()
        return True

    def _score(self, outputs: Tensor, target: Tensor, like: Tensor) -> Tensor:
        if self.score is None:
            return torch.zeros_like(like.detach())
        with torch.no_grad():
            return self.score(outputs.detach(), target).to(like.dtype).mean()

    def _update(self, measure: bool) -> None:
        if self.scaler:
            for part in self.optimizer.parts:
                self.scaler.unscale_(part)
        params = [p for p in self.params if p.grad is not None]
        if self.l1:
            add_l1(self.kernels, self.l1)
        norm = None
        if self.clip is not None:
            norm = nn.utils.clip_grad_norm_(params, self.clip, foreach=True)
        elif measure:
            norm = global_norm([p.grad for p in params if p.grad is not None])
        before = [p.detach().clone() for p in params] if measure else []
        self._apply()
        if measure and norm is not None:
            self.tally.measure(norm, update_ratio(before, params))
        self.optimizer.zero_grad()

    def _apply(self) -> None:
        if self.scaler is None:
            self.optimizer.step()
            return
        for part in self.optimizer.parts:
            self.scaler.step(part)
        self.scaler.update()


@torch.no_grad()
def add_l1(params: Sequence[nn.Parameter], weight: float) -> None:
    """Add the gradient of weight x sum |p|, which is weight x sign(p), to each parameter that has one."""
    for p in params:
        if p.grad is not None:
            p.grad.add_(p.sign(), alpha=weight)


@torch.no_grad()
def global_norm(tensors: Sequence[Tensor]) -> Tensor:
    """Euclidean norm of all tensors together, a scalar tensor."""
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(tensors))))


@torch.no_grad()
def update_ratio(before: Sequence[Tensor], after: Sequence[Tensor]) -> Tensor:
    """Norm of the change over norm of the weights before it."""
    change = torch._foreach_sub([a.detach() for a in after], list(before))
    return global_norm(change) / global_norm(before).clamp_min(1e-12)
