"""What a diagnosis may look at: stored records and predictions of one run, nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..core.finding import Finding
from ..core.outcome import Predictions, Score
from ..core.recipe import Recipe
from ..core.samples import TargetKind
from ..core.target_kinds import KINDS
from ..core.task import Metric, Record
from ..stats.intervals import interval, known
from ..stats.special import normal_quantile


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One run as its symptoms see it.

    Attributes:
        recipe: resolved.
        records: as the run kept them; only those of whole epochs are read for curves.
        metric: the leading metric.
        chance: score of always answering with the prior (`chance_score`).
        target_kind: of the schema.
        train: predictions on training samples without augmentation (a subset will do), or None.
        augmented: predictions on the same training samples as chance makes them in training, or None.
        select: predictions on select, or None.
        confirm: predictions on confirm, or None.
        counts: train, select, confirm -> samples; "conflicts" -> samples with contradicting labels, if audited.
        steps: optimiser steps planned.
        stopped: why training ended: done, patience, deadline, diverged.
        run_id: the run.
    """

    recipe: Recipe
    records: tuple[Record, ...]
    metric: Metric
    chance: float
    target_kind: TargetKind
    train: Predictions | None = None
    augmented: Predictions | None = None
    select: Predictions | None = None
    confirm: Predictions | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    steps: int = 0
    stopped: str = "done"
    run_id: str = ""

    @cached_property
    def epochs(self) -> tuple[Record, ...]:
        """Records of finished epochs, oldest first."""
        return tuple(r for r in self.records if r.kind == "epoch")

    def curve(self, part: str, name: str) -> np.ndarray:
        """(E,) a figure of `train`, `select` or `cost` over the epochs; NaN where an epoch lacks it."""
        return np.array([getattr(r, part).get(name, math.nan) for r in self.epochs], dtype=np.float64)

    @cached_property
    def lrs(self) -> np.ndarray:
        """(E,) rate at each epoch's end."""
        return np.array([r.lr for r in self.epochs], dtype=np.float64)

    @cached_property
    def val(self) -> Predictions | None:
        """select and confirm together; None unless at least one is there and finite."""
        parts = [p for p in (self.select, self.confirm) if p is not None and len(p)]
        if not parts or not all(np.isfinite(p.outputs).all() for p in parts):
            return None
        if len(parts) == 1:
            return parts[0]
        a, b = parts
        return Predictions(
            ids=np.concatenate([a.ids, b.ids]),
            target=np.concatenate([a.target, b.target]),
            outputs=np.concatenate([a.outputs, b.outputs]),
            split="val",
            run_id=a.run_id,
        )

    @cached_property
    def train_score(self) -> Score | None:
        """The metric on un-augmented training samples, or None."""
        return self._scored(self.train)

    @cached_property
    def augmented_score(self) -> Score | None:
        """The metric on augmented training samples, or None."""
        return self._scored(self.augmented)

    @cached_property
    def val_score(self) -> Score | None:
        """The metric on select and confirm together, or None."""
        return _usable(interval(self.metric, self.val, self.recipe.seed)) if self.val is not None else None

    def _scored(self, predictions: Predictions | None) -> Score | None:
        usable = predictions is not None and len(predictions) and np.isfinite(predictions.outputs).all()
        return _usable(interval(self.metric, predictions, self.recipe.seed)) if usable and predictions else None

    def skill(self, value: float) -> float:
        """A score on a scale where 0 = always the prior and 1 = perfect; below 0 = worse than the prior."""
        best = 1.0 if self.metric.higher_is_better else 0.0
        reach = best - self.chance
        return (value - self.chance) / reach if reach else 0.0

    def quality(self, value: float) -> float:
        """What gaps are measured on: the metric itself where it is a share that should be high, else skill."""
        return value if self.metric.is_share and self.metric.higher_is_better else self.skill(value)

    @cached_property
    def gap(self) -> tuple[float, float] | None:
        """(train minus val quality, its standard error), or None where one side is missing."""
        if self.train_score is None or self.val_score is None:
            return None
        gap = self.quality(self.train_score.value) - self.quality(self.val_score.value)
        return gap, math.hypot(self._error(self.train_score), self._error(self.val_score))

    def shown(self, value: float) -> str:
        """A value of the leading metric as a person reads it."""
        return f"{100 * value:.1f} %" if self.metric.is_share else f"{value:.4g}"

    def finding(self, code: str, severity: Any, ids: tuple[str, ...] = (), /, **numbers: Any) -> Finding:
        """A Finding of this run, numbers as JSON values."""
        return Finding(code=code, severity=severity, numbers=_plain(numbers), ids=ids, run_id=self.run_id)

    def _error(self, score: Score) -> float:
        width = abs(self.quality(score.high) - self.quality(score.low))
        return width / (2 * normal_quantile(0.975)) if math.isfinite(width) else math.inf


@dataclass(frozen=True, kw_only=True)
class Symptom:
    """One thing that can be wrong with a fit.

    Attributes:
        name: unique, words joined by underscores.
        code: of the Finding that `look` returns.
        look: Evidence -> Finding, or None where the evidence does not support it.
        source: of the thresholds.
    """

    name: str
    code: str
    look: Callable[[Evidence], Finding | None]
    source: str


def classes_of(evidence: Evidence) -> tuple[np.ndarray, np.ndarray] | None:
    """(target (N,), outputs (N, K)) of val where the target is a class, else None."""
    if not KINDS[evidence.target_kind].is_exclusive or evidence.val is None or evidence.val.outputs.shape[1] < 2:
        return None
    return known(evidence.val)


def _usable(score: Score) -> Score | None:
    return score if math.isfinite(score.value) else None


def _plain(numbers: Mapping[str, Any]) -> dict[str, Any]:
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in numbers.items()}
    return {k: v for k, v in plain.items() if not (isinstance(v, float) and not math.isfinite(v))}
