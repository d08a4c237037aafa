"""Chance level: the score of always answering with the prior, and the symptom that a run is no better."""

from __future__ import annotations

import numpy as np

from ..core.finding import Finding
from ..core.target_kinds import kind_of
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
        target_train: (M, ...) of any kind.
        target_eval: the same kind, (N, ...).
        classes: K of a class target; 0 = as many as the targets show.
    Returns: for numbers the better of always the mean and always the median; NaN for no samples.
    """
    kind = kind_of(np.asarray(target_train))
    train, target = (np.asarray(t)[kind.known(np.asarray(t))] for t in (target_train, target_eval))
    if not len(train) or not len(target):
        return float("nan")
    constant = (np.broadcast_to(row, (len(target), *row.shape)) for row in kind.priors(train, target, classes))
    scores = [float(metric.value(target, outputs)) for outputs in constant]
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
