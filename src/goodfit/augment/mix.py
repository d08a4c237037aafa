"""Augmentations that look across a batch or blank a part: mixup, CutMix, blends within a class, erasing.

Each sample is mixed with its neighbour in the batch, which a shuffled order makes a random partner.
Source: Zhang et al. 2018, arXiv:1710.09412 (mixup); Yun et al. 2019, arXiv:1905.04899 (CutMix); DeVries and Taylor
2017, arXiv:1708.04552 (cutout); Zhong et al. 2020, arXiv:1708.04896 (random erasing); Chawla et al. 2002,
arXiv:1106.1813 (blends within a class, there among neighbours).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

_SLIMMEST = 10 / 3  # width over height of a blanked rectangle, or its inverse; Zhong et al. 2020


def one_hot(target: torch.Tensor, classes: int) -> torch.Tensor:
    """(B,) int64 classes -> (B, classes) float32 rows that sum to 1; float targets come back untouched."""
    if target.dtype != torch.int64:
        return target
    return torch.nn.functional.one_hot(target, classes).to(torch.float32)


def mixup(inputs: torch.Tensor, target: torch.Tensor, share: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend each sample and its target with its neighbour's.

    Args:
        inputs: (B, ...) float.
        target: (B, ...) float: class shares, several labels, or numbers.
        share: (B,) in [0, 1], each sample's own part; 1 = unmixed.
    """
    return _blend(inputs, share), _blend(target, share)


def cutmix(
    inputs: torch.Tensor, target: torch.Tensor, share: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Replace a box of each picture by its neighbour's, and mix the targets by the area that was replaced.

    Args:
        inputs: (B, 3, H, W) float.
        target: (B, ...) float.
        share: (B,) in [0, 1], the part of the picture that is wanted to stay.
        x: (B,) in [0, 1), centre of the box across.
        y: (B,) in [0, 1), centre of the box down; beyond the edge it is cut off.
    """
    height, width = inputs.shape[2:]
    side = np.sqrt(1 - share)
    left, right = _span(x * width, side * width, width)
    top, bottom = _span(y * height, side * height, height)
    kept = 1 - (right - left) * (bottom - top) / (height * width)
    return _filled(inputs.clone(), (left, top, right, bottom), inputs), _blend(target, kept)


def within_class(inputs: torch.Tensor, target: np.ndarray, share: np.ndarray) -> torch.Tensor:
    """Blend each sample with the next one of its own class in the batch, so that its target stays.

    Args:
        inputs: (B, ...) float.
        target: (B,) int64 classes.
        share: (B,) in [0, 1], each sample's own part; 1 = unmixed.
    """
    order = np.argsort(target, kind="stable")
    ends = np.cumsum(np.unique(target, return_counts=True)[1])
    following = np.arange(1, len(target) + 1)
    following[ends - 1] = np.concatenate([[0], ends[:-1]])  # the last of a class takes its first
    partner = np.empty(len(target), dtype=np.int64)
    partner[order] = order[following]
    own = torch.from_numpy(share).to(inputs.device, torch.float32).view(-1, *[1] * (inputs.ndim - 1))
    other = inputs[torch.from_numpy(partner).to(inputs.device)]
    return (inputs * own + other * (1 - own)).to(inputs.dtype)


def erase(inputs: torch.Tensor, side: int, x: np.ndarray, y: np.ndarray) -> torch.Tensor:
    """Blank one square of each picture with 0, the mean of normalised pixels.

    Args:
        inputs: (B, 3, H, W) float, changed in place.
        side: of the square in pixels.
        x: (B,) in [0, 1), centre of the square across.
        y: (B,) in [0, 1), centre down; beyond the edge it is cut off.
    """
    height, width = inputs.shape[2:]
    left, right = _span(np.floor(x * width) + 0.5, np.full(len(x), side), width)
    top, bottom = _span(np.floor(y * height) + 0.5, np.full(len(y), side), height)
    return _filled(inputs, (left, top, right, bottom))


def erase_area(inputs: torch.Tensor, most: float, draws: np.ndarray) -> torch.Tensor:
    """Blank one rectangle of each picture, anywhere inside, with 0, the mean of normalised pixels.

    Args:
        inputs: (B, 3, H, W) float, changed in place.
        most: largest share of the area; each sample's own is drawn from 0 to it.
        draws: (B, 4) in [0, 1).
    Source: Zhong et al. 2020, arXiv:1708.04896; a side that would not fit is cut to the picture, not drawn again.
    """
    height, width = inputs.shape[2:]
    area = most * draws[:, 0] * height * width
    aspect = np.exp((draws[:, 1] * 2 - 1) * np.log(_SLIMMEST))
    across = np.round(np.sqrt(area * aspect)).clip(0, width)
    down = np.round(np.sqrt(area / aspect)).clip(0, height)
    left, top = np.floor(draws[:, 2] * (width - across + 1)), np.floor(draws[:, 3] * (height - down + 1))
    edges = (edge.astype(np.int64) for edge in (left, top, left + across, top + down))
    return _filled(inputs, tuple(edges))


def _blend(values: torch.Tensor, share: np.ndarray) -> torch.Tensor:
    own = torch.from_numpy(share).to(values.device, torch.float32).view(-1, *[1] * (values.ndim - 1))
    return torch.lerp(values.roll(1, 0).float(), values.float(), own).to(values.dtype)


def _filled(inputs: torch.Tensor, edges: Sequence[np.ndarray], neighbours: torch.Tensor | None = None) -> torch.Tensor:
    """A box of each picture (left, top, right, bottom) filled in place: with 0, or from the neighbour's picture."""
    if inputs.device.type != "cpu":
        left, top, right, bottom = edges
        height, width = inputs.shape[2:]
        inside = _boxes(left, top, right, bottom, height, width, inputs.device)[:, None]
        fill = inputs.new_zeros(()) if neighbours is None else neighbours.roll(1, 0)
        return inputs.copy_(torch.where(inside, fill, inputs))
    pixels, others = _memory(inputs), None if neighbours is None else _memory(neighbours)
    for i, (left, top, right, bottom) in enumerate(zip(*(edge.tolist() for edge in edges), strict=True)):
        box = (slice(None), slice(top, bottom), slice(left, right))
        pixels[i][box] = 0 if others is None else others[i - 1][box]  # the boxes' bytes alone are touched
    return inputs


def _memory(inputs: torch.Tensor) -> np.ndarray:
    """The same memory as an array; types that NumPy lacks as whole numbers of their size."""
    whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}[inputs.element_size()]
    return inputs.detach().view(whole).numpy()


def _span(middle: np.ndarray, length: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    low = np.floor(middle - length / 2 + 0.5).clip(0, limit)
    high = np.floor(middle + length / 2 + 0.5).clip(0, limit)
    return low.astype(np.int64), high.astype(np.int64)


def _boxes(
    left: np.ndarray,
    top: np.ndarray,
    right: np.ndarray,
    bottom: np.ndarray,
    height: int,
    width: int,
    device: torch.device,
) -> torch.Tensor:
    """(B, H, W) bool, true inside each box."""
    edges = (torch.from_numpy(edge).to(device)[:, None] for edge in (left, right, top, bottom))
    low, high, above, below = edges
    column, row = torch.arange(width, device=device), torch.arange(height, device=device)
    across, down = (column >= low) & (column < high), (row >= above) & (row < below)
    return down[:, :, None] & across[:, None, :]
