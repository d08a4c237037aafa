"""Turns, slants and mirrors that all picture tasks share, as matrices on the square input.

Every random number is a function of (seed, epoch, place in the epoch).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..core import randomness
from . import geometry

TURNS = 11  # stream of core.randomness


class Turns(Protocol):
    """The keys that all tasks with pictures share; see `options.ImageAugment`."""

    @property
    def flip_vertical(self) -> bool: ...
    @property
    def quarter_turns(self) -> bool: ...
    @property
    def rotate(self) -> float: ...
    @property
    def shear(self) -> float: ...


def draws_of(chance: tuple[int, int, np.ndarray]) -> np.ndarray:
    """(5, B) in [0, 1): upside down, quarter turns, turn, slant, zoom; `chance` is seed, epoch and (B,) places."""
    draws: np.ndarray = randomness.uniform(*chance, 5, TURNS).T
    return draws


def exact(options: Turns, chance: tuple[int, int, np.ndarray], size: int) -> list[np.ndarray]:
    """Mirrors and quarter turns, which only copy pixels; `chance` as for `draws_of`."""
    if not (options.flip_vertical or options.quarter_turns):
        return []
    draws, steps = draws_of(chance), []
    if options.flip_vertical:
        steps.append(geometry.upend(draws[0] < 0.5, size))
    if options.quarter_turns:
        steps.append(geometry.quarter_turns((draws[1] * 4).astype(np.int64), size))
    return steps


def tilt(options: Turns, turn: np.ndarray, lean: np.ndarray) -> np.ndarray:
    """Slant, then turn, about the origin; turn and lean are (B,) in [-1, 1]."""
    slant = geometry.shear(np.tan(np.radians(options.shear * lean)), np.zeros(len(lean)))
    return geometry.then(slant, geometry.rotation(np.radians(options.rotate * turn)))
