"""Exact views of a picture that test whether an operation changes what it shows: turns by quarters, colours by thirds.

They move whole pixels and need no filling at the edge, so that what a model makes of them is no matter of resampling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from . import colour

THIRD = 1 / 3  # of the colour wheel: red becomes green, green blue, blue red


def turned(image: np.ndarray, quarters: int) -> np.ndarray:
    """(H, W, 3) uint8 turned by quarters of a circle."""
    return np.ascontiguousarray(np.rot90(image, quarters))


def recoloured(image: np.ndarray, turns: float) -> np.ndarray:
    """(H, W, 3) uint8 with every colour moved along the wheel; greys stay."""
    linear = colour.hue(np.array([turns]))[0, :, :3]
    return np.asarray((image @ linear.T).round().clip(0, 255), dtype=np.uint8)


VIEWS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "plain": np.asarray,
    "quarter": partial(turned, quarters=1),
    "half": partial(turned, quarters=2),
    "three_quarters": partial(turned, quarters=3),
    "hue_up": partial(recoloured, turns=THIRD),
    "hue_down": partial(recoloured, turns=-THIRD),
}
