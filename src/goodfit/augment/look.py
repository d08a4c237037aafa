"""How a moved picture looks: blurred, with noise, in other light and colours; and normalised, in the same product.

Every random number is a function of (seed, epoch, place in the epoch).
Sources: Chen et al. 2020, arXiv:2002.05709 (blur and loss of colour); Bishop 1995, "Training with Noise is Equivalent
to Tikhonov Regularization"; Salimans et al. 2017, arXiv:1703.03864 (windows of one table instead of fresh noise).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np
import torch

from ..core import randomness
from . import colour
from .blur import blur

COLOUR, LOOK = 2, 7  # streams of core.randomness
_TABLE = 1 << 20  # numbers of the noise table: 4 MB, so that it stays in the processor's cache


class Look(Protocol):
    """The keys that all tasks with pictures share; see `options.ImageAugment`."""

    @property
    def brightness(self) -> float: ...
    @property
    def contrast(self) -> float: ...
    @property
    def saturation(self) -> float: ...
    @property
    def hue(self) -> float: ...
    @property
    def grey(self) -> float: ...
    @property
    def blur(self) -> float: ...
    @property
    def noise(self) -> float: ...


def looked(
    pixels: torch.Tensor,
    options: Look,
    chance: tuple[int, int, np.ndarray],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    first: np.ndarray | None = None,
    planar: bool = False,
) -> torch.Tensor:
    """A training batch as its options have it look.

    Args:
        pixels: (B, H, W, 3) uint8 or float32 in [0, 255]; may be changed in place.
        options: how far chance may go.
        chance: seed, epoch and (B,) places in the epoch.
        mean: per channel, pixels in [0, 1].
        std: likewise.
        first: (B, 3, 4) colour matrices that come before; None = none.
        planar: whether planes are wanted one after the other in memory.
    Returns: (B, H, W, 3) float32, normalised.
    """
    if options.grey:
        pixels = colour.grey(pixels, _draws(chance)[2] < options.grey)
    if options.blur or options.noise:
        pixels = _roughened(pixels, options, chance)
    matrices = [] if first is None else [first]
    if options.brightness or options.contrast or options.saturation or options.hue:
        draws = randomness.uniform(*chance, 4, COLOUR).T * 2 - 1
        matrices += [
            colour.brightness(1 + options.brightness * draws[0]),
            colour.contrast(1 + options.contrast * draws[1], float(np.dot(colour.LUMA, mean))),
            colour.saturation(1 + options.saturation * draws[2]),
            colour.hue(options.hue * draws[3]),
        ]
    if not matrices:
        return colour.normalise(pixels, mean, std, planar)
    return colour.apply(pixels, colour.then(*matrices), mean, std)


def _roughened(pixels: torch.Tensor, options: Look, chance: tuple[int, int, np.ndarray]) -> torch.Tensor:
    """Blur of the lens, then noise of the sensor, each from none to the most that the options allow."""
    far, loud, _, start = _draws(chance)
    planes = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    if options.blur:
        planes = blur(planes, far * options.blur * planes.shape[-1])
    if options.noise:
        planes = add_noise(planes, 255 * options.noise * loud, start, chance[0])
    return planes.permute(0, 2, 3, 1)


def add_noise(planes: torch.Tensor, sigma: np.ndarray, start: np.ndarray, seed: int) -> torch.Tensor:
    """Gaussian noise, cut off at black and white.

    Args:
        planes: (B, C, H, W) float32 in [0, 255], changed in place.
        sigma: (B,) standard deviations.
        start: (B,) in [0, 1), where in the table a sample's noise begins.
        seed: of the table.
    """
    flat = planes.view(len(planes), -1)
    table = _table(seed, max(_TABLE, 2 * flat.shape[1]), str(planes.device))
    begin = torch.from_numpy((start * (len(table) - flat.shape[1])).astype(np.int64)).to(planes.device)
    loud = torch.from_numpy(sigma).to(planes.device, torch.float32)[:, None]
    flat.addcmul_(table.unfold(0, flat.shape[1], 1)[begin], loud).clamp_(0, 255)
    return planes


@lru_cache(maxsize=2)
def _table(seed: int, length: int, device: str) -> torch.Tensor:
    return torch.from_numpy(randomness.generator(seed, LOOK).standard_normal(length, dtype=np.float32)).to(device)


def _draws(chance: tuple[int, int, np.ndarray]) -> np.ndarray:
    """(4, B) in [0, 1): width of the blur, loudness of the noise, loss of colour, start of the noise."""
    draws: np.ndarray = randomness.uniform(*chance, 4, LOOK).T
    return draws
