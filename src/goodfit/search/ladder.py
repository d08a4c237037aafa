"""When to climb: the next rung only if train loss and convergence say that capacity holds this one back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.task import Record

PERFECT = 0.995  # train score from which a larger net has nothing left to learn (clean view, share metrics)
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
    """

    rung: str
    train: float
    select: float
    higher_is_better: bool
    worst: float
    records: Sequence[Record]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether to climb, with the reason and its numbers; `why` is a message key under `ledger.`."""

    climb: bool
    why: str
    numbers: dict[str, Any]


def decide(step: Step, following: str | None, cost: float, left: float, before: Step | None = None) -> Decision:
    """Climb from `step` or stay.

    Args:
        step: the rung just trained.
        following: name of the next rung, None at the top.
        cost: predicted seconds of the next rung's trial and of its final training.
        left: seconds of the budget that may go to that.
        before: the rung below, to see whether the last climb paid.
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
    return say(True, "ladder.capacity")


def _better(step: Step, before: Step) -> bool:
    return step.select > before.select if step.higher_is_better else step.select < before.select
