"""Look for wrong labels: features of a pretrained network, quick models out of sample, and what they contradict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..audit.wrong_labels import wrong_labels
from ..core.finding import Finding
from ..core.recipe import Recipe
from ..core.telling import Tell
from ..engine.engine import Engine
from ..engine.hardware import has_fast_bf16
from ..stats.embedding import compact, neighbour_vote
from ..stats.label_noise import folds_of, noise_rate, out_of_sample, quality
from ..train.logistic import logistic
from .prepare import Prepared
from .watch import watched

FOLDS = 5
STRENGTHS = (0.03, 0.1, 0.3, 1.0)  # of the penalty, tried; the best log loss out of sample decides
ROUNDS, SURE = 2, 0.5  # the second round learns without the labels that the first one contradicts by so much


def label_findings(asked: Recipe, data: Prepared, tell: Tell) -> list[Finding]:
    """Labels that look wrong; nothing where no pretrained network is named or the target is no single class."""
    task, schema = data.task, data.schema
    if task.embed is None or asked.model.weights is None or schema.target_kind != "class":
        return []
    recipe, _ = task.settle(asked, schema, data.counts)
    engine = _engine(recipe)
    known = np.flatnonzero(data.dataset.index.target >= 0)
    tell("stage", name="labels")
    task.warm(data.dataset, recipe, 0.0, watched(tell, "decode", lambda: float("inf")))
    loader = task.loader(data.dataset, known, recipe, engine, False)
    seen = task.embed(recipe, schema, engine, loader, watched(tell, "embed", lambda: float("inf")))
    positions = loader.positions
    probabilities = predicted(seen, data, positions)
    given = data.dataset.index.target[positions]
    return wrong_labels(
        data.dataset.index.id[positions], given, probabilities, schema.classes, noise_rate(probabilities, given)
    )


def _engine(recipe: Recipe) -> Engine:
    """Where features are computed: in bf16 where the processor is really faster in it and nobody asked otherwise."""
    start = Engine.start(recipe.engine)
    asked = "precision" in start.settled or start.kind != "cpu"
    return start if asked or not has_fast_bf16() else replace(start, precision="bf16", layout="channels_last")


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
