"""TrivialAugment: one operation drawn for each sample, with a strength drawn for it; nothing to tune.

What moves pixels joins the sample's one matrix, what mixes colours its other one; posterising, solarising, equalising,
stretching and sharpening touch only the few samples that drew them.
Source: Mueller and Hutter 2021, arXiv:2103.10158: the 14 operations of its table 1 and the ranges of its wide space.
Pixels beyond the edge are reflections here, not black, and contrast is about the data's mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from ..core import randomness
from . import colour, geometry, part
from .blur import sharpen

POLICY = 8  # stream of core.randomness
_TURN, _SLANT, _SHIFT, _FACTOR = 135.0, 0.99, 32.0, 0.99  # degrees; tangent; pixels; change of light and colour
_MOVES = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
_COLOURS = ("brightness", "saturation", "contrast")
_TOUCHES = ("sharpness", "posterise", "solarise", "autocontrast", "equalise")
OPERATIONS = ("identity", *_MOVES, *_COLOURS, *_TOUCHES)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What chance chose for each sample of a batch.

    Attributes:
        operation: (B,) places in OPERATIONS.
        level: (B,) strength in [0, 1].
        sign: (B,) -1 or 1, for operations that go both ways.
    """

    operation: np.ndarray
    level: np.ndarray
    sign: np.ndarray

    def signed(self, name: str) -> np.ndarray:
        """(B,) signed strength of those that drew `name`, 0 for the others."""
        strength: np.ndarray = np.where(self.operation == OPERATIONS.index(name), self.level * self.sign, 0.0)
        return strength


def draw(chance: tuple[int, int, np.ndarray], strength: float, without: str = "") -> Drawn:
    """One operation and its strength a sample.

    Args:
        chance: seed, epoch and (B,) places in the epoch.
        strength: of the whole policy; 1 = the widest ranges.
        without: operations that are never drawn, joined by commas.
    """
    draws = randomness.uniform(*chance, 3, POLICY)
    allowed = np.array([place for place, name in enumerate(OPERATIONS) if name not in without.split(",")])
    operation = allowed[(draws[:, 0] * len(allowed)).astype(np.int64)]
    return Drawn(operation=operation, level=draws[:, 1] * strength, sign=np.where(draws[:, 2] < 0.5, -1.0, 1.0))


def movement(drawn: Drawn, size: int) -> np.ndarray:
    """(B, 2, 3) on a square of side `size`; the identity, exactly, for those that drew no movement."""
    slant = geometry.shear(_SLANT * drawn.signed("shear_x"), _SLANT * drawn.signed("shear_y"))
    turn = geometry.rotation(np.radians(_TURN) * drawn.signed("rotate"))
    reach = min(_SHIFT, size)
    right, down = (np.round(reach * drawn.signed(name)) for name in ("translate_x", "translate_y"))
    linear = geometry.about(geometry.then(slant, turn), size / 2, size / 2)
    return geometry.then(linear, geometry.translation(right, down))


def colours(drawn: Drawn, pivot: float) -> np.ndarray | None:
    """(B, 3, 4) matrices; None where nobody drew a colour.

    Args:
        drawn: by `draw`.
        pivot: grey level that contrast leaves alone, in [0, 1].
    """
    if not np.isin(drawn.operation, [OPERATIONS.index(name) for name in _COLOURS]).any():
        return None
    light, depth, contrast = (1 + _FACTOR * drawn.signed(name) for name in _COLOURS)
    return colour.then(colour.brightness(light), colour.saturation(depth), colour.contrast(contrast, pivot))


def touch(pixels: torch.Tensor, drawn: Drawn) -> torch.Tensor:
    """What fits no matrix, done to those that drew it.

    Args:
        pixels: (B, H, W, 3) uint8 or float32 in [0, 255], changed in place.
    Returns: pixels.
    """
    for name in _TOUCHES:
        at = np.flatnonzero(drawn.operation == OPERATIONS.index(name))
        if len(at):
            planes = part.take(pixels, at).permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
            touched = TOUCHES[name](planes.round_(), drawn.level[at], drawn.sign[at])
            part.put(pixels, at, touched.round_().permute(0, 2, 3, 1))
    return pixels


def _sharpness(planes: torch.Tensor, level: np.ndarray, sign: np.ndarray) -> torch.Tensor:
    return sharpen(planes, 1 + _FACTOR * level * sign)


def _posterise(planes: torch.Tensor, level: np.ndarray, sign: np.ndarray) -> torch.Tensor:
    """Only the highest 8 to 2 bits stay."""
    step = _rows(2.0 ** np.round(6 * level), planes)
    return torch.floor_(planes.div_(step)).mul_(step)


def _solarise(planes: torch.Tensor, level: np.ndarray, sign: np.ndarray) -> torch.Tensor:
    """What is brighter than a threshold, from 255 down to 0, is turned into its negative."""
    return torch.where(planes >= _rows(255 * (1 - level), planes), 255 - planes, planes)


def _autocontrast(planes: torch.Tensor, level: np.ndarray, sign: np.ndarray) -> torch.Tensor:
    """Each channel stretched until its darkest pixel is black and its brightest white."""
    low, high = planes.amin((2, 3), keepdim=True), planes.amax((2, 3), keepdim=True)
    span = high - low
    return torch.where(span > 0, (planes - low) * (255 / span.clamp(min=1)), planes)


def _equalise(planes: torch.Tensor, level: np.ndarray, sign: np.ndarray) -> torch.Tensor:
    """Each channel's grey levels spread until about as many pixels have each; by a table of 256, as Pillow does it."""
    rows = planes.reshape(-1, planes.shape[2] * planes.shape[3]).long()
    offset = torch.arange(len(rows), device=rows.device)[:, None] * 256
    counts = torch.bincount((rows + offset).flatten(), minlength=256 * len(rows)).view(-1, 256)
    last = counts.gather(1, rows.amax(1, keepdim=True))
    step = torch.div(rows.shape[1] - last, 255, rounding_mode="floor")
    before = counts.cumsum(1) - counts
    levels = torch.div(before + torch.div(step, 2, rounding_mode="floor"), step.clamp(min=1), rounding_mode="floor")
    levels = torch.where(step > 0, levels.clamp(max=255), torch.arange(256, device=rows.device))
    return levels.gather(1, rows).to(torch.float32).view_as(planes)


TOUCHES: Mapping[str, Callable[[torch.Tensor, np.ndarray, np.ndarray], torch.Tensor]] = dict(
    zip(_TOUCHES, (_sharpness, _posterise, _solarise, _autocontrast, _equalise), strict=True)
)


def _rows(values: np.ndarray, planes: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(values).to(planes.device, torch.float32)[:, None, None, None]
