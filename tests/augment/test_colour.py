"""Colour as one matrix: its fixed points, its order, and the fused normalisation."""

import numpy as np
import pytest
import torch

from goodfit.augment import colour as c

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
GREY = np.array([0.3, 0.3, 0.3])
RED = np.array([0.8, 0.2, 0.1])


def on(matrix: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    return matrix[0, :, :3] @ rgb + matrix[0, :, 3]


def test_neutral_settings_change_nothing() -> None:
    one, zero = np.ones(1), np.zeros(1)
    neutral = c.then(c.brightness(one), c.contrast(one), c.saturation(one), c.hue(zero))
    assert on(neutral, RED) == pytest.approx(RED)


def test_brightness_doubles_and_contrast_zero_is_the_pivot() -> None:
    assert on(c.brightness(np.array([2.0])), GREY) == pytest.approx(2 * GREY)
    assert on(c.contrast(np.zeros(1), 0.45), RED) == pytest.approx([0.45] * 3)


def test_saturation_zero_is_the_luma_and_greys_stay() -> None:
    assert on(c.saturation(np.zeros(1)), RED) == pytest.approx([0.299 * 0.8 + 0.587 * 0.2 + 0.114 * 0.1] * 3)
    assert on(c.saturation(np.array([1.7])), GREY) == pytest.approx(GREY)


def test_hue_keeps_greys_and_luma_and_a_whole_turn_is_none() -> None:
    assert on(c.hue(np.array([0.3])), GREY) == pytest.approx(GREY, abs=1e-3)
    assert c.LUMA @ on(c.hue(np.array([0.3])), RED) == pytest.approx(c.LUMA @ RED, abs=1e-3)
    assert on(c.hue(np.ones(1)), RED) == pytest.approx(RED)


def test_steps_are_done_in_the_order_written() -> None:
    factor = np.array([2.0])
    assert on(c.then(c.brightness(factor), c.contrast(factor, 0.5)), GREY) == pytest.approx([0.7] * 3)


def test_normalise_is_mean_and_std_of_pixels_over_255() -> None:
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 5, 4, 3), dtype=np.uint8))
    wanted = (pixels.double() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
    assert torch.allclose(c.normalise(pixels, MEAN, STD).double(), wanted, atol=1e-5)


def test_normalising_planes_that_lie_apart_gives_the_same_in_the_same_layout() -> None:
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 3, 5, 4))).float().permute(0, 2, 3, 1)
    wanted = c.normalise(pixels.contiguous(), MEAN, STD)
    found = c.normalise(pixels, MEAN, STD)
    assert found.permute(0, 3, 1, 2).is_contiguous()
    assert torch.allclose(found, wanted, atol=1e-6)


def test_grey_takes_the_colours_of_those_chosen() -> None:
    for kind in (torch.uint8, torch.float32):
        pixels = torch.tensor([200, 80, 40]).to(kind).expand(2, 3, 3, 3).contiguous()
        found = c.grey(pixels.clone(), np.array([True, False]))
        luma = 0.299 * 200 + 0.587 * 80 + 0.114 * 40
        assert found[0].float().flatten().tolist() == pytest.approx([luma] * 27, abs=0.5)
        assert torch.equal(found[1], pixels[1])


def test_a_neutral_colour_change_equals_plain_normalisation() -> None:
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 5, 4, 3), dtype=np.uint8))
    changed = c.apply(pixels, c.brightness(np.ones(3)), MEAN, STD)
    assert torch.allclose(changed, c.normalise(pixels, MEAN, STD), atol=1e-5)


def test_colours_are_cut_off_at_black_and_white_and_each_sample_has_its_own_matrix() -> None:
    pixels = torch.full((2, 1, 1, 3), 200, dtype=torch.uint8)
    out = c.apply(pixels, c.brightness(np.array([3.0, 0.5])), (0.0,) * 3, (1.0,) * 3)
    assert out[0].flatten().tolist() == pytest.approx([1.0] * 3)
    assert out[1].flatten().tolist() == pytest.approx([100 / 255] * 3)
