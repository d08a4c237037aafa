"""What the table tasks share; one task adds its metrics and kind of target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..core.recipe import DataSection, Recipe, Section
from ..core.samples import Schema, TargetKind
from ..core.task import Learner, Metric, Task
from ..data.rows import shown
from ..stats.calibration import fit_temperature
from ..train.boosting import BoostingLearner
from ..train.row_linear import LinearLearner
from .answers import answer, probs
from .planned import LABEL_REMEDIES, quickened
from .rebalancing import leading as leading_class
from .table_learner import cost, learner, memory, rebuild, trial
from .table_loaders import loader, open_samples, remember, warm
from .table_plan import ladder, probe_samples, settle, val_share

QUICK = {"model.name": "boosting", "train.epochs": 100.0, "train.lr": 0.1}  # rounds; LightGBM's own rate and number


class NoAugment(Section):
    """Rows are learnt as they are: there is no key here yet."""


def table_task(name: str, kind: TargetKind, metric: Metric, metrics: Mapping[str, Metric]) -> Task:
    """A task on rows.

    Args:
        name: name in TASKS.
        kind: what the target is.
        metric: leading metric.
        metrics: all of them.
    """
    return Task(
        name=name,
        metric=metric.name,
        metrics=metrics,
        augment_options=NoAugment,
        settle=settle,
        ladder=ladder,
        warm=warm,
        loader=loader,
        learner=partial(learner, metric),
        trial=partial(trial, metric),
        probe_samples=probe_samples,
        rebuild=partial(rebuild, metric),
        probs=partial(probs, kind),
        answer=partial(answer, kind),
        open_samples=open_samples,
        show=show,
        remember=remember,
        cost=cost,
        memory=memory,
        stops_by=partial(stops_by, metric),
        bears=bears,
        leading=leading if kind == "number" else partial(leading_class, metric.name),
        quick=partial(quickened, QUICK) if kind == "class" else None,
        val_share=val_share,
        asked_of=asked_of,
        importance=importance,
        temperature=fit_temperature if kind != "number" else None,
    )


def show(sample: Mapping[str, Any]) -> dict[str, str]:
    """A row as the report shows it."""
    return {"text": shown(sample)}


def leading(recipe: Recipe, schema: Schema) -> str:
    """What a model that estimates a quantile is judged by: the pinball loss nearest to it."""
    return _of_loss(recipe)


def _of_loss(recipe: Recipe) -> str:
    if recipe.train.loss != "quantile":
        return "rmse"
    return f"pinball_{min((10, 50, 90), key=lambda q: abs(q - 100 * recipe.train.quantile))}"


def stops_by(metric: Metric, recipe: Recipe) -> str:
    """What decides the number of trees: the leading metric is too coarse for that, or hangs on single rows.

    By counts of right answers rounds differ by luck; one house of Ames whose price nobody foresees made the root mean
    square on 180 rows stop after 70 rounds instead of 400 (benchmarks/tables.py, seeds 1 and 4: 32,000 instead of
    26,000 on test).
    """
    if recipe.metric != "auto":
        return recipe.metric
    if recipe.train.rebalance not in ("auto", "none") and recipe.model.name == "boosting":
        return "roc_auc"  # a shift of all answers, as rebalancing is, does not touch it
    led = metric.name if metric.name == "accuracy" else _of_loss(recipe)
    finer = {"accuracy": "log_loss", "rmse": "mae"}
    return finer.get(led, led) if recipe.model.name == "boosting" else led


def bears(recipe: Recipe, remedy: str) -> bool:
    """Trees and linear models have no rate that is off by ten and no length but their patience."""
    meant = {
        "linear": frozenset({"weight_decay_up", "no_rebalancing", "class_weights"}),
        "boosting": frozenset({"weight_decay_up", "l1", "dropout", "no_rebalancing", "class_weights"}),
    }
    return recipe.model.name not in meant or remedy in meant[recipe.model.name] | LABEL_REMEDIES


def importance(learner: Learner) -> Mapping[str, float]:
    """Input -> share of the splits' gain in trees, of the weights in a linear model; nothing from a network."""
    return learner.importance() if isinstance(learner, BoostingLearner | LinearLearner) else {}


def asked_of(section: DataSection, schema: Schema) -> DataSection:
    """How to read a table for a model: its target is the model's, unless another column is named."""
    return section if section.target != "auto" else section.model_copy(update={"target": schema.target_name})
