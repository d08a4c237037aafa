"""What picture tasks share: ladder, probabilities and answers, and numbers in their own units."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from goodfit.core.errors import CheckpointError
from goodfit.core.recipe import EngineSection, Recipe
from goodfit.core.samples import Index, Schema
from goodfit.data.images import ImageArrays
from goodfit.engine.engine import Engine
from goodfit.models.small import SMALL, SmallNet
from goodfit.tasks import TASKS, image_learner, image_loaders, images, picture_batches, scaled
from goodfit.tasks.metrics import MAE

ENGINE = Engine.start(EngineSection(device="cpu", threads=1))
CLASSES = ("ant", "bee", "cat", "dog", "eel", "fox")


def schema(kind: Any = "class", side: int = 16, same: bool = True, **facts: Any) -> Schema:
    plain = {"height": side, "width": side, "same_size": same, "max_side": side, "channels": 3}
    classes = () if kind == "number" else CLASSES
    task = {"class": "image_classification", "multilabel": "image_multilabel", "number": "image_regression"}[kind]
    return Schema(task=task, format="f", target_kind=kind, classes=classes, facts={**plain, **facts})


def counts(train: int) -> dict[str, int]:
    return {"train": train, "select": 20, "confirm": 20, "test": 20}


# ladder ------------------------------------------------------------------------------------------------------------


def names(recipe: Recipe, of: Schema, train: int) -> list[str]:
    return [rung.name for rung in images.ladder(recipe, of, counts(train))]


def test_ladder_of_thumbnails_is_every_small_net_from_light_to_wide() -> None:
    assert names(Recipe(), schema(), 45_000) == list(SMALL)
    sizes = [sum(p.numel() for p in image_learner.build_net(_at(name), schema())[0].parameters()) for name in SMALL]
    assert sizes == sorted(sizes)


def _at(name: str) -> Recipe:
    return Recipe().with_("model.name", name).with_("model.size", 16)


def test_ladder_of_photographs_starts_one_rung_higher() -> None:
    assert names(Recipe(), schema(side=300, same=False), 45_000) == list(SMALL)[1:]


def test_small_data_set_gets_the_three_lightest_rungs() -> None:
    assert names(Recipe(), schema(), 1999) == list(SMALL)[:3]
    assert names(Recipe(), schema(), 2000) == list(SMALL)


def test_named_model_is_the_only_rung() -> None:
    rungs = images.ladder(Recipe().with_("model.name", "torchvision/resnet18"), schema(), counts(100))
    assert [(rung.name, rung.family) for rung in rungs] == [("torchvision/resnet18", "named")]


def test_pretrained_weights_are_tried_head_first_then_whole() -> None:
    head, whole = images.ladder(Recipe().with_("model.weights", "w.safetensors"), schema(), counts(100))
    asked = Recipe().with_("model.weights", "w.safetensors")
    assert head.apply(asked).train.freeze == 0.999
    assert (whole.apply(asked).train.freeze, whole.apply(asked).train.backbone_lr) == (0.3, 0.1)


def test_rung_leaves_what_was_asked_alone_even_where_it_means_no_freezing_and_one_rate() -> None:
    asked = Recipe().with_("model.weights", "w.safetensors").with_("train.freeze", 0).with_("train.backbone_lr", 1)
    for rung in images.ladder(asked, schema(), counts(100)):
        assert (rung.apply(asked).train.freeze, rung.apply(asked).train.backbone_lr) == (0.0, 1.0)


def test_rung_leaves_what_was_asked_alone() -> None:
    asked = Recipe().with_("model.weights", "w.safetensors").with_("train.epochs", 3).with_("train.lr", 1e-4)
    head = images.ladder(asked, schema(), counts(100))[0]
    assert (head.apply(asked).train.epochs, head.apply(asked).train.lr) == (3, 1e-4)


# probabilities and answers -----------------------------------------------------------------------------------------


def test_temperature_divides_logits_and_keeps_the_order() -> None:
    outputs = np.array([[2.0, 0.0]], np.float32)
    cold, plain, hot = (images.probs("class", outputs, t)[0, 0] for t in (0.5, 1.0, 4.0))
    assert plain == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert (cold, hot) == (pytest.approx(1 / (1 + np.exp(-4.0))), pytest.approx(1 / (1 + np.exp(-0.5))))


def test_labels_of_a_multilabel_picture_have_each_their_own_probability() -> None:
    probs = images.probs("multilabel", np.array([[0.0, 3.0, -3.0]]), 1.0)
    np.testing.assert_allclose(probs, [[0.5, 1 / (1 + np.exp(-3)), 1 / (1 + np.exp(3))]])


def test_number_stays_what_it_is_at_any_temperature() -> None:
    assert images.probs("number", np.array([[41.5]], np.float32), 3.0).tolist() == [[41.5]]


def test_answer_names_the_likeliest_class_and_the_five_best() -> None:
    said = images.answer("class", np.array([0.1, 0.5, 0.2, 0.15, 0.05, 0.0]), CLASSES)
    assert (said["label"], said["probability"]) == ("bee", 0.5)
    assert [entry["label"] for entry in said["top"]] == ["bee", "cat", "dog", "ant", "eel"]


def test_multilabel_answer_lists_labels_above_one_half_surest_first() -> None:
    said = images.answer("multilabel", np.array([0.6, 0.5, 0.9]), CLASSES[:3])
    assert said["labels"] == ["cat", "ant"]
    assert said["probabilities"] == {"ant": 0.6, "bee": 0.5, "cat": 0.9}
    assert images.answer("multilabel", np.zeros(3), CLASSES[:3])["labels"] == []


def test_answer_to_a_number_is_its_value() -> None:
    assert images.answer("number", np.array([41.5]), ()) == {"value": 41.5}


@pytest.mark.parametrize(("height", "width", "shown"), [(300, 150, (48, 96)), (8, 8, (32, 32)), (40, 60, (60, 40))])
def test_picture_in_the_report_is_a_small_png(height: int, width: int, shown: tuple[int, int]) -> None:
    data = images.show(np.zeros((height, width, 3), np.uint8))["png"]
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert (image.format, image.size) == ("PNG", shown)


# numbers -----------------------------------------------------------------------------------------------------------


def brightness(n: int = 128, side: int = 16) -> ImageArrays:
    """Pictures whose target is their brightness, in units far from 0 and 1."""
    random = np.random.default_rng(3)
    level = random.integers(30, 220, n)
    pixels = (level[:, None, None, None] + random.integers(-20, 20, (n, side, side, 3))).clip(0, 255).astype(np.uint8)
    target = 1000.0 + 5.0 * level
    names = np.array([str(i) for i in range(n)], dtype=object)
    empty = np.array([""] * n, dtype=object)
    facts = {"target_mean": float(target.mean()), "target_std": float(target.std())}
    index = Index(id=names, where=empty, target=target, part=empty)
    return ImageArrays(schema=schema("number", side, **facts), index=index, pixels=pixels, rows=np.arange(n))


def recipe_for(dataset: ImageArrays, **changes: Any) -> Recipe:
    recipe = Recipe(task=dataset.schema.task).with_("model.name", "small_xs")
    for key, value in changes.items():
        recipe = recipe.with_(key.replace("__", "."), value)
    task = TASKS[dataset.schema.task]
    return task.settle(recipe, dataset.schema, counts(len(dataset)))[0]


def learner_of(dataset: ImageArrays, recipe: Recipe) -> Any:
    everything = np.arange(len(dataset))
    examples = image_loaders.loader(dataset, everything, recipe, ENGINE, False)
    return TASKS[dataset.schema.task].learner(recipe, dataset.schema, ENGINE, examples)


def test_small_net_for_numbers_names_its_roles_and_has_a_whitened_stem() -> None:
    dataset = brightness()
    recipe = recipe_for(dataset)
    net = learner_of(dataset, recipe).net
    assert isinstance(net.net, SmallNet)
    named = {id(p) for group in net.roles().values() for p in group}
    trained = {id(p) for p in net.parameters() if p.requires_grad}
    assert named == trained
    bare, _ = image_learner.build_net(recipe, dataset.schema)
    assert isinstance(bare.net, SmallNet)
    assert not torch.equal(bare.net.stem.weight, net.net.stem.weight)


def test_foreign_net_for_numbers_has_no_roles_of_its_own() -> None:
    recipe = recipe_for(brightness(8), model__name="torchvision/squeezenet1_1", model__size=32)
    net, family = image_learner.build_net(recipe, brightness(8).schema)
    assert family == "squeezenet"
    assert not hasattr(net, "roles")


def test_untrained_net_for_numbers_answers_near_the_mean_in_the_targets_units() -> None:
    dataset = brightness()
    recipe = recipe_for(dataset)
    outputs = learner_of(dataset, recipe).predict(image_loaders.loader(dataset, np.arange(128), recipe, ENGINE, False))
    facts = dataset.schema.facts
    assert outputs.shape == (128, 1)
    assert abs(outputs.mean() - facts["target_mean"]) < 3 * facts["target_std"]


def test_loss_of_numbers_does_not_depend_on_their_units() -> None:
    of = schema("number", target_mean=1000.0, target_std=50.0)
    loss = scaled.target_loss(recipe_for(brightness(8)), of)
    assert loss(torch.tensor([[1100.0]]), torch.tensor([1000.0])).tolist() == [1.5]  # Huber: 2 deviations, delta 1


def test_numbers_are_learnt_to_a_fifth_of_their_spread_in_eight_passes() -> None:
    dataset = brightness()
    recipe = recipe_for(dataset, train__epochs=8, train__batch_size=32, augment__flip=False)
    learner = learner_of(dataset, recipe)
    training = image_loaders.loader(dataset, np.arange(128), recipe, ENGINE, True)
    plain = image_loaders.loader(dataset, np.arange(128), recipe, ENGINE, False)
    records = list(learner.fit(training, dict, None, lambda: False))
    error = MAE.value(dataset.index.target, learner.predict(plain))
    assert [record.epoch for record in records if record.kind == "epoch"][-1] == 8
    assert error < 0.2 * dataset.schema.facts["target_std"]


# stored models -----------------------------------------------------------------------------------------------------


def test_stored_model_is_rebuilt_without_its_weights_file() -> None:
    dataset = brightness(8)
    recipe = recipe_for(dataset)
    learner = learner_of(dataset, recipe)
    tree = json.loads(
        json.dumps({"recipe": recipe.model_dump(mode="json"), "schema_of_data": vars(dataset.schema)}, default=list)
    )
    again, stored, facts = TASKS["image_regression"].rebuild(tree, ENGINE)
    again.load_weights(learner.weights())
    plain = image_loaders.loader(dataset, np.arange(8), recipe, ENGINE, False)
    np.testing.assert_array_equal(again.predict(plain), learner.predict(plain))
    assert (stored, facts) == (recipe, dataset.schema)


@pytest.mark.parametrize("missing", ["recipe", "schema_of_data"])
def test_incomplete_model_json_is_refused(missing: str) -> None:
    tree = {"recipe": {}, "schema_of_data": {"task": "t"}}
    del tree[missing]
    with pytest.raises(CheckpointError, match="incomplete"):
        image_learner.rebuild(MAE, tree, ENGINE)


def test_cost_counts_test_time_views() -> None:
    of = schema()
    plain = _at("small_xs").with_("train.batch_size", 8).with_("augment.test_time", "none")
    for key, value in (("train.loss", "ce"), ("train.optimizer", "muon"), ("train.lr", 0.1)):
        plain = plain.with_(key, value)
    once = image_learner.cost(MAE, plain, of, ENGINE)
    six = image_learner.cost(MAE, plain.with_("augment.test_time", "flip_shift"), of, ENGINE)
    assert six["macs"] == 6 * once["macs"]
    assert six["parameters"] == once["parameters"]
    assert once["size_bytes"] > 4 * once["parameters"] * 0.9


def test_memory_of_training_counts_the_state_of_the_optimiser_that_is_used() -> None:
    plain = _at("small_xs").with_("train.batch_size", 8).with_("augment.test_time", "none").with_("train.loss", "ce")
    plain = plain.with_("train.lr", 0.1).with_("train.momentum", 0.9).with_("train.weight_decay", 0.0)
    sgd, adamw = (
        image_learner.cost(MAE, plain.with_("train.optimizer", name), schema(), ENGINE) for name in ("sgd", "adamw")
    )
    assert adamw["memory_mb"] - sgd["memory_mb"] == pytest.approx(4 * sgd["parameters"] / 1e6, rel=0.05)


# training batches --------------------------------------------------------------------------------------------------


def train_scores(**keys: Any) -> list[float | None]:
    """The train score of each epoch of a short training."""
    dataset = brightness(32)
    recipe = recipe_for(dataset, train__epochs=2, train__batch_size=16, **keys)
    loader = image_loaders.loader(dataset, np.arange(32), recipe, ENGINE, True)
    records = learner_of(dataset, recipe).fit(loader, dict, None, lambda: False)
    return [record.train.get("score") for record in records if record.kind == "epoch"]


def test_training_batches_are_scored_by_the_leading_metric() -> None:
    absolute, squared = train_scores(), train_scores(metric="mse")
    assert all(a > 0 and s > a**2 for a, s in zip(absolute, squared, strict=True))  # the same outputs, by Jensen


def test_training_batches_have_no_score_where_the_metric_is_no_mean_over_samples() -> None:
    assert train_scores(metric="r2") == [None, None]


# decoding processes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("trained_per_second", "workers"), [(4.0, 0), (250.0, 3), (100_000.0, 8)])
def test_decoding_processes_follow_the_rate_of_training_and_one_measurement_serves_all_loaders(
    trained_per_second: float, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []
    monkeypatch.setattr(picture_batches, "_RATES", {})
    monkeypatch.setattr(picture_batches, "_WORKERS", {})
    monkeypatch.setattr(picture_batches, "usable_cores", lambda: 8)
    monkeypatch.setattr(picture_batches, "decode_rate", lambda *_: measured.append(1) or 100.0)
    dataset = brightness(32)
    recipe = recipe_for(dataset, engine__loader="stream", engine__device="cpu")
    for _ in range(2):
        image_loaders.warm(dataset, recipe, 1 / trained_per_second, lambda done, total: None)
        loader: Any = image_loaders.loader(dataset, np.arange(32), recipe, ENGINE, True)
        assert loader._pool.workers == workers
    assert len(measured) == 1


def test_asked_number_of_decoding_processes_stays_and_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_batches, "decode_rate", lambda *_: pytest.fail("measured"))
    dataset = brightness(32)
    recipe = recipe_for(dataset, engine__loader="stream", engine__device="cpu", engine__workers=2)
    image_loaders.warm(dataset, recipe, 0.001, lambda done, total: None)
    loader: Any = image_loaders.loader(dataset, np.arange(32), recipe, ENGINE, True)
    assert loader._pool.workers == 2


def test_normalisation_comes_from_the_stored_model_first(tmp_path: Path) -> None:
    stored = schema(mean=[0.1, 0.2, 0.3], std=[0.4, 0.5, 0.6])
    assert image_loaders.preprocess(_at("small_xs"), stored).mean == (0.1, 0.2, 0.3)
    assert image_loaders.preprocess(_at("small_xs"), schema()).std == (0.25, 0.25, 0.25)
    assert image_loaders.remember(_at("small_xs"), schema())["mean"] == [0.5, 0.5, 0.5]


def test_every_net_is_a_module_with_as_many_outputs_as_classes() -> None:
    net, _ = image_learner.build_net(_at("small_s"), schema())
    assert isinstance(net, nn.Module)
    assert net(torch.zeros(2, 3, 16, 16)).shape == (2, 6)
