"""Noise of the loudness asked for, greys by chance, and nothing else."""

import numpy as np
import pytest
import torch

from goodfit.augment.look import add_noise, looked
from goodfit.augment.options import ImageAugment

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
CHANCE = (3, 0, np.arange(64))
GREY_LEVEL = torch.full((64, 16, 16, 3), 128, dtype=torch.uint8)
REDDISH = torch.tensor([200, 80, 40], dtype=torch.uint8).expand(64, 16, 16, 3).contiguous()


def test_noise_has_the_deviation_asked_for_and_differs_between_samples() -> None:
    planes = torch.full((4, 3, 64, 64), 128.0)
    noisy = add_noise(planes, np.array([0.0, 5.0, 10.0, 20.0]), np.array([0.1, 0.2, 0.3, 0.4]), seed=1) - 128
    assert noisy.std(dim=(1, 2, 3)).tolist() == pytest.approx([0.0, 5.0, 10.0, 20.0], rel=0.03)
    assert noisy.mean(dim=(1, 2, 3)).tolist() == pytest.approx([0.0] * 4, abs=0.6)
    assert abs(torch.corrcoef(noisy[1:].flatten(1))[0, 1].item()) < 0.05


def test_noise_stays_between_black_and_white() -> None:
    noisy = add_noise(torch.full((1, 3, 32, 32), 250.0), np.array([60.0]), np.array([0.5]), seed=1)
    assert noisy.max().item() == 255.0
    assert noisy.min().item() >= 0.0


def test_a_picture_larger_than_the_noise_table_gets_a_larger_table() -> None:
    noisy = add_noise(torch.full((1, 3, 700, 700), 128.0), np.array([5.0]), np.array([0.9]), seed=1)
    assert (noisy - 128).std().item() == pytest.approx(5.0, rel=0.02)


def test_a_third_of_the_pictures_lose_their_colours_and_the_others_keep_them() -> None:
    seen = looked(REDDISH.clone(), ImageAugment(grey=0.33), CHANCE, MEAN, STD) * 0.25 + 0.5
    spread = seen.amax((1, 2, 3)) - seen.amin((1, 2, 3))
    lost = spread < 0.01
    assert 10 <= int(lost.sum()) <= 32
    assert spread[~lost].tolist() == pytest.approx([160 / 255] * int((~lost).sum()), abs=1e-3)
    luma = (0.299 * 200 + 0.587 * 80 + 0.114 * 40) / 255
    assert seen[lost].mean().item() == pytest.approx(luma, abs=2e-3)


def test_the_loudest_noise_is_the_one_asked_for() -> None:
    seen = looked(GREY_LEVEL, ImageAugment(noise=0.1), CHANCE, MEAN, STD) * 0.25
    deviations = seen.std(dim=(1, 2, 3))
    assert deviations.max().item() == pytest.approx(0.1, rel=0.15)
    assert deviations.min().item() < 0.02


def test_colour_matrices_that_come_first_are_done_first() -> None:
    black = np.tile(np.zeros((3, 4)), (64, 1, 1))
    seen = looked(REDDISH, ImageAugment(brightness=0.5), CHANCE, MEAN, STD, first=black)
    assert torch.allclose(seen, torch.full_like(seen, -2.0), atol=1e-5)
