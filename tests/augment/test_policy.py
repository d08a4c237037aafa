"""TrivialAugment: each operation by hand or against Pillow, drawn evenly, one a sample."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from pydantic import ValidationError

from goodfit.augment import geometry, policy
from goodfit.augment.options import ImageAugment

IMAGE = (np.random.default_rng(0).integers(30, 200, (16, 20, 3)) // 3 * 2).astype(np.uint8)


def drawn(name: str, level: float, sign: float = 1.0) -> policy.Drawn:
    place = np.array([policy.OPERATIONS.index(name)])
    return policy.Drawn(operation=place, level=np.array([level]), sign=np.array([sign]))


def touched(name: str, level: float) -> np.ndarray:
    return policy.touch(torch.from_numpy(IMAGE[None].copy()), drawn(name, level))[0].numpy()


def test_every_operation_is_drawn_about_equally_often_and_levels_are_even() -> None:
    found = policy.draw((0, 0, np.arange(14_000)), 1.0)
    counts = np.bincount(found.operation, minlength=14)
    assert counts.min() > 880  # 1000 expected, deviation 30
    assert found.level.mean() == pytest.approx(0.5, abs=0.01)
    assert found.sign.mean() == pytest.approx(0.0, abs=0.03)


def test_what_is_left_out_is_never_drawn_and_half_the_strength_halves_the_levels() -> None:
    found = policy.draw((0, 0, np.arange(2000)), 0.5, "rotate,solarise")
    names = {policy.OPERATIONS[place] for place in found.operation}
    assert names == set(policy.OPERATIONS) - {"rotate", "solarise"}
    assert found.level.max() <= 0.5


def test_unknown_operations_and_leaving_out_all_are_refused() -> None:
    assert ImageAugment(policy_without="rotate,shear_x").policy_without == "rotate,shear_x"
    for wrong in ("rotat", ",".join(policy.OPERATIONS)):
        with pytest.raises(ValidationError, match="left out"):
            ImageAugment(policy_without=wrong)


def test_movements_are_those_of_the_widest_space() -> None:
    corner = np.array([[32.0, 16.0]])  # of a square of 32, whose centre is (16, 16)
    turned = geometry.move_points(corner, policy.movement(drawn("rotate", 2 / 3), 32)[0])
    assert turned == pytest.approx(np.array([[16.0, 32.0]]))  # 2/3 of 135 degrees = 90
    moved = geometry.move_points(corner, policy.movement(drawn("translate_x", 0.5, -1.0), 64)[0])
    assert moved.tolist() == [[16.0, 16.0]]
    slanted = geometry.move_points(np.array([[16.0, 32.0]]), policy.movement(drawn("shear_x", 1.0), 32)[0])
    assert slanted == pytest.approx(np.array([[16 + 0.99 * 16, 32.0]]))


def test_who_draws_no_movement_is_not_moved_and_who_draws_no_colour_has_no_matrix() -> None:
    assert policy.movement(drawn("equalise", 1.0), 32).tolist() == geometry.identity(1).tolist()
    assert policy.colours(drawn("rotate", 1.0), 0.5) is None


def test_brightness_at_full_level_is_1_99_or_0_01_times() -> None:
    bright, dark = (policy.colours(drawn("brightness", 1.0, sign), 0.5) for sign in (1.0, -1.0))
    assert bright is not None
    assert dark is not None
    assert np.diag(bright[0]) == pytest.approx([1.99] * 3)
    assert np.diag(dark[0]) == pytest.approx([0.01] * 3)


def test_posterising_at_full_level_keeps_two_bits_as_pillow_does() -> None:
    wanted = np.asarray(ImageOps.posterize(Image.fromarray(IMAGE), 2))
    assert (touched("posterise", 1.0) == wanted).all()
    assert (touched("posterise", 0.0) == IMAGE).all()


def test_solarising_turns_what_is_brighter_than_the_threshold() -> None:
    wanted = np.asarray(ImageOps.solarize(Image.fromarray(IMAGE), 102))
    assert (touched("solarise", 0.6) == wanted).all()


def test_equalising_and_stretching_are_pillows() -> None:
    assert (touched("equalise", 0.3) == np.asarray(ImageOps.equalize(Image.fromarray(IMAGE)))).all()
    wanted = np.asarray(ImageOps.autocontrast(Image.fromarray(IMAGE))).astype(int)
    assert abs(touched("autocontrast", 0.3).astype(int) - wanted).max() <= 1


def test_flat_pictures_survive_every_touch() -> None:
    for name in policy.TOUCHES:
        flat = torch.full((1, 8, 8, 3), 90, dtype=torch.uint8)
        seen = policy.touch(flat.clone(), drawn(name, 0.0))
        assert torch.equal(seen, flat), name


def test_only_those_who_drew_a_touch_are_touched_and_resampled_pictures_can_be() -> None:
    both = policy.Drawn(operation=np.array([policy.OPERATIONS.index("solarise"), 0]), level=np.ones(2), sign=np.ones(2))
    planar = torch.from_numpy(np.stack([IMAGE, IMAGE])).permute(0, 3, 1, 2).contiguous().float().permute(0, 2, 3, 1)
    seen = policy.touch(planar, both)
    assert torch.equal(seen[0], 255 - torch.from_numpy(IMAGE).float())
    assert torch.equal(seen[1], torch.from_numpy(IMAGE).float())
