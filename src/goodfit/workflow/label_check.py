"""Look for wrong labels: features of a pretrained network, quick models out of sample, and what they contradict."""

from __future__ import annotations

import numpy as np

from ..audit.wrong_labels import wrong_labels
from ..core.finding import Finding
from ..stats.embedding import compact, neighbour_vote
from ..stats.label_noise import folds_of, noise_rate, out_of_sample, quality
from ..train.logistic import logistic
from .embedding import Embedding
from .prepare import Prepared

FOLDS = 5
STRENGTHS = (0.03, 0.1, 0.3, 1.0)  # of the penalty, tried; the best log loss out of sample decides
ROUNDS, SURE = 2, 0.5  # the second round learns without the labels that the first one contradicts by so much


def label_findings(data: Prepared, seen: Embedding | None) -> list[Finding]:
    """Labels that look wrong; nothing where no features are known or the target is no single class."""
    if seen is None or data.schema.target_kind != "class":
        return []
    given = data.dataset.index.target[seen.positions]
    known = given >= 0
    positions, given = seen.positions[known], given[known]
    probabilities = predicted(seen.features[known], data, positions)
    return wrong_labels(
        data.dataset.index.id[positions], given, probabilities, data.schema.classes, noise_rate(probabilities, given)
    )


def predicted(seen: np.ndarray, data: Prepared, positions: np.ndarray) -> np.ndarray:
    """(N, K) probabilities of each sample by models that saw neither it nor its copies; of test by those of the rest.

    The mean of a linear model and a vote of neighbours: on flower photographs with 58 wrong labels the average
    precision of the ranking was 0.81, 0.87 and 0.88 for the first, the second and both.
    """
    index, classes = data.dataset.index, len(data.schema.classes)
    given = index.target[positions]
    groups = positions if data.audit.groups is None else data.audit.groups[positions]
    side = index.part[positions] != "test"
    fold = np.where(side, folds_of(groups, given, FOLDS), FOLDS)
    x = compact(seen.astype(np.float64), side)
    vote = neighbour_vote(x, given, groups, side, classes)
    trusted, linear = side, vote
    for _ in range(ROUNDS):
        tried = [out_of_sample(x, given, fold, trusted, logistic(s, classes), classes) for s in STRENGTHS]
        linear = min(tried, key=lambda found: _log_loss(found[trusted], given[trusted]))
        trusted = side & (quality(linear, given) > -SURE)
    return np.asarray((linear + vote) / 2)


def _log_loss(probabilities: np.ndarray, given: np.ndarray) -> float:
    return float(-np.log(np.maximum(probabilities[np.arange(len(given)), given], 1e-9)).mean())
