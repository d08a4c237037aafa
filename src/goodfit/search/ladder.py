"""When to climb: where train says that the rung misses capacity; the curve of its loss says how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.task import Record
from ..stats import curves

PERFECT = 0.995  # train score from which a larger net has nothing left to learn (clean view, share metrics)
LEAST_POINTS = 4  # epochs from which a curve can show that it has converged, see stats/curves
WORTH = 0.5  # climb only if the error left on train is at least this share of the error on select


@dataclass(frozen=True, kw_only=True)
class Step:
    """A rung that was trained.

    Attributes:
        rung: its name.
        train: leading metric on train samples without augmentation.
        select: leading metric on select.
        higher_is_better: direction of the metric.
        worst: score of always saying the prior (chance), the zero of both errors.
        records: epoch records of the run.
        seconds: what it cost.
        full: whether it was trained at full length, not as a short trial.
    """

    rung: str
    train: float
    select: float
    higher_is_better: bool
    worst: float
    records: Sequence[Record]
    seconds: float
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether to climb, with the reason and its numbers; `why` is a message key under `ledger.`."""

    climb: bool
    why: str
    numbers: dict[str, Any]


def decide(
    step: Step, following: str | None, cost: float, left: float, before: Step | None = None, other: bool = False
) -> Decision:
    """Climb from `step` or stay.

    What a net of the same family lacks shows in its train score; a rung of another family learns other things, so
    that only a trial can tell. It gets one where it is affordable and there is something left to gain.

    A short trial ends long before its train loss has converged. What speaks for climbing then is that train and select
    lie together, so that nothing is lost to overfitting yet, and that a larger net learns more from as many passes
    (Kaplan et al. 2020, arXiv:2001.08361; Li et al. 2020, arXiv:2002.11794, both on transformers). Only a loss that has
    settled says that capacity is what is missing; where that of a full training still falls, longer is the alternative.

    Args:
        step: the rung just trained.
        following: name of the next rung, None at the top.
        cost: predicted seconds of the next rung's trial and of its final training.
        left: seconds of the budget that may go to that.
        before: the rung below, to see whether the last climb paid.
        other: whether the next rung is of another family.
    Source: the guides' order, a small model first and a larger one only where loss and convergence ask for it;
        thresholds from the runs listed in BENCHMARKS.md.
    """
    gap = abs(step.train - step.select)
    numbers = {
        "rung": step.rung,
        "next": following or "",
        "train": step.train,
        "select": step.select,
        "gap": gap,
        "cost": cost,
        "left": left,
    }
    say = lambda climb, why: Decision(climb=climb, why=why, numbers=numbers)  # noqa: E731
    if following is None:
        return say(False, "ladder.top")
    if cost > left:
        return say(False, "ladder.unaffordable")
    if other:
        perfect = step.select >= PERFECT if step.higher_is_better else step.select <= 0
        return say(False, "ladder.perfect") if perfect else say(True, "ladder.other_family")
    if step.higher_is_better:
        if step.train >= PERFECT:
            return say(False, "ladder.train_perfect")
        error_train, error_select = 1 - step.train, 1 - step.select
    else:
        error_train, error_select = step.train, step.select
    if step.higher_is_better and step.select <= step.worst and error_train >= 1 - step.worst:
        return say(True, "ladder.chance")
    if error_select > 0 and error_train < WORTH * error_select and gap > 0:
        return say(False, "ladder.gap")
    if before is not None and not _better(step, before):
        return say(False, "ladder.no_gain")
    why, seen = _what_misses(step)
    numbers |= seen
    return say(True, why)


def _what_misses(step: Step) -> tuple[str, dict[str, Any]]:
    """(reason to climb, what the train loss shows of convergence) of a rung that does not fit its training samples."""
    loss = curves.clean([r.train.get("loss", math.nan) for r in step.records])
    if not len(loss):
        return "ladder.capacity", {}
    first, last, fall = float(loss[0]), float(loss[-1]), -curves.slope(loss).change
    seen = {"steps": step.records[-1].step, "loss_first": first, "loss_last": last, "fall": fall, "full": step.full}
    if len(loss) == 1:
        return "ladder.one_pass", seen
    if curves.has_converged(loss):
        return "ladder.capacity", seen
    if not step.full:
        return "ladder.short", seen
    falls = curves.slope(loss).is_falling or (fall > 0 and len(loss) < LEAST_POINTS)
    return ("ladder.or_longer", {**seen, "alternative": "longer"}) if falls else ("ladder.capacity", seen)


def _better(step: Step, before: Step) -> bool:
    return step.select > before.select if step.higher_is_better else step.select < before.select
