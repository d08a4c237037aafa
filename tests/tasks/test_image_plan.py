"""What a picture task plans by itself: each `auto` becomes a value with a reason, and what was asked stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from goodfit.core.recipe import Recipe, flatten
from goodfit.core.samples import Schema
from goodfit.tasks.image_plan import EPOCHS, STEPS, epochs_for, is_thumbnail, settle_images, small_lr, suited

CLASS, NUMBER = "class", "number"


def schema(side: int = 32, kind: Any = CLASS, same: bool = True, channels: int = 3, **facts: Any) -> Schema:
    plain = {"height": side, "width": side, "same_size": same, "max_side": side, "channels": channels}
    classes = () if kind == NUMBER else ("a", "b", "c")
    return Schema(task="t", format="f", target_kind=kind, classes=classes, facts={**plain, **facts})


def counts(train: int) -> dict[str, int]:
    return {"train": train, "select": train // 20, "confirm": train // 20, "test": train // 5}


def settled(recipe: Recipe | None = None, of: Schema | None = None, train: int = 1000) -> Recipe:
    return settle_images(recipe or Recipe(), of or schema(), counts(train))[0]


@pytest.mark.parametrize("train", [1, 7, 153, 1374, 4500, 45_000, 1_000_000])
def test_nothing_that_the_task_settles_is_left_open(train: int) -> None:
    recipe, reasons = settle_images(Recipe(), schema(), counts(train))
    still = [key for key, value in flatten(recipe).items() if value == "auto"]
    assert {key.partition(".")[0] for key in still} <= {"task", "metric", "data", "split", "scene", "model", "engine"}
    assert not {"model.name", "model.size"} & set(still)
    assert len({reason.key for reason in reasons}) == len(reasons)


def test_what_was_asked_stays_and_gets_no_reason() -> None:
    asked = {"train.batch_size": 7, "train.epochs": 2.5, "train.optimizer": "adam", "augment.flip": False}
    recipe = Recipe()
    for key, value in asked.items():
        recipe = recipe.with_(key, value)
    done, reasons = settle_images(recipe, schema(), counts(1000))
    assert {key: done.get(key) for key in asked} == asked
    assert not {reason.key for reason in reasons} & set(asked)


@pytest.mark.parametrize(
    ("train", "batch", "steps"), [(20, 20, 1), (153, 32, 4), (1374, 128, 10), (45_000, 1000, 45), (10**6, 1000, 1000)]
)
def test_batch_grows_with_volume_between_32_and_1000_and_never_exceeds_it(train: int, batch: int, steps: int) -> None:
    recipe = settled(train=train)
    assert (recipe.train.batch_size, train // batch) == (batch, steps)


@pytest.mark.parametrize(
    ("n", "batch", "epochs"), [(45_000, 1000, 18.0), (1374, 64, 37.0), (153, 32, 40.0), (10**6, 1000, 16.0)]
)
def test_epochs_give_about_800_steps_between_16_and_40_passes(n: int, batch: int, epochs: float) -> None:
    assert (STEPS, EPOCHS) == (800, (16, 40))
    assert epochs_for(n, batch, pretrained=False) == epochs
    assert epochs_for(n, batch, pretrained=True) == 24.0


def test_lr_of_small_nets_follows_the_square_root_of_the_batch_and_the_length() -> None:
    assert small_lr(1000, 16) == pytest.approx(0.15)
    assert small_lr(1000, 5) == pytest.approx(0.20)
    assert small_lr(250, 16) == pytest.approx(0.075)
    assert small_lr(4000, 16) == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("epochs", "changes"), [(11.9, {}), (12.0, {"crop_pad": 4}), (20.0, {"crop_pad": 4, "erase": 8})]
)
def test_long_trainings_of_thumbnails_move_crops_further_and_blank_a_part(
    epochs: float, changes: dict[str, int]
) -> None:
    thumbnails = settled(Recipe().with_("model.size", 32).with_("augment.flip", True), of=schema(side=32))
    assert suited(thumbnails, epochs) == changes


def test_what_may_not_be_mirrored_and_photographs_keep_their_augmentation_at_any_length() -> None:
    digits = settled(Recipe().with_("model.size", 32).with_("augment.flip", False), of=schema(side=32))
    assert suited(digits, 100.0) == {}
    photographs = Recipe().with_("augment.flip", True).with_("augment.scale", (0.35, 1.0))
    assert suited(settled(photographs), 100.0) == {}
    assert suited(settled(Recipe().with_("model.name", "torchvision/resnet18")), 100.0) == {}


def test_our_own_nets_train_with_muon_and_known_architectures_with_sgd() -> None:
    assert settled().train.optimizer == "muon"
    assert settled().train.schedule == "linear"
    named = settled(Recipe().with_("model.name", "torchvision/resnet18"))
    assert (named.train.optimizer, named.train.schedule, named.train.warmup) == ("sgd", "cosine", 0.05)
    assert named.train.batch_size <= 128


def test_range_test_that_was_asked_for_leaves_the_rate_to_itself() -> None:
    recipe = settled(Recipe().with_("train.range_test", True))
    assert (recipe.train.lr, recipe.train.range_test) == ("auto", True)


@pytest.mark.parametrize(
    ("kind", "loss", "smoothing"), [(CLASS, "ce", 0.2), ("multilabel", "bce", 0.0), (NUMBER, "huber", 0.0)]
)
def test_loss_fits_the_target(kind: str, loss: str, smoothing: float) -> None:
    recipe = settled(of=schema(kind=kind))
    assert (recipe.train.loss, recipe.train.label_smoothing) == (loss, smoothing)


@pytest.mark.parametrize(
    ("side", "same", "size"), [(8, True, 16), (28, True, 28), (64, True, 64), (65, True, 65), (400, False, 96)]
)
def test_input_side_of_small_nets_is_the_pictures_own_from_16_to_96_pixels(side: int, same: bool, size: int) -> None:
    assert settled(of=schema(side, same=same)).model.size == size


def test_input_side_of_an_architecture_is_224_for_photographs_and_32_at_least() -> None:
    recipe = Recipe().with_("model.name", "torchvision/resnet18")
    assert settled(recipe, schema(400)).model.size == 224
    assert settled(recipe, schema(8)).model.size == 32


def test_thumbnail_is_small_and_of_one_size() -> None:
    assert is_thumbnail(schema(64))
    assert not is_thumbnail(schema(65))
    assert not is_thumbnail(schema(32, same=False))
    assert not is_thumbnail(schema(32, max_side=100))


def test_characters_are_not_mirrored_and_pictures_are() -> None:
    assert settled(of=schema(8, channels=1)).augment["flip"] is False
    assert settled(of=schema(8, channels=1)).augment["test_time"] == "none"
    assert settled(of=schema(32)).augment["flip"] is True


def test_pictures_that_stand_for_a_number_are_not_mirrored_unless_asked() -> None:
    recipe, reasons = settle_images(Recipe(), schema(kind=NUMBER), counts(1000))
    assert (recipe.augment["flip"], recipe.augment["test_time"]) == (False, "none")
    assert next(reason.why for reason in reasons if reason.key == "augment.flip") == "augment.flip_numbers"
    assert settled(Recipe().with_("augment.flip", True), schema(kind=NUMBER)).augment["flip"] is True


def test_whole_net_learns_at_one_rate_unless_a_rung_or_a_person_says_otherwise() -> None:
    assert (settled().train.freeze, settled().train.backbone_lr) == (0.0, 1.0)
    asked = Recipe().with_("train.freeze", 0.3).with_("train.backbone_lr", 0.1)
    assert (settled(asked).train.freeze, settled(asked).train.backbone_lr) == (0.3, 0.1)


def test_weights_file_gives_model_and_side_and_an_adamw_of_24_passes(tmp_path: Path) -> None:
    path = tmp_path / "mobilenet.safetensors"  # planning reads what the file says of itself, not its tensors
    save_file({"any": torch.zeros(1)}, path, metadata={"architecture": "mobilenet_v2", "input_size": "160"})
    recipe = settled(Recipe().with_("model.weights", str(path)), schema(400, same=False), train=153)
    assert (recipe.model.name, recipe.model.size) == ("torchvision/mobilenet_v2", 160)
    assert (recipe.train.optimizer, recipe.train.epochs, recipe.train.batch_size) == ("adamw", 24.0, 32)
