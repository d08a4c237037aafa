"""Brightness, contrast, saturation and hue as ONE 3x4 matrix a sample: rgb -> A rgb + b, pixels in [0, 1].

Source: Haeberli 1993, "Matrix Operations for Image Processing"; luma weights of ITU-R BT.601, as Pillow uses them.
"""

from __future__ import annotations

import numpy as np
import torch

from . import part

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])  # NTSC 1953


def brightness(factor: np.ndarray) -> np.ndarray:
    """(B,) factors on all channels: 0 = black, 1 = as it is."""
    return _affine(factor[:, None, None] * np.eye(3), np.zeros((len(factor), 3)))


def contrast(factor: np.ndarray, pivot: float = 0.5) -> np.ndarray:
    """(B,) factors on the distance from the grey level `pivot`: 0 = flat grey, 1 = as it is."""
    return _affine(factor[:, None, None] * np.eye(3), np.repeat(((1 - factor) * pivot)[:, None], 3, axis=1))


def saturation(factor: np.ndarray) -> np.ndarray:
    """(B,) factors on the distance from the pixel's own luma: 0 = grey, 1 = as it is."""
    grey = np.tile(LUMA, (3, 1))
    return _affine(factor[:, None, None] * (np.eye(3) - grey) + grey, np.zeros((len(factor), 3)))


def hue(turns: np.ndarray) -> np.ndarray:
    """(B,) turns of the colour wheel about the grey axis: 0 = as it is, 0.5 = opposite colours; greys stay."""
    angle = 2 * np.pi * turns
    spin = np.tile(np.eye(3), (len(turns), 1, 1))
    spin[:, 1, 1] = spin[:, 2, 2] = np.cos(angle)
    spin[:, 1, 2], spin[:, 2, 1] = -np.sin(angle), np.sin(angle)
    return _affine(np.linalg.inv(_YIQ) @ spin @ _YIQ, np.zeros((len(turns), 3)))


def then(*steps: np.ndarray) -> np.ndarray:
    """One (B, 3, 4) for all steps, the first one done first."""
    total = steps[0]
    for step in steps[1:]:
        total = _affine(step[:, :, :3] @ total[:, :, :3], (step[:, :, :3] @ total[:, :, 3:] + step[:, :, 3:])[:, :, 0])
    return total


def normalise(
    pixels: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...], planar: bool = False
) -> torch.Tensor:
    """(B, H, W, 3) in [0, 255] -> float32 (pixels / 255 - mean) / std, of the same shape.

    Whole rows or planes at a time, so that the inner loop is as long as these and not as short as a pixel: 2.6 times
    faster. The memory keeps its order, unless it is wanted `planar`, plane after plane: bytes are sorted four times
    as cheaply as floats. Planes of float32 are written over.
    """
    n, height, width, _ = pixels.shape
    scale = 1 / (255 * torch.tensor(std, dtype=torch.float64, device=pixels.device))
    shift = -torch.tensor(mean, dtype=torch.float64, device=pixels.device) * 255 * scale
    if planar or _is_planar(pixels):
        factor, offset = (part.to(torch.float32)[:, None, None] for part in (scale, shift))
        planes = _planes(pixels)
        return torch.addcmul(offset, planes, factor, out=planes).permute(0, 2, 3, 1)
    factor, offset = (part.repeat(width).to(torch.float32) for part in (scale, shift))
    rows = pixels.reshape(n * height, width * 3).to(torch.float32)
    return torch.addcmul(offset, rows, factor).view(n, height, width, 3)


def grey(pixels: torch.Tensor, chosen: np.ndarray) -> torch.Tensor:
    """Only the luma of some pictures is left.

    Args:
        pixels: (B, H, W, 3) in [0, 255], changed in place.
        chosen: (B,) bool.
    Returns: pixels.
    """
    at = np.flatnonzero(chosen)
    if len(at):
        weights = torch.from_numpy(LUMA).to(pixels.device, torch.float32)
        luma = part.take(pixels, at).to(torch.float32) @ weights
        level = luma if pixels.is_floating_point() else luma.round_().to(pixels.dtype)
        part.put(pixels, at, level[..., None].expand(-1, -1, -1, 3).contiguous())
    return pixels


def apply(pixels: torch.Tensor, matrices: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    """Colour change and normalisation in one product; what leaves [0, 1] is cut off there, as a camera does.

    The product runs over whole planes, 3x3 times 3xHW: over pixels, HWx3 times 3x3, it takes ten times as long.

    Args:
        pixels: (B, H, W, 3) uint8 or float32 in [0, 255].
        matrices: (B, 3, 4) for pixels in [0, 1].
        mean: per channel.
        std: per channel.
    Returns: (B, H, W, 3) float32, normalised; its planes lie one after the other.
    """
    n, height, width, _ = pixels.shape
    scale, centre = 1 / np.array(std), np.array(mean)
    linear = (matrices[:, :, :3] / 255) * scale[:, None]
    offset = (matrices[:, :, 3] - centre) * scale
    product, start = (torch.from_numpy(part).to(pixels.device, torch.float32) for part in (linear, offset))
    coloured = torch.baddbmm(start[:, :, None], product, _planes(pixels).reshape(n, 3, height * width))
    for channel, (low, high) in enumerate(zip(-centre * scale, (1 - centre) * scale, strict=True)):
        coloured[:, channel].clamp_(float(low), float(high))
    return coloured.view(n, 3, height, width).permute(0, 2, 3, 1)


def _planes(pixels: torch.Tensor) -> torch.Tensor:
    """(B, H, W, 3) -> (B, 3, H, W) float32, plane after plane; no copy where they lie so already."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)


def _is_planar(pixels: torch.Tensor) -> bool:
    return not pixels.is_contiguous() and pixels.permute(0, 3, 1, 2).is_contiguous()


def _affine(linear: np.ndarray, offset: np.ndarray) -> np.ndarray:
    return np.concatenate([linear, offset[:, :, None]], axis=2)
