"""What every listed task keeps to; a new task adds its example below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from goodfit.core.finding import Finding
from goodfit.core.messages import LANGUAGES, has, texts
from goodfit.core.recipe import Recipe, flatten
from goodfit.core.samples import Schema
from goodfit.core.telling import show_value
from goodfit.tasks import TASKS
from goodfit.tasks.batch_scores import BATCH_SCORES

RNG = np.random.default_rng(0)
WORDS = {"words": 18.0, "words_mean": 20.0, "words_p95": 40.0, "words_max": 90, "east": 0.0}
NUMBER = {"name": "age", "column": "age", "kind": "number", "median": 40.0, "mean": 40.0, "std": 9.0, "marked": True}
ROWS = {
    "columns": [
        {"name": "age", "kind": "number", "missing": 0.1, "distinct": 50, "use": True},
        {"name": "city", "kind": "category", "missing": 0.0, "distinct": 3, "use": True},
    ],
    "inputs": [
        {**NUMBER, "knots": [20.0, 30.0, 40.0, 60.0]},
        {"name": "city", "column": "city", "kind": "category", "names": ["a", "b"]},
    ],
}
FACTS: dict[str, Any] = {
    **WORDS,
    **ROWS,
    "height": 32,
    "width": 32,
    "same_size": True,
    "max_side": 32,
    "channels": 3,
    "n": 600,
    "mean": 0.0,
    "std": 1.0,
}
COUNTS = {"train": 400, "select": 50, "confirm": 50, "test": 100}
CLASSES = ("a", "b", "c")

BOXES = np.zeros((60, 4, 6), dtype=np.float32)
BOXES[..., 0] = RNG.integers(-1, 3, (60, 4))
BOXES[..., 1:3], BOXES[..., 3:5] = (corner := RNG.uniform(0, 20, (60, 4, 2))), corner + RNG.uniform(4, 12, (60, 4, 2))
FOUND = np.concatenate([BOXES[..., :1], RNG.uniform(0, 1, (60, 4, 1)), BOXES[..., 1:5]], axis=2).astype(np.float32)
FOUND[::2, :, 2:6] += 1

# task -> (target kind, target of 60 samples, outputs)
EXAMPLES: dict[str, tuple[str, np.ndarray, np.ndarray]] = {
    "image_classification": ("class", RNG.integers(0, 3, 60), RNG.normal(size=(60, 3)).astype(np.float32)),
    "image_multilabel": (
        "multilabel",
        RNG.integers(0, 2, (60, 3)).astype(np.uint8),
        RNG.normal(size=(60, 3)).astype(np.float32),
    ),
    "detection": ("boxes", BOXES, FOUND),
    "image_regression": ("number", RNG.normal(size=60), RNG.normal(size=(60, 1)).astype(np.float32)),
}
EXAMPLES |= {f"tabular_{kind}": EXAMPLES[f"image_{kind}"] for kind in ("classification", "regression")}
EXAMPLES |= {f"text_{name.partition('_')[2]}": example for name, example in EXAMPLES.items() if "image" in name}
NAMED = {"tabular_classification": "mlp", "tabular_regression": "boosting"}  # a model that a person may name


def schema(task: str) -> Schema:
    kind: Any = EXAMPLES[task][0]
    facts = {k: v for k, v in FACTS.items() if kind == "number" or k not in ("mean", "std")}
    return Schema(task=task, format="test", target_kind=kind, classes=() if kind == "number" else CLASSES, facts=facts)


METRICS = [(task, name) for task in TASKS for name in TASKS[task].metrics]


@pytest.mark.parametrize("task", TASKS)
def test_entry_bears_its_own_name_and_has_an_example_here(task: str) -> None:
    assert TASKS[task].name == task
    assert task in EXAMPLES, "add an example of target and outputs to this file"


@pytest.mark.parametrize("task", TASKS)
def test_leading_metric_is_one_of_its_metrics(task: str) -> None:
    assert TASKS[task].metric in TASKS[task].metrics


@pytest.mark.parametrize(("task", "name"), METRICS)
def test_metric_is_a_finite_number_within_its_range(task: str, name: str) -> None:
    metric = TASKS[task].metrics[name]
    value = metric.value(EXAMPLES[task][1], EXAMPLES[task][2])
    assert metric.name == name
    assert isinstance(value, float)
    assert np.isfinite(value)
    assert not metric.is_share or 0 <= value <= 1


@pytest.mark.parametrize(("task", "name"), METRICS)
def test_metric_is_the_mean_of_its_samples_where_it_has_them(task: str, name: str) -> None:
    metric, (_, target, outputs) = TASKS[task].metrics[name], EXAMPLES[task]
    if metric.per_sample is not None:
        each = metric.per_sample(target, outputs)
        assert each.shape == (60,)
        assert each.mean() == pytest.approx(metric.value(target, outputs), rel=1e-6)


@pytest.mark.parametrize(("task", "name"), METRICS)
def test_training_batches_are_scored_as_the_metric_scores_samples(task: str, name: str) -> None:
    metric, (_, target, outputs) = TASKS[task].metrics[name], EXAMPLES[task]
    if metric.per_sample is None:
        assert name not in BATCH_SCORES
        return
    each = BATCH_SCORES[name](torch.from_numpy(outputs), torch.from_numpy(target))
    np.testing.assert_allclose(each.numpy(), metric.per_sample(target, outputs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("task", "name"), METRICS)
def test_metric_does_not_depend_on_the_order_of_samples(task: str, name: str) -> None:
    metric, (_, target, outputs) = TASKS[task].metrics[name], EXAMPLES[task]
    order = RNG.permutation(60)
    assert metric.value(target[order], outputs[order]) == pytest.approx(metric.value(target, outputs), rel=1e-6)


@pytest.mark.parametrize(("task", "name"), METRICS)
def test_metric_has_a_name_in_both_languages_and_no_loss_is_shown_as_per_cent(task: str, name: str) -> None:
    metric = TASKS[task].metrics[name]
    assert all(f"report.metric.{name}" in texts(lang) for lang in LANGUAGES)
    assert metric.higher_is_better or not metric.is_share
    assert ("%" in show_value(0.31, metric.is_share)) == metric.is_share


def test_no_metric_that_is_no_tasks_has_a_name() -> None:
    named = {key.removeprefix("report.metric.") for key in texts("en") if key.startswith("report.metric.")}
    assert named == {"loss", *(name for _, name in METRICS)}


@pytest.mark.parametrize("task", TASKS)
def test_augment_options_are_frozen_and_refuse_unknown_keys(task: str) -> None:
    options = TASKS[task].augment_options
    with pytest.raises(ValidationError, match="extra"):
        options.model_validate({"no_such_key": 1})
    assert options().model_config["frozen"]


@pytest.mark.parametrize("task", TASKS)
def test_probs_have_the_shape_of_the_outputs_and_lie_in_range(task: str) -> None:
    kind, _, outputs = EXAMPLES[task]
    for temperature in (0.5, 1.0, 3.0):
        probs = TASKS[task].probs(outputs, temperature)
        assert probs.shape == outputs.shape
        assert np.isfinite(probs).all()
        if kind in ("class", "multilabel"):
            assert probs.min() >= 0
            assert probs.max() <= 1
        if kind == "boxes":
            assert (probs[..., 1] >= 0).all() and (probs[..., 1] <= 1).all()
            np.testing.assert_allclose(probs[..., 2:], outputs[..., 2:])
        if kind == "class":
            np.testing.assert_allclose(probs.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_extreme_outputs_give_finite_probs(task: str) -> None:
    outputs = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]], np.float32)[:, : EXAMPLES[task][2].shape[1]]
    if EXAMPLES[task][0] == "boxes":
        outputs = np.array([[[0, 1, 0, 0, 1e4, 1e4], [0, 0, 0, 0, 0, 0], [-1] * 6]], np.float32)
    assert np.isfinite(TASKS[task].probs(outputs, 1.0)).all()


@pytest.mark.parametrize("task", TASKS)
def test_answer_is_plain_json_with_a_label_or_a_value(task: str) -> None:
    import json

    kind, _, outputs = EXAMPLES[task]
    answer = TASKS[task].answer(TASKS[task].probs(outputs, 1.0)[0], () if kind == "number" else CLASSES)
    assert json.loads(json.dumps(answer)) == answer
    assert {"label", "labels", "value", "boxes"} & set(answer)


@pytest.mark.parametrize("task", TASKS)
def test_settle_is_pure_gives_reasons_with_words_and_leaves_given_values(task: str) -> None:
    asked = Recipe(task=task).with_("train.lr", 0.0123).with_("model.name", NAMED.get(task, "small_xs"))
    recipe, reasons = TASKS[task].settle(asked, schema(task), COUNTS)
    again, _ = TASKS[task].settle(asked, schema(task), COUNTS)
    assert recipe == again
    assert recipe.train.lr == 0.0123
    assert [reason.why for reason in reasons if not has(f"plan.{reason.why}") and not has(reason.why)] == []
    assert all(recipe.get(reason.key) == reason.value for reason in reasons)
    assert not [key for key, value in flatten(recipe).items() if value == "auto" and key.startswith("train.")]


@pytest.mark.parametrize("task", TASKS)
def test_ladder_has_rungs_with_words_that_name_what_they_build(task: str) -> None:
    recipe = Recipe(task=task)
    rungs = TASKS[task].ladder(recipe, schema(task), COUNTS)
    assert rungs
    assert len({rung.name for rung in rungs}) == len(rungs)
    assert [rung.why for rung in rungs if not has(rung.why) and not has(f"ledger.{rung.why}")] == []
    assert all(rung.apply(recipe) == rung.apply(recipe) for rung in rungs)


@pytest.mark.parametrize("task", TASKS)
def test_ladder_of_a_named_model_is_that_model_alone(task: str) -> None:
    named = TASKS[task].ladder(Recipe(task=task), schema(task), COUNTS)[0].apply(Recipe(task=task)).model.name
    asked = Recipe(task=task).with_("model.name", named)
    assert [rung.apply(asked).model.name for rung in TASKS[task].ladder(asked, schema(task), COUNTS)] == [named]


def test_finding_survives_json() -> None:
    finding = Finding(code="GF-D001", severity="warning", numbers={"n": 3}, ids=("a", "b"), run_id="r")
    assert Finding.from_json(finding.to_json()) == finding
