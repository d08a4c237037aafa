"""Bring one decoded picture to the form that the network is tested on: shrink, resize the short side, crop the centre.

The cache, the loaders and `predict` all go through this one value, so that a picture means the same pixels everywhere.
Source: He et al. 2016, arXiv:1512.03385 (resized short side, 224 px centre crop of 256 px).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from ..core.errors import UsageError

CENTRE = 0.875  # share of the short side that the centre crop keeps: 224 of 256, He et al. 2016
SPARE = 1.25  # a source at most so much larger than planned is stored as it is: shrinking would save little
REDUCING_GAP = 3.0  # Pillow's own figure for "indistinguishable from resampling at full size"


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """How a picture becomes the network's input when nothing is left to chance.

    Attributes:
        size: side of the square input in pixels.
        crop: share of the short side that the centre crop keeps; 1 = all of it.
        short_side: pictures are stored with their short side at most this; None = as decoded.
        mean: per channel, pixels in [0, 1].
        std: per channel, above 0.
    Raises: UsageError if a figure is out of its range.
    """

    size: int
    crop: float = 1.0
    short_side: int | None = None
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UsageError(
                "the input side is too small", got=self.size, allowed="1 pixel or more", do="change model.size"
            )
        if not 0 < self.crop <= 1:
            raise UsageError(
                "the kept share of the short side is off", got=self.crop, allowed="above 0, at most 1", do="change it"
            )
        if len(self.std) != 3 or len(self.mean) != 3 or min(self.std) <= 0:
            raise UsageError(
                "mean and std need three numbers, std above 0", got=(self.mean, self.std), do="change them"
            )

    def stored(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 as decoded -> as the cache holds it."""
        return image if self.short_side is None else shrink(image, self.short_side)

    def view(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 as stored -> (size, size, 3) uint8, the centre."""
        height, width = image.shape[:2]
        if height == width == self.size and self.crop == 1.0:
            return image
        return centre(resize_short(image, round(self.size / self.crop)), self.size)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 as decoded -> (size, size, 3) uint8: what `predict` sees."""
        return self.view(self.stored(image))

    def to_json(self) -> dict[str, Any]:
        """JSON values, for model.json."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Preprocess:
        """The value that `to_json` gave."""
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in tree.items()}
        return cls(**values)


def planned_short_side(size: int, crop: float, height: int, width: int) -> int | None:
    """The short side to store pictures at, or None where storing them as they are costs little more.

    Args:
        size: side of the network's input.
        crop: share of the short side that the centre crop keeps.
        height: median height of the data.
        width: median width of the data.
    """
    wanted = round(size / crop)
    return wanted if min(height, width) > SPARE * wanted else None


def shrink(image: np.ndarray, short_side: int) -> np.ndarray:
    """The picture with its short side at most `short_side`, antialiased; smaller ones come back untouched.

    Args:
        image: (H, W, 3) uint8.
    """
    return image if min(image.shape[:2]) <= short_side else resize_short(image, short_side)


def shrinker(short_side: int | None) -> Callable[[np.ndarray], np.ndarray]:
    """`shrink` to one short side as a function of the picture alone; None = leave it as it is."""
    return (lambda image: image) if short_side is None else (lambda image: shrink(image, short_side))


def resize_short(image: np.ndarray, side: int) -> np.ndarray:
    """(H, W, 3) uint8 with its short side exactly `side`, aspect kept; antialiased when it shrinks."""
    height, width = image.shape[:2]
    short = min(height, width)
    if short == side:
        return image
    shape = (max(side, round(width * side / short)), max(side, round(height * side / short)))
    resized = Image.fromarray(image).resize(shape, Image.Resampling.BILINEAR, reducing_gap=REDUCING_GAP)
    return np.asarray(resized)


def centre(image: np.ndarray, side: int) -> np.ndarray:
    """The (side, side, 3) centre of a picture whose sides are at least `side`."""
    height, width = image.shape[:2]
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]
