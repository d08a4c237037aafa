"""How a run is judged: leading metric, best epoch, predictions with scores and intervals, what its model remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from ..core.errors import RecipeError, did_you_mean
from ..core.outcome import Predictions, Result, Score
from ..core.recipe import Recipe
from ..core.samples import Dataset, Schema
from ..core.task import Learner, Loader, Metric, Record, Task
from ..stats.intervals import interval
from .work import Work


def metric_name(recipe: Recipe, task: Task, schema: Schema) -> str:
    """Name of the leading metric: as asked, else the task's own for such data."""
    if recipe.metric != "auto":
        return recipe.metric
    return task.leading(recipe, schema) if task.leading is not None else task.metric


def primary(recipe: Recipe, task: Task, schema: Schema) -> Metric:
    """The leading metric of a recipe. Raises UsageError for a name that the task does not have."""
    name = metric_name(recipe, task, schema)
    if name not in task.metrics:
        raise RecipeError(
            "no such metric for this task",
            got=name,
            allowed=", ".join(task.metrics),
            do=did_you_mean(name, task.metrics) or "choose one of these",
            where="metric",
        )
    return task.metrics[name]


def is_best(history: list[Record], metric: Metric) -> bool:
    """Whether the last epoch is the best so far."""
    return bool(history) and history[-1] is best_record(history, metric)


def best_record(history: list[Record], metric: Metric) -> Record:
    """The epoch with the best select score; among equals the last, whose rate has decayed further."""
    sign = 1.0 if metric.higher_is_better else -1.0
    value = lambda r: _finite(sign * r.select.get(metric.name, float("nan")))  # noqa: E731
    return max(reversed(history), key=value)


def out_of_patience(history: list[Record], metric: Metric, patience: int) -> bool:
    """Whether the last `patience` epochs brought no better select score."""
    return bool(history) and len(history) - 1 - history.index(best_record(history, metric)) >= patience


def _finite(value: float) -> float:
    return value if value - value == 0 else float("-inf")


def loss_of(task: Task, target: np.ndarray, outputs: np.ndarray) -> float:
    """The task's own loss-like metric: the first that is better when smaller."""
    metric = next(m for m in task.metrics.values() if not m.higher_is_better)
    return float(metric.value(target, outputs))


def predictions(
    learner: Learner,
    positions: np.ndarray,
    split: str,
    run_id: str,
    recipe: Recipe,
    work: Work,
    lost: Callable[[Dataset, Loader], None] = lambda dataset, loader: None,
) -> Predictions:
    """A learner's outputs on some samples; `lost` hears of those that could not be read, which are left out."""
    data = work.data
    loader = data.task.loader(data.dataset, positions, recipe, work.engine, False)
    outputs = learner.predict(loader)
    lost(data.dataset, loader)
    return _predictions_of(data.dataset, loader, outputs, split, run_id)


def drawn_predictions(learner: Learner, positions: np.ndarray, run_id: str, recipe: Recipe, work: Work) -> Predictions:
    """A learner's outputs on training samples as chance made them, under the name `augmented`."""
    data = work.data
    assert data.task.drawn is not None
    loader = data.task.drawn(data.dataset, positions, recipe, work.engine)
    return _predictions_of(data.dataset, loader, learner.predict(loader, plain=True), "augmented", run_id)


def _predictions_of(dataset: Dataset, loader: Loader, outputs: np.ndarray, split: str, run_id: str) -> Predictions:
    index, kept = dataset.index, loader.positions
    return Predictions(
        ids=index.id[kept].astype(str), target=index.target[kept], outputs=outputs, split=split, run_id=run_id
    )


def score_all(p: Predictions, task: Task, seed: int = 0) -> dict[str, Score]:
    """Every metric of a task on predictions, with intervals."""
    return {name: interval(metric, p, seed) for name, metric in task.metrics.items()}


def model_tree(
    recipe: Recipe, schema: Schema, task: Task, result: Result, family: str, temperature: float = 1.0
) -> dict[str, Any]:
    """model.json: all that predict and evaluate need."""
    return {
        "task": task.name,
        "family": family,
        "run": result.run_id,
        "recipe": recipe.model_dump(mode="json"),
        "schema_of_data": {**asdict(schema), "classes": list(schema.classes), "facts": task.remember(recipe, schema)},
        "temperature": temperature,
        "refit": result.refit,
    }
