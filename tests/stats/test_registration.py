"""Two pictures of one thing are found alike once they are laid over each other; strangers are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from goodfit.stats.registration import SIDE, likeness

from ..data.photographs import photograph


def grey(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float32)


def cropped(picture: Image.Image) -> Image.Image:
    return picture.crop((6, 2, picture.width - 3, picture.height - 6))


def turned(picture: Image.Image) -> Image.Image:
    return picture.rotate(3, Image.Resampling.BICUBIC).crop((8, 8, picture.width - 8, picture.height - 8))


def relit(picture: Image.Image) -> Image.Image:
    return ImageEnhance.Contrast(ImageEnhance.Brightness(picture).enhance(1.2)).enhance(0.7)


def small(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BILINEAR)


@pytest.mark.parametrize("change", [cropped, turned, relit, small])
def test_a_copy_agrees_in_detail(change: Callable[[Image.Image], Image.Image]) -> None:
    pictures = [photograph(seed) for seed in range(12)]
    first, second = np.stack([grey(p) for p in pictures]), np.stack([grey(change(p)) for p in pictures])
    assert likeness(first, second).min() > 0.85


def test_strangers_do_not() -> None:
    pictures = np.stack([grey(photograph(seed)) for seed in range(40)])
    assert likeness(pictures[:20], pictures[20:]).max() < 0.5


def test_nothing_and_flat_pictures_are_no_error() -> None:
    assert likeness(np.empty((0, SIDE, SIDE)), np.empty((0, SIDE, SIDE))).shape == (0,)
    flat = np.full((2, SIDE, SIDE), 7.0)
    assert (np.abs(likeness(flat, flat)) <= 1e-6).all()


def test_a_common_frame_makes_no_copies_of_strangers() -> None:
    def framed(seed: int) -> Image.Image:
        frame = Image.new("RGB", (150, 126), (250, 250, 250))
        frame.paste(photograph(seed), (15, 15))
        return frame

    pictures = np.stack([grey(framed(seed)) for seed in range(20)])
    assert likeness(pictures[:10], pictures[10:]).max() < 0.7
    assert likeness(pictures[:10], np.stack([grey(small(framed(seed))) for seed in range(10)])).min() > 0.85
