"""One picture, the same pixels everywhere: stored, viewed, predicted."""

import numpy as np
import pytest

from goodfit.core.errors import UsageError
from goodfit.data.preprocess import Preprocess, centre, planned_short_side, resize_short, shrink


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_shrink_brings_the_short_side_to_40_and_keeps_the_aspect() -> None:
    assert shrink(picture(80, 120), 40).shape == (40, 60, 3)


def test_shrink_leaves_a_small_picture_untouched() -> None:
    small = picture(30, 90)
    assert shrink(small, 40) is small


def test_shrinking_is_antialiased_so_a_chequerboard_turns_grey() -> None:
    board = np.tile((np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[:, :, None], (1, 1, 3))
    assert abs(resize_short(board, 16).astype(int)[2:-2, 2:-2] - 127).max() <= 8


def test_centre_takes_the_middle_2_of_6() -> None:
    image = np.arange(6 * 6 * 3, dtype=np.uint8).reshape(6, 6, 3)
    assert (centre(image, 2) == image[2:4, 2:4]).all()


@pytest.mark.parametrize("shape", [(8, 8), (33, 47), (300, 20), (5, 5), (1, 400)])
def test_every_shape_becomes_the_planned_square(shape: tuple[int, int]) -> None:
    assert Preprocess(size=14, crop=0.875, short_side=16)(picture(*shape)).shape == (14, 14, 3)


def test_predict_sees_what_the_cache_stored() -> None:
    plain, image = Preprocess(size=28, crop=0.875, short_side=32), picture(90, 130)
    assert (plain(image) == plain.view(plain.stored(image))).all()


def test_a_picture_of_the_planned_size_is_not_touched() -> None:
    image = picture(32, 32)
    assert Preprocess(size=32)(image) is image


def test_json_round_trip_gives_an_equal_value() -> None:
    plain = Preprocess(size=224, crop=0.875, short_side=256, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    assert Preprocess.from_json(plain.to_json()) == plain


def test_planned_short_side_is_256_for_large_pictures_and_none_for_those_barely_larger() -> None:
    assert planned_short_side(224, 0.875, 375, 500) == 256
    assert planned_short_side(224, 0.875, 300, 448) is None


@pytest.mark.parametrize("wrong", [{"size": 0}, {"size": 8, "crop": 0.0}, {"size": 8, "std": (1.0, 0.0, 1.0)}])
def test_impossible_figures_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError):
        Preprocess(**wrong)
