"""Samples as an operation makes them, in their own order: chance by draw, exact views, pixels as a person sees them."""

from __future__ import annotations

from typing import Any

import numpy as np

from goodfit.core.recipe import EngineSection, Recipe, build
from goodfit.core.samples import Index, Schema
from goodfit.data.images import ImageArrays
from goodfit.engine.engine import Engine
from goodfit.tasks.drawn import drawn, pixels

ENGINE = Engine.start(EngineSection(device="cpu", threads=1, precision="fp32"))
SIDE, N = 16, 6
OFF = {"flip": False, "crop_pad": 0, "scale": None, "test_time": "none"}
PIXELS = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
FACTS = {"height": SIDE, "width": SIDE, "same_size": True, "max_side": SIDE, "channels": 3}
EMPTY = np.array([""] * N, dtype=object)
DATA = ImageArrays(
    schema=Schema(task="image_classification", format="f", target_kind="class", classes=("a", "b"), facts=FACTS),
    index=Index(
        id=np.array([str(i) for i in range(N)], dtype=object), where=EMPTY, target=np.arange(N) % 2, part=EMPTY
    ),
    pixels=PIXELS,
    rows=np.arange(N),
)


def seen(view: str = "", draw: int = 0, **augment: Any) -> np.ndarray:
    recipe: Recipe = build(
        {
            "augment": {**OFF, **augment},
            "model": {"name": "small_xs", "size": SIDE},
            "train": {"batch_size": 1},
            "engine": {"device": "cpu", "loader": "stream", "workers": 0},
        }
    )
    loader = drawn(DATA, np.arange(N), recipe, ENGINE, view=view, draw=draw)
    shown = [pixels(batch.inputs, recipe, DATA) for batch in loader.epoch(0)]
    np.testing.assert_array_equal(loader.positions, np.arange(N))
    return np.concatenate(shown)


def test_with_everything_off_each_sample_is_shown_as_it_is() -> None:
    np.testing.assert_array_equal(seen("plain"), PIXELS)
    np.testing.assert_array_equal(seen(), PIXELS)


def test_two_draws_of_a_mirror_show_each_sample_once_mirrored_and_once_not() -> None:
    first, second = seen(draw=0, flip=True), seen(draw=1, flip=True)
    np.testing.assert_array_equal(first[:, :, ::-1], second)
    assert {bool((first[i] == PIXELS[i]).all()) for i in range(N)} == {True, False}


def test_an_exact_view_turns_every_sample() -> None:
    np.testing.assert_array_equal(seen("half"), PIXELS[:, ::-1, ::-1])


def test_mixing_is_left_out_since_it_needs_partners() -> None:
    np.testing.assert_array_equal(seen(mixup=0.4, cutmix=1.0), PIXELS)
