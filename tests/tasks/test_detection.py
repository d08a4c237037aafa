"""Detection from files to answers: a few pictures of rectangles, found by a net of our own."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from goodfit.core.recipe import EngineSection, Recipe
from goodfit.core.recipe_yaml import apply_pairs
from goodfit.core.samples import Schema
from goodfit.data.reading import read
from goodfit.engine.engine import Engine
from goodfit.models.torch_detectors import TORCH_DETECTORS
from goodfit.tasks import TASKS
from goodfit.tasks.detection_plan import DIVISOR, ladder, settle

from ..models.tiny_detectors import TINY
from .rectangles import draw_rectangles

TASK = TASKS["detection"]
ENGINE = Engine.start(EngineSection(device="cpu", precision="fp32", threads=1))
FACTS = {"height": 64, "width": 64, "same_size": True, "max_side": 64, "channels": 3, "boxes": 3, "box_small": 0.0}
SCHEMA = Schema(task="detection", format="x", target_kind="boxes", classes=("blue", "red"), facts=FACTS)
COUNTS = {"train": 40, "select": 8, "confirm": 8, "test": 0}


@pytest.fixture(scope="module")
def rectangles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_rectangles(tmp_path_factory.mktemp("rectangles"))


def recipe_of(folder: Path, *pairs: str) -> Recipe:
    asked = apply_pairs(Recipe(task="detection"), ["model.name=det_xs", "model.size=64", *pairs])
    return asked.with_("data.path", str(folder))


def fitted(folder: Path, tmp_path: Path, *pairs: str) -> tuple[Any, Any, Recipe]:
    dataset = read(recipe_of(folder).data, tmp_path)
    recipe, _ = settle(recipe_of(folder, *pairs), dataset.schema, COUNTS)
    learner = TASK.learner(recipe, dataset.schema, ENGINE, None)
    list(learner.fit(TASK.loader(dataset, np.arange(32), recipe, ENGINE, True), dict, None, lambda: False))
    return learner, dataset, recipe


def test_a_few_passes_find_rectangles_and_answers_are_in_the_pictures_pixels(rectangles: Path, tmp_path: Path) -> None:
    learner, dataset, recipe = fitted(rectangles, tmp_path, "train.epochs=14")
    loader = TASK.loader(dataset, np.arange(32, 40), recipe, ENGINE, False)
    outputs = learner.predict(loader)
    target = dataset.index.target[loader.positions]
    assert outputs.shape == (8, 100, 6)
    assert TASK.metrics["map50"].value(target, outputs) > 0.5
    assert outputs[..., 2:].max() <= 64
    temperature = TASK.temperature(outputs, target)  # type: ignore[misc]
    assert 0.05 < temperature < 20
    said = TASK.answer(TASK.probs(outputs, temperature)[0], dataset.schema.classes)
    assert json.loads(json.dumps(said)) == said
    assert {box["label"] for box in said["boxes"]} <= {"blue", "red"}


def test_training_is_the_same_bit_for_bit_and_weights_give_the_same_answers(rectangles: Path, tmp_path: Path) -> None:
    (first, dataset, recipe), (second, _, _) = (fitted(rectangles, tmp_path, "train.epochs=2") for _ in range(2))
    state = first.weights()
    assert all(torch.equal(v, second.weights().tensors[k]) for k, v in state.tensors.items())
    again = TASK.learner(recipe, dataset.schema, ENGINE, None)
    again.load_weights(state)
    plain = TASK.loader(dataset, np.arange(4), recipe, ENGINE, False)
    np.testing.assert_array_equal(first.predict(plain), again.predict(plain))


def test_a_cut_training_goes_on_bit_for_bit(rectangles: Path, tmp_path: Path) -> None:
    whole, dataset, recipe = fitted(rectangles, tmp_path, "train.epochs=2")
    loader = TASK.loader(dataset, np.arange(32), recipe, ENGINE, True)
    cut = TASK.learner(recipe, dataset.schema, ENGINE, None)
    state = next(cut.state() for record in cut.fit(loader, dict, None, lambda: False) if record.kind == "epoch")
    rest = TASK.learner(recipe, dataset.schema, ENGINE, None)
    list(rest.fit(loader, dict, state, lambda: False))
    assert all(torch.equal(v, rest.weights().tensors[k]) for k, v in whole.weights().tensors.items())


def test_loose_pictures_are_answered_in_their_own_pixels(rectangles: Path, tmp_path: Path) -> None:
    from goodfit.workflow.model import Loose

    learner, _, recipe = fitted(rectangles, tmp_path, "train.epochs=1")
    picture = np.zeros((128, 200, 3), np.uint8)
    loader = TASK.loader(Loose([picture], SCHEMA), np.arange(1), recipe.with_("engine.loader", "stream"), ENGINE, False)
    found = learner.predict(loader)
    real = found[0][found[0][:, 0] >= 0]
    assert (real[:, 4] <= 200).all()
    assert (real[:, 5] <= 128).all()


def test_plan_gives_every_value_and_rounds_the_side_up() -> None:
    recipe, reasons = settle(Recipe(task="detection").with_("model.size", 70), SCHEMA, COUNTS)
    assert recipe.model.size == 96
    assert recipe.model.size % DIVISOR == 0
    assert "detection.multiple" in {reason.why for reason in reasons}
    assert recipe.augment["flip"] is True


def test_library_detectors_are_planned_with_their_own_optimiser() -> None:
    name = next(iter(TORCH_DETECTORS))
    recipe, _ = settle(Recipe(task="detection").with_("model.name", name), SCHEMA, COUNTS)
    assert (recipe.train.optimizer, recipe.train.lr) == ("sgd", 0.01)


def test_ladder_goes_from_our_own_to_the_libraries_in_rising_work() -> None:
    rungs = ladder(Recipe(task="detection"), SCHEMA, COUNTS)
    assert [rung.name for rung in rungs][:3] == ["det_xs", "det_s", "det_m"]
    assert [rung.work for rung in rungs] == sorted(rung.work for rung in rungs)
    assert len({rung.family for rung in rungs}) == 5


def test_weights_of_a_backbone_make_one_rung(shared_data: Path) -> None:
    weights = shared_data / "weights" / "mobilenet_v2_imagenet1k.safetensors"
    asked = Recipe(task="detection").with_("model.weights", str(weights))
    (rung,) = ladder(asked, SCHEMA, COUNTS)
    recipe, _ = settle(rung.apply(asked), SCHEMA, COUNTS)
    assert recipe.model.name == "det/torchvision/mobilenet_v2"


def test_whole_detector_of_a_folder_is_trained_on_and_stored_with_its_configuration(
    rectangles: Path, tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    made = transformers.AutoConfig.for_model("rt_detr", **TINY["rt_detr"], num_labels=5)
    transformers.AutoModelForObjectDetection.from_config(made).save_pretrained(tmp_path / "tiny")
    asked = Recipe(task="detection").with_("model.weights", str(tmp_path / "tiny")).with_("data.path", str(rectangles))
    (rung,) = ladder(asked, SCHEMA, COUNTS)
    dataset = read(asked.data, tmp_path)
    recipe, _ = settle(rung.apply(asked).with_("model.size", 64), dataset.schema, COUNTS)
    train = recipe.train
    assert (recipe.model.name, train.optimizer, train.lr, train.clip) == ("transformers/rt_detr", "adamw", 1e-4, 0.1)
    recipe = recipe.with_("train.epochs", 0.5)
    learner = TASK.learner(recipe, dataset.schema, ENGINE, None)
    list(learner.fit(TASK.loader(dataset, np.arange(32), recipe, ENGINE, True), dict, None, lambda: False))
    facts = TASK.remember(recipe, dataset.schema)
    assert (facts["mean"], facts["config"]["model_type"]) == ([0.0] * 3, "rt_detr")
    stored = {**asdict(dataset.schema), "facts": facts}
    tree = json.loads(json.dumps({"recipe": recipe.model_dump(mode="json"), "schema_of_data": stored}))
    (tmp_path / "tiny" / "config.json").unlink()  # a stored model needs nothing of the folder
    again, _, _ = TASK.rebuild(tree, ENGINE)
    again.load_weights(learner.weights())
    plain = TASK.loader(dataset, np.arange(4), recipe.with_("model.weights", None), ENGINE, False)
    outputs = again.predict(plain)
    assert outputs.shape == (4, 100, 6) and np.isfinite(outputs).all()


def test_trial_takes_a_step_of_every_kind_of_detector() -> None:
    for name in ("det_xs", "torchvision/ssdlite320_mobilenet_v3_large"):
        asked = apply_pairs(Recipe(task="detection"), [f"model.name={name}", "model.size=64"])
        recipe, _ = settle(asked, SCHEMA, COUNTS)
        assert np.isfinite(TASK.trial(recipe, SCHEMA, 2)(ENGINE)())


def test_pictures_are_shown_with_boxes_of_both_kinds() -> None:
    import base64
    import io

    picture = np.full((60, 80, 3), 128, np.uint8)
    target = np.array([[0, 10, 10, 30, 30, 0], [1, 50, 10, 70, 30, 1]], np.float32)
    outputs = np.array([[0, 0.9, 12, 12, 33, 33], [0, 0.1, 0, 0, 5, 5]], np.float32)
    assert TASK.show_answer is not None
    shown = TASK.show_answer(picture, target, outputs)
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown["png"]))).convert("RGB")).reshape(-1, 3)
    colours = {tuple(int(c) for c in colour) for colour in np.unique(drawn, axis=0)}
    for wanted in ((0, 158, 115), (213, 94, 0), (150, 150, 150)):
        assert min(np.abs(np.subtract(wanted, colour)).sum() for colour in colours) < 12
