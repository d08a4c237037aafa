"""The learning rate's factor as a pure function of progress in [0, 1], so that a resume needs no scheduler state."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..core.catalog import Catalog
from ..core.recipe import Recipe
from ..core.task import Record

STEM_SHARE = (
    3 / 8
)  # the stem bias learns only so long; research prototype after Jordan 2024, github.com/KellerJordan/cifar10-airbench
_MILESTONES = (0.5, 0.75)  # He et al. 2016, arXiv:1512.03385, section 4.2: drops at 32k and 48k of 64k steps
_RISE, _START, _END = 0.3, 1 / 25, 1e-4 / 25  # one-cycle as in torch's OneCycleLR and fastai


def factor(progress: float, kind: str, *, warmup: float = 0.0, gamma: float = 0.1, one_step: float = 0.0) -> float:
    """What the peak lr is multiplied by.

    Args:
        progress: steps taken so far over all steps, in [0, 1].
        kind: constant, cosine, linear, step, one_cycle, plateau (1 here: `plateau` gives the rest).
        warmup: share of all steps over which the factor rises linearly; for one_cycle the rising share
            (0 = its default, 0.3).
        gamma: factor of each drop of `step`.
        one_step: 1 / all steps, so that the first step of a warm-up is not wasted on a rate of 0.
    Returns: a factor in [0, 1].
    Raises: UsageError for an unknown kind.
    """
    if kind == "one_cycle":
        return one_cycle(progress, warmup or _RISE)
    shape = SCHEDULES[kind]
    if progress < warmup:
        return min(1.0, (progress + one_step) / warmup)
    rest = (progress - warmup) / (1 - warmup)
    return shape(rest, gamma)


def one_cycle(progress: float, rise: float = _RISE) -> float:
    """Up by a half cosine from 1/25 to 1, then down by a half cosine to 1/250,000.

    Source: Smith and Topin 2018, "Super-Convergence", arXiv:1708.07120; constants of torch's OneCycleLR.
    """
    if progress < rise:
        return _half_cosine(_START, 1.0, progress / rise)
    return _half_cosine(1.0, _END, min(1.0, (progress - rise) / (1 - rise)))


def plateau(losses: Sequence[float], gamma: float = 0.1, patience: int = 3, planned: int = 0) -> float:
    """gamma to the number of times that the loss stood still for more than `patience` epochs.

    Args:
        losses: select loss of each finished epoch, oldest first; values that are not finite count as no gain.
        gamma: factor of each drop.
        patience: epochs without a gain that are borne before a drop.
        planned: drops that `train.drops` made by now.
    Returns: the factor for the next epoch, never below 1e-4.
    Source: the rule of torch's ReduceLROnPlateau, without its hidden state.
    """
    return max(gamma ** (planned + stalls(losses, patience)), 1e-4)


def stalls(losses: Sequence[float], patience: int, threshold: float = 1e-4) -> int:
    """How often the loss went without a relative gain of `threshold` for more than `patience` epochs."""
    best, waited, drops = math.inf, 0, 0
    for loss in losses:
        if loss < best - threshold * abs(best if math.isfinite(best) else 0.0):
            best, waited = loss, 0
        else:
            waited += 1
        if waited > patience:
            drops, waited = drops + 1, 0
    return drops


def plateau_patience(epochs: int) -> int:
    """Epochs that `plateau` bears without a gain: a third of those after which training stops."""
    return max(1, epochs // 3)


def as_it_ran(recipe: Recipe, history: Sequence[Record]) -> Recipe:
    """The recipe with the drops that `plateau` made in a finished run written down, for the refit of that run.

    A refit trains on train + val, so it has no select loss to drop by; its train loss would drop elsewhere, since it
    falls on when select stands still. Written down by step, the refit takes each step at the rate that the run took
    it, and the plan alone says so.

    Args:
        recipe: resolved.
        history: epoch records of the finished run.
    """
    if recipe.train.schedule != "plateau":
        return recipe
    judged = [r for r in history if "loss" in r.select]
    patience = plateau_patience(int(recipe.train.patience))
    counts = [stalls([r.select["loss"] for r in judged[:n]], patience) for n in range(len(judged) + 1)]
    ends = zip(judged, counts, counts[1:], strict=False)
    drops = [r.step / r.steps for r, before, after in ends if after > before and r.step < r.steps]
    return recipe.with_("train.drops", tuple(sorted((*recipe.train.drops, *drops))))


def stem_factor(progress: float) -> float:
    """Factor for a whitening stem's bias: linear from 1 to 0 at 3/8 of training, then 0."""
    return max(0.0, 1 - progress / STEM_SHARE)


def _half_cosine(start: float, end: float, t: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * t)) / 2


def _steps(t: float, gamma: float) -> float:
    return gamma ** sum(t >= m for m in _MILESTONES)


SCHEDULES: Catalog[Callable[[float, float], float]] = Catalog(
    "schedule",
    {
        "constant": lambda t, gamma: 1.0,
        "cosine": lambda t, gamma: _half_cosine(1.0, 0.0, t),  # Loshchilov and Hutter 2017, arXiv:1608.03983
        "linear": lambda t, gamma: 1.0 - t,
        "step": _steps,
        "one_cycle": lambda t, gamma: one_cycle(t),
        "plateau": lambda t, gamma: 1.0,
    },
)
