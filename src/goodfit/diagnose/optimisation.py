"""Faults of optimisation: learning rate too high, too low, and divergence, from the records alone where possible."""

from __future__ import annotations

import math

import numpy as np

from ..core.finding import Finding
from ..stats import curves
from .evidence import Evidence, Symptom

ABOVE_PRIOR = (
    1.10  # train loss over the prior's, ln(K) for K equal classes; shuffled labels, which settle on it, need the margin
)
HIGH_RATIO = 0.1  # update norm over weight norm; about 1e-3 is healthy, CS231n notes, "Ratio of weights:updates"
HEALTHY_RATIO, MUON_HEALTHY = 1e-3, 0.1
LOW_RATIO = 1e-4  # a tenth of the healthy ratio
SLOW_RATIO = 3e-4  # below the healthy ratio, where progress is slow as well
MUON_HIGH, MUON_LOW, MUON_SLOW = 1.0, 3e-3, 1e-2  # kernels of fixed norm move by lr a step: 0.1 to 0.25 is healthy
POOR = 0.5  # skill above which a fit is good enough not to blame its rate
RISE = 1.25  # train loss of two epochs running over the least before them, while still above half the prior's
STUCK, FREED = 0.1, 0.3  # share of the prior's loss gained at high rate, and by the end, for "learned only as lr fell"


def look_divergence(evidence: Evidence) -> Finding | None:
    """A loss or an output that is not finite, or a run that stopped as diverged."""
    bad = next((r for r in evidence.records if not math.isfinite(r.train.get("loss", 0.0))), None)
    bad = bad or next((r for r in evidence.records if not math.isfinite(r.select.get("loss", 0.0))), None)
    outputs = [p for p in (evidence.select, evidence.confirm) if p is not None and not np.isfinite(p.outputs).all()]
    if bad is None and not outputs and evidence.stopped != "diverged":
        return None
    last = bad or (evidence.records[-1] if evidence.records else None)
    return evidence.finding(
        "GF-F005",
        "problem",
        step=last.step if last else 0,
        steps=last.steps if last else evidence.steps,
        epoch=last.epoch if last else 0,
        lr=last.lr if last else 0.0,
        peak_lr=_peak(evidence),
        grad_norm=_last_finite(evidence.curve("train", "grad_norm")),
    )


def look_high(evidence: Evidence) -> Finding | None:
    """Train loss stays above the prior's, rises, or falls only with the rate; or updates tear a poor fit's weights."""
    loss = evidence.curve("train", "loss")
    if not np.isfinite(loss).all():
        return None
    prior, ratios = prior_loss(evidence), curves.clean(evidence.curve("train", "update_ratio"))
    ratio = float(ratios.max()) if len(ratios) else None
    sign = _high_sign(evidence, loss, prior, ratio)
    if not sign:
        return None
    return evidence.finding(
        "GF-F003",
        "problem" if sign == "above_prior" else "warning",
        lr=_peak(evidence),
        loss=curves.level(loss),
        prior_loss=prior if prior is not None else float(loss[0]),
        update_ratio=ratio if ratio is not None else 0.0,
        high_loss=_lowest_at_high_rate(evidence, loss),
        sign=sign,
    )


def look_low(evidence: Evidence) -> Finding | None:
    """Updates far too small for the weights, a poor fit, and a loss that is still on its way down."""
    loss, ratio = evidence.curve("train", "loss"), peak_ratio(evidence)
    score = evidence.train_score or evidence.val_score
    if ratio is None or len(loss) < 2 or not np.isfinite(loss).all():
        return None
    if score is not None and evidence.skill(score.value) >= POOR:
        return None
    low, slow = (MUON_LOW, MUON_SLOW) if evidence.recipe.train.optimizer == "muon" else (LOW_RATIO, SLOW_RATIO)
    prior = prior_loss(evidence)
    start = prior if prior is not None else float(loss[0])
    left = float(loss[-1]) / start if start > 0 else 1.0
    crawls = (
        evidence.recipe.model.weights is None
        and ratio < slow
        and left > 0.5
        and len(loss) >= 4
        and curves.slope(loss, 0, 2 / 3).is_falling
    )
    if ratio >= low and not crawls:
        return None
    return evidence.finding(
        "GF-F004",
        "warning",
        lr=_peak(evidence),
        update_ratio=ratio,
        healthy_ratio=MUON_HEALTHY if evidence.recipe.train.optimizer == "muon" else HEALTHY_RATIO,
        loss=float(loss[-1]),
        prior_loss=start,
        left=left,
    )


