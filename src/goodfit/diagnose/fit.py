"""Overfitting and underfitting, from scores on un-augmented training samples against val, and from the curves."""

from __future__ import annotations

import math

import numpy as np

from ..core.finding import Finding
from ..stats import curves
from .evidence import Evidence, Symptom

GAP = 0.15  # train over val, in the metric's shares; 0.14 was seen on 5,000 CIFAR-10 pictures before any harm
GAP_SURE = 0.10  # the gap less 1.64 standard errors must still be this: few val samples make no alarm
TURN_GAP = 0.05  # a smaller gap counts where the val loss has turned as well
TURN_RISE = 0.20  # rise of the select loss over its minimum, which must lie in the first 70 % of the run
SHORT = 0.10  # missing from a perfect score on train: below that there is little to gain from fitting train better
DOMINATES = 2.0  # the miss on train must be so many times the gap; Ng 2018, "Machine Learning Yearning", ch. 20-27
STILL = 0.05  # fall of the train loss over its last third, relative, that counts as still learning


def look_over(evidence: Evidence) -> Finding | None:
    """Train far above val; or somewhat above while select loss turned upwards and the select score fell with it."""
    if evidence.gap is None:
        return None
    gap, error = evidence.gap
    sure = gap - 1.64 * error
    turned, rise, epoch = _turned(evidence)
    wide = gap >= GAP and sure >= GAP_SURE
    if not wide and not (turned and gap >= TURN_GAP and sure > 0):
        return None
    return _finding(evidence, "GF-F001", gap, loss_rise=rise, turn_epoch=epoch, turned=turned)


def look_under(evidence: Evidence) -> Finding | None:
    """Train itself is far from right, and that miss is much larger than the gap to val."""
    if evidence.gap is None or evidence.train_score is None or not evidence.epochs:
        return None
    gap, error = evidence.gap
    score = evidence.train_score
    miss = 1 - evidence.quality(score.value)
    surely = 1 - max(evidence.quality(score.low), evidence.quality(score.high))
    if miss < SHORT or surely < SHORT / 2 or miss < DOMINATES * max(gap, 0.0) or gap > GAP:
        return None
    loss = curves.clean(evidence.curve("train", "loss"))
    if not len(loss):
        return None
    fall = _relative_fall(loss)
    falling = len(loss) < 3 or fall >= STILL  # so few epochs have no last third
    return _finding(evidence, "GF-F002", gap, miss=miss, fall=fall, still_falling=bool(falling), **_ends(loss))


OVERFITTING = Symptom(
    name="overfitting",
    code="GF-F001",
    look=look_over,
    source="gap above 15 points, or a turned loss as in Prechelt 1998; healthy controls in tests/diagnose/test_fit.py",
)
UNDERFITTING = Symptom(
    name="underfitting",
    code="GF-F002",
    look=look_under,
    source="bias against variance, Ng 2018, Machine Learning Yearning, chapters 20 to 27",
)


def _finding(evidence: Evidence, code: str, gap: float, **numbers: object) -> Finding:
    train, val = evidence.train_score, evidence.val_score
    assert train is not None and val is not None
    return evidence.finding(
        code,
        "warning",
        metric=evidence.metric.name,
        train=train.value,
        train_text=evidence.shown(train.value),
        val=val.value,
        val_text=evidence.shown(val.value),
        gap=gap,
        gap_points=100 * gap,
        n=val.n,
        **numbers,
    )


def _turned(evidence: Evidence) -> tuple[bool, float, int]:
    """(whether select loss and score both turned for the worse, relative rise of the loss, epoch of its minimum)."""
    loss = evidence.curve("select", "loss")
    score = evidence.curve("select", evidence.metric.name)
    lowest, rise = curves.turn(loss)
    turned = (
        len(loss) >= 5
        and bool(np.isfinite(loss).all())
        and rise >= TURN_RISE
        and lowest + 1 <= 0.7 * len(loss)
        and _fell(evidence, score)
    )
    return turned, rise, lowest + 1


def _fell(evidence: Evidence, score: np.ndarray) -> bool:
    """Whether the select score ended below its best by more than twice its sampling error."""
    values = curves.clean(score)
    n = evidence.counts.get("select", len(evidence.select) if evidence.select is not None else 0)
    if len(values) < 5 or n < 2:
        return False
    quality = [evidence.quality(float(v)) for v in values]
    best, end = max(quality), curves.level(quality, 1 - 3 / len(quality))
    return best - end > 2 * math.sqrt(max(best * (1 - best), 1 / n) / n)


def _ends(loss: np.ndarray) -> dict[str, float]:
    return {"loss_first": float(loss[0]), "loss_last": float(loss[-1])}


def _relative_fall(loss: np.ndarray) -> float:
    """Fall of a curve over its last third against where it ends; 0 where it rises or has fewer than 2 points."""
    if len(loss) < 2:
        return 0.0
    return max(0.0, -curves.slope(loss).change) / max(abs(float(loss[-1])), 1e-12)
