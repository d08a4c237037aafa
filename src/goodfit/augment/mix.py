"""Augmentations that look across a batch or blank a part: mixup, CutMix, blends within a class, erasing.

Each sample is mixed with its neighbour in the batch, which a shuffled order makes a random partner.
Source: Zhang et al. 2018, arXiv:1710.09412 (mixup); Yun et al. 2019, arXiv:1905.04899 (CutMix); DeVries and Taylor
2017, arXiv:1708.04552 (cutout); Chawla et al. 2002, arXiv:1106.1813 (blends within a class, there among neighbours).
"""

from __future__ import annotations

import numpy as np
import torch


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
    inside = _boxes(left, top, right, bottom, height, width, inputs.device)
    kept = 1 - (right - left) * (bottom - top) / (height * width)
    return torch.where(inside[:, None], inputs.roll(1, 0), inputs), _blend(target, kept)


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
    inside = _boxes(left, top, right, bottom, height, width, inputs.device)
    return inputs.masked_fill_(inside[:, None], 0)


def _blend(values: torch.Tensor, share: np.ndarray) -> torch.Tensor:
    own = torch.from_numpy(share).to(values.device, torch.float32).view(-1, *[1] * (values.ndim - 1))
    return (values * own + values.roll(1, 0) * (1 - own)).to(values.dtype)


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
