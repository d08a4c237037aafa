"""Predictions of every sample by small models that did not see it: folds, each answered for by a model of the others.

Source: Stone 1974, "Cross-Validatory Choice and Assessment of Statistical Predictions".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..core.recipe import Recipe
from ..engine.engine import Engine
from .planning import Plan, make_plan
from .prepare import Prepared
from .work import looked_at

FOLDS = 3  # each fold more costs a training on nearly all samples; two thirds of them teach nearly as much


@dataclass(frozen=True, kw_only=True)
class Cross:
    """Small models for the folds of some samples.

    Attributes:
        data: prepared.
        plan: of one model, on the samples outside a fold.
        fold: (N,) int64 of each sample of the data set; -1 = neither learnt nor answered.
        held: fold that no model learns from (test, val), or -1.
    """

    data: Prepared
    plan: Plan
    fold: np.ndarray
    held: int = -1

    @property
    def seconds(self) -> float:
        """Predicted time of one round."""
        learnt = sum(int(self._learners(k).sum()) for k in self._folds)
        return self.plan.seconds(learnt) + self.plan.predict_seconds(int((self.fold >= 0).sum()))

    @property
    def _folds(self) -> list[int]:
        return [int(k) for k in np.unique(self.fold) if k >= 0]

    def _learners(self, k: int) -> np.ndarray:
        return np.asarray((self.fold != k) & (self.fold >= 0) & (self.fold != self.held))

    def predicted(self, trusted: np.ndarray, progress: Callable[[int, int], None]) -> np.ndarray:
        """(N, K) probabilities, 1 / K for what could not be answered.

        Args:
            trusted: (N,) bool, samples whose labels may be learnt.
            progress: called with per mille done; ends the work by raising.
        """
        classes, folds = len(self.data.schema.classes), self._folds
        found = np.full((len(self.fold), classes), 1 / classes)
        for done, k in enumerate(folds):
            inside = np.flatnonzero(self._learners(k) & trusted)
            if len(np.unique(self.data.dataset.index.target[inside])) > 1:
                part = lambda share, done=done: progress(round(1000 * (done + share) / len(folds)), 1000)  # noqa: E731
                answered, outputs = self._one(inside, np.flatnonzero(self.fold == k), part)
                found[answered] = self.data.task.probs(outputs, 1.0)
        progress(1000, 1000)
        return found

    def _one(
        self, inside: np.ndarray, asked: np.ndarray, progress: Callable[[float], None]
    ) -> tuple[np.ndarray, np.ndarray]:
        """(positions that could be read, their outputs) by a model of the samples `inside`."""
        task, recipe, dataset = self.data.task, self.plan.recipe, self.data.dataset
        engine = Engine.start(recipe.engine)
        plain = lambda positions: task.loader(dataset, positions, recipe, engine, False)  # noqa: E731
        some = np.sort(inside[:: max(1, len(inside) // looked_at(len(inside)))])
        learner = task.learner(recipe, self.data.schema, engine, plain(some))
        for record in learner.fit(task.loader(dataset, inside, recipe, engine, True), dict, None, lambda: False):
            progress(record.step / max(record.steps, 1))
        loader = plain(asked)
        outputs = learner.predict(loader)
        return loader.positions, outputs


def cross(asked: Recipe, data: Prepared, fold: np.ndarray, held: int = -1) -> Cross | None:
    """The small models of a task, planned; None where it has none.

    Args:
        asked: recipe as asked.
        data: prepared.
        fold: (N,) int64 of each sample of the data set, -1 = left out.
        held: fold that no model learns from, or -1.
    """
    if data.task.quick is None:
        return None
    learnt = int(((fold >= 0) & (fold != held)).sum())
    counts = {**data.counts, "train": max(1, learnt * (FOLDS - 1) // FOLDS), "select": 0, "confirm": 0}
    plan = make_plan(data.task.quick(asked), replace(data, counts=counts))
    return Cross(data=data, plan=plan, fold=fold, held=held)
