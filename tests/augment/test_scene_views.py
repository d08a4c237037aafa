"""Exact views: quarter turns move pixels, thirds of the colour wheel turn red into green."""

from __future__ import annotations

import numpy as np

from goodfit.augment.scene_views import VIEWS, recoloured, turned


def test_four_quarter_turns_are_none_and_two_are_the_half() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert turned(image, 1).shape == (7, 5, 3)
    np.testing.assert_array_equal(turned(turned(image, 1), 3), image)
    np.testing.assert_array_equal(VIEWS["half"](image), image[::-1, ::-1])


def test_a_third_of_the_wheel_makes_red_the_strongest_green() -> None:
    red = np.full((2, 2, 3), (200, 30, 30), np.uint8)
    up, down = VIEWS["hue_up"](red)[0, 0], VIEWS["hue_down"](red)[0, 0]
    assert {int(up.argmax()), int(down.argmax())} == {1, 2}


def test_greys_keep_their_colour() -> None:
    grey = np.full((3, 3, 3), 120, np.uint8)
    assert np.abs(recoloured(grey, 1 / 3).astype(int) - 120).max() <= 1
