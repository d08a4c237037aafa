"""Chance level: the score of always answering with the prior, and the symptom that a run is no better."""

from __future__ import annotations

import numpy as np

from ..core.finding import Finding
from ..core.task import Metric
from ..stats.intervals import known
from ..stats.permutation import permutation_p
from .evidence import Evidence, Symptom

P_SIGNAL = 0.01  # a run with p below this knows something; shuffled labels slip through once in a hundred
SKILL = 0.25  # a run that gained more than this over the prior is not called chance, however few its val samples
FEWEST = 8  # val samples below which nothing can be said


def chance_score(metric: Metric, target_train: np.ndarray, target_eval: np.ndarray, classes: int = 0) -> float:
    """The score of always answering with the prior of the training targets.

    Args:
        metric: what to score.
        target_train: (M,) class indices, (M, K) 0/1, or (M,) numbers.
        target_eval: the same kind, (N, ...).
        classes: K of a class target; 0 = as many as the targets show.
    Returns: for numbers the better of always the mean and always the median; NaN for no samples.
    """
    train, target = _known(target_train), _known(target_eval)
    if not len(train) or not len(target):
        return float("nan")
    scores = [float(metric.value(target, np.tile(row, (len(target), 1)))) for row in _priors(train, target, classes)]
    return max(scores) if metric.higher_is_better else min(scores)


def look(evidence: Evidence) -> Finding | None:
    """No better than the prior, and not distinguishable from predictions for shuffled targets."""
    val, score = evidence.val, evidence.val_score
    if val is None or score is None or score.n < FEWEST:
        return None
    skill = evidence.skill(score.value)
    if skill >= SKILL:
        return None
    p = permutation_p(evidence.metric, *known(val), seed=evidence.recipe.seed)
    if p <= P_SIGNAL:
        return None
    trained = evidence.train_score
    return evidence.finding(
        "GF-F007",
        "problem",
        metric=evidence.metric.name,
        val=score.value,
        val_text=evidence.shown(score.value),
        low=score.low,
        high=score.high,
        chance=evidence.chance,
        chance_text=evidence.shown(evidence.chance),
        p=p,
        n=score.n,
        skill=skill,
        train=trained.value if trained else float("nan"),
    )


SYMPTOM = Symptom(
    name="chance_level",
    code="GF-F007",
    look=look,
    source="permutation test, Ojala and Garriga 2010; limits: tests/diagnose/test_chance.py",
)


def _known(target: np.ndarray) -> np.ndarray:
    target = np.asarray(target)
    if target.ndim != 1:
        return target
    return target[np.isfinite(target)] if target.dtype.kind == "f" else target[target >= 0]


def _priors(train: np.ndarray, target: np.ndarray, classes: int) -> list[np.ndarray]:
    """Constant output rows: log prior of classes, log odds of labels, or mean and median of numbers."""
    if train.ndim == 2:
        share = np.clip(train.mean(axis=0), 1e-6, 1 - 1e-6)
        return [np.log(share / (1 - share)).astype(np.float32)]
    if train.dtype.kind == "f":
        return [np.array([train.mean()], np.float32), np.array([np.median(train)], np.float32)]
    k = max(classes, int(train.max()) + 1, int(target.max()) + 1)
    counts = np.bincount(train, minlength=k)
    return [np.log(np.maximum(counts, 1e-6) / counts.sum()).astype(np.float32)]
