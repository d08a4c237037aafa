"""Blur spreads light and loses none; sharpening does what Pillow does."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from goodfit.augment.blur import blur, sharpen


def test_a_spot_becomes_a_bell_of_the_width_asked_for() -> None:
    planes = torch.zeros(2, 1, 41, 41)
    planes[:, :, 20, 20] = 1.0
    blurred = blur(planes, np.array([1.0, 3.0]))
    steps = torch.arange(41) - 20.0
    for sample, sigma in zip(blurred, (1.0, 3.0), strict=True):
        assert sample.sum().item() == pytest.approx(1.0, abs=1e-5)
        assert (sample[0].sum(0) * steps**2).sum().item() == pytest.approx(sigma**2, rel=0.03)  # cut at 3 deviations
        assert torch.allclose(sample[0], sample[0].T, atol=1e-7)


def test_a_width_of_zero_leaves_its_sample_alone_and_flat_pictures_stay_flat() -> None:
    noise = torch.rand(1, 3, 9, 9)
    planes = torch.cat([noise, torch.full((1, 3, 9, 9), 0.4)])
    blurred = blur(planes.clone(), np.array([0.0, 2.0]))
    assert torch.allclose(blurred[0], noise[0], atol=1e-6)
    assert torch.allclose(blurred[1], planes[1], atol=1e-6)


def test_a_large_picture_is_blurred_alike_in_any_company() -> None:
    planes = torch.rand(9, 3, 80, 80)
    sigma = np.array([0.0, 3.0, 0.5, 2.0, 1.0, 0.1, 4.0, 2.5, 0.3])
    together = blur(planes.clone(), sigma)
    for i in range(9):
        assert torch.allclose(together[i], blur(planes[i : i + 1].clone(), sigma[i : i + 1])[0], atol=1e-5)


def test_a_bell_wider_than_the_picture_is_cut_to_it() -> None:
    blurred = blur(torch.rand(1, 3, 4, 4), np.array([50.0]))
    assert blurred.shape == (1, 3, 4, 4)
    assert torch.isfinite(blurred).all()


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.9])
def test_sharpness_is_that_of_pillow_within_one_grey_level(factor: float) -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 14, 3), dtype=np.uint8)
    wanted = np.asarray(ImageEnhance.Sharpness(Image.fromarray(image)).enhance(factor)).astype(float)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    found = sharpen(planes, np.array([factor]))[0].permute(1, 2, 0).numpy()
    assert abs(found - wanted).max() <= 1.5  # Pillow rounds twice


def test_pictures_of_two_pixels_cannot_be_sharpened_and_stay() -> None:
    tiny = torch.rand(1, 3, 2, 2)
    assert torch.equal(sharpen(tiny, np.array([2.0])), tiny)