DIVERGENCE = Symptom(
    name="divergence", code="GF-F005", look=look_divergence, source="a number that is not finite needs no threshold"
)
LR_TOO_HIGH = Symptom(
    name="lr_too_high",
    code="GF-F003",
    look=look_high,
    source="loss above ln(K) after the start; update ratio a hundred times the CS231n notes' 1e-3",
)
LR_TOO_LOW = Symptom(
    name="lr_too_low",
    code="GF-F004",
    look=look_low,
    source="update ratio a tenth of the CS231n notes' 1e-3",
)


def prior_loss(evidence: Evidence) -> float | None:
    """Loss of the best constant answer in nats, as the run's own loss counts it; None where it cannot be known."""
    train, of = evidence.train, evidence.recipe.train
    if train is None or not len(train):
        return None
    smoothing = 0.0 if of.label_smoothing == "auto" else of.label_smoothing
    if of.loss == "ce" and train.target.ndim == 1 and train.target.dtype.kind in "iu":
        k = train.outputs.shape[1]
        share = np.bincount(train.target[train.target >= 0], minlength=k) / max((train.target >= 0).sum(), 1)
        return float(-_xlogx((1 - smoothing) * share + smoothing / k).sum())
    if of.loss == "bce" and train.target.ndim == 2:
        share = (1 - smoothing) * train.target.mean(axis=0) + smoothing / 2
        return float(-(_xlogx(share) + _xlogx(1 - share)).mean())
    return None


def peak_ratio(evidence: Evidence) -> float | None:
    """Median of the upper half of the epochs' update ratios: what the rate did before it was lowered."""
    ratios = np.sort(curves.clean(evidence.curve("train", "update_ratio")))
    return float(np.median(ratios[len(ratios) // 2 :])) if len(ratios) else None


def _high_sign(evidence: Evidence, loss: np.ndarray, prior: float | None, ratio: float | None) -> str:
    healthy = MUON_HEALTHY if evidence.recipe.train.optimizer == "muon" else HEALTHY_RATIO
    reference = prior if prior is not None else float(loss[0]) if len(loss) else 0.0
    if ratio is not None and ratio < healthy:
        return ""
    if len(loss) >= 3 and curves.level(loss) > ABOVE_PRIOR * reference:
        return "above_prior"
    if _rose(loss, reference):
        return "rise"
    if _learned_only_as_it_fell(evidence, loss, prior, ratio):
        return "late"
    score = evidence.train_score or evidence.val_score
    poor = score is not None and evidence.skill(score.value) < POOR
    high = MUON_HIGH if evidence.recipe.train.optimizer == "muon" else HIGH_RATIO
    return "ratio" if poor and ratio is not None and ratio > high else ""


def _rose(loss: np.ndarray, reference: float) -> bool:
    least = np.minimum.accumulate(loss)[:-1]
    above = (loss[1:] > RISE * least) & (loss[1:] > 0.5 * reference)
    return bool((above[1:] & above[:-1]).any())


def _learned_only_as_it_fell(evidence: Evidence, loss: np.ndarray, prior: float | None, ratio: float | None) -> bool:
    lrs = evidence.lrs
    if len(loss) < 6 or prior is None or prior <= 0 or lrs.max() <= 0 or ratio is None:
        return False
    high = lrs >= 0.5 * lrs.max()
    moves = ratio > (0.5 * MUON_HIGH if evidence.recipe.train.optimizer == "muon" else 0.1 * HIGH_RATIO)
    if not moves or high.sum() < 3 or (~high).sum() < 2 or high[-1]:
        return False
    return float(1 - _lowest_at_high_rate(evidence, loss) / prior) < STUCK and float(1 - loss[-1] / prior) >= FREED


def _lowest_at_high_rate(evidence: Evidence, loss: np.ndarray) -> float:
    lrs = evidence.lrs
    return float(loss[lrs >= 0.5 * lrs.max()].min())


def _peak(evidence: Evidence) -> float:
    lr = evidence.recipe.train.lr
    return float(lr) if lr != "auto" else float(evidence.lrs.max()) if len(evidence.lrs) else 0.0


def _last_finite(values: np.ndarray) -> float:
    finite = curves.clean(values)
    return float(finite[-1]) if len(finite) else math.nan


def _xlogx(p: np.ndarray) -> np.ndarray:
    p = np.asarray(p, dtype=np.float64)
    return np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0.0)
