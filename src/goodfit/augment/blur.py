"""Blur and sharpen pictures: each by its own strength, along rows and columns one after the other.

Source: Gonzalez and Woods 2018, "Digital Image Processing", 3.5 (separable smoothing); the 3x3 kernel of `sharpen` is
Pillow's SMOOTH, as Cubuk et al. 2019, arXiv:1805.09501, use it.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from . import part

_WIDE = 3.0  # deviations on either side that a kernel holds; 0.3 % of the bell lies beyond
_LEAST = 0.2  # pixels; below it a kernel's middle weighs more than 0.9999, and nothing is done
_RADII = np.array([1, 2, 3, 4, 6, 8, 11, 16, 24, 32, 48, 64, 96, 128, 192, 256])  # few, as each shape is compiled once
_GROUPS = 8  # of a batch of large pictures, each as wide as its widest needs
_LARGE = 1 << 14  # numbers of a picture


def blur(planes: torch.Tensor, sigma: np.ndarray) -> torch.Tensor:
    """A Gaussian of each sample's own width; beyond the edge lies the reflection.

    Args:
        planes: (B, C, H, W) float32, perhaps changed in place.
        sigma: (B,) standard deviations in pixels; 0 = as it is.
    """
    sigma = np.where(sigma < _LEAST, 1e-3, sigma)  # a bell within one pixel
    if planes[0].numel() < _LARGE:
        return _blurred(planes, sigma)
    for at in np.array_split(np.argsort(sigma, kind="stable"), min(_GROUPS, len(sigma))):  # narrow kernels cost less
        if sigma[at[-1]] >= _LEAST:
            part.put(planes, at, _blurred(part.take(planes, at), sigma[at]))
    return planes


def sharpen(planes: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """Away from the smoothed picture, or towards it; the outermost pixels stay.

    Args:
        planes: (B, C, H, W) float32 in [0, 255].
        factor: (B,): 0 = smoothed, 1 = as it is, 2 = the difference doubled.
    """
    if min(planes.shape[2:]) < 3:
        return planes
    inner = planes[:, :, 1:-1, 1:-1]
    smooth = (9 * F.avg_pool2d(planes, 3, stride=1) + 4 * inner) / 13  # nine neighbours, the middle one five times
    own = torch.from_numpy(factor).to(planes.device, torch.float32)[:, None, None, None]
    sharp = planes.clone()
    sharp[:, :, 1:-1, 1:-1] = torch.lerp(smooth, inner, own).clamp_(0, 255)
    return sharp


def _blurred(planes: torch.Tensor, sigma: np.ndarray) -> torch.Tensor:
    n, channels, height, width = planes.shape
    wanted = _RADII[np.searchsorted(_RADII, _WIDE * sigma.max()).clip(max=len(_RADII) - 1)]
    radius = int(min(min(height, width) - 1, wanted))
    steps = np.arange(-radius, radius + 1)
    bell = np.exp(-0.5 * (steps / sigma[:, None]) ** 2)
    bell[abs(steps) > np.ceil(_WIDE * sigma)[:, None]] = 0  # the same whatever the radius that the company needs
    taps = np.repeat(bell / bell.sum(axis=1, keepdims=True), channels, axis=0)
    kernel = torch.from_numpy(taps).to(planes.device, torch.float32)[:, None, None]  # (B C, 1, 1, 2 radius + 1)
    rows = F.pad(planes, (radius, radius, 0, 0), mode="reflect").view(1, n * channels, height, width + 2 * radius)
    across = F.conv2d(rows, kernel, groups=n * channels)
    columns = F.pad(across, (0, 0, radius, radius), mode="reflect")
    return F.conv2d(columns, kernel.transpose(2, 3), groups=n * channels).view(n, channels, height, width)
