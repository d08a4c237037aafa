"""Move pictures by their matrices, each along the cheapest path that is exact or does not alias.

Whole-pixel shifts and mirrors only copy bytes; boxes of whole pixels take PyTorch's antialiased uint8 resize;
everything else is one bilinear resampling after an antialiased shrink.
Source: Jaderberg et al. 2015, arXiv:1506.02025 (resampling on an affine grid); Zhang 2019, arXiv:1904.11486 (why to
antialias).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F

from .geometry import (
    inverse,
    is_upright,
    move_points,
    reflect,
    scaling,
    source_pixels,
    then,
    translation,
    whole_boxes,
    whole_shifts,
)

Pictures = np.ndarray | Sequence[np.ndarray] | torch.Tensor  # (B, H, W, 3) uint8, or B arrays (H_i, W_i, 3)
_PIECE = 4  # pictures that a thread takes at a time
_SMALL = 64  # pixels of a side up to which a call of its own costs a picture more than its pixels do
_SHRINKS = 1.05  # source pixels an output pixel from which aliasing would show


def warp(images: Pictures, matrices: np.ndarray, size: int, device: str = "cpu") -> torch.Tensor:
    """Pictures moved by their matrices onto a square.

    Args:
        images: (B, H, W, 3) uint8 as array or tensor, or a sequence of B arrays (H_i, W_i, 3) uint8.
        matrices: (B, 2, 3) source to output.
        size: side of the output in pixels.
        device: where the result is wanted.
    Returns: (B, size, size, 3): uint8 where the movement is exact (whole-pixel shifts, mirrors, whole-pixel boxes),
        else float32 in [0, 255].
    """
    if isinstance(images, (np.ndarray, torch.Tensor)):
        if (shifts := whole_shifts(matrices)) is not None:
            return shift_pictures(images, *shifts, size, device)
        if not is_upright(matrices) and source_pixels(matrices) <= _SHRINKS:
            return _resample(torch.as_tensor(images).to(device), matrices, size)
        if (boxes := whole_boxes(matrices, size)) is not None and _small_squares(boxes[2], boxes[3]):
            return resize_square(_windows(images, *boxes[:3], boxes[4], device), size)
        images = list(images.cpu().numpy()) if isinstance(images, torch.Tensor) else list(images)
    boxes = whole_boxes(matrices, size)
    if boxes is not None:
        return _resize_boxes(images, *boxes, size).to(device)
    return _resample_all(images, matrices, size).to(device)


def resize_square(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """(B, S, S, 3) uint8 or float32 -> (B, size, size, 3) of the same type, antialiased when it shrinks."""
    if pixels.shape[1] == size:
        return pixels
    planes = pixels.permute(0, 3, 1, 2)
    if pixels.dtype == torch.uint8 and pixels.device.type != "cpu":
        planes = planes.float()  # the uint8 kernel is the CPU's alone
    resized = F.interpolate(planes, size=(size, size), mode="bilinear", antialias=True)
    return resized.permute(0, 2, 3, 1)


def shift_pictures(
    images: np.ndarray | torch.Tensor, left: np.ndarray, top: np.ndarray, mirrored: np.ndarray, size: int, device: str
) -> torch.Tensor:
    """The exact path: windows of whole pixels as `whole_shifts` gives them, reflected beyond the edge."""
    side = np.full(len(left), size)
    return _windows(images, np.where(mirrored, left - size, left), top, side, mirrored, device)


def _windows(
    images: np.ndarray | torch.Tensor,
    left: np.ndarray,
    top: np.ndarray,
    side: np.ndarray,
    mirrored: np.ndarray,
    device: str,
) -> torch.Tensor:
    """Equal squares of whole pixels, some mirrored: left, top and side (B,), all sides the same."""
    if isinstance(images, np.ndarray) and device == "cpu":
        return _cut_windows(images, left, top, mirrored, int(side[0]))
    return _index_windows(torch.as_tensor(images).to(device), left, top, mirrored, int(side[0]))


def _small_squares(width: np.ndarray, height: np.ndarray) -> bool:
    """Whether one call for the batch beats one a picture: equal squares, so small that calls are the cost."""
    return bool((width == height).all() and (width == width[0]).all() and width[0] <= _SMALL)


def _cut_windows(
    images: np.ndarray, left: np.ndarray, top: np.ndarray, mirrored: np.ndarray, size: int
) -> torch.Tensor:
    """On the CPU: pad once, cut all windows by strides, mirror some. About 3 us a 32-pixel picture."""
    n, height, width, _ = images.shape
    sides = (
        -top.min(initial=0),
        top.max(initial=0) + size - height,
        -left.min(initial=0),
        left.max(initial=0) + size - width,
    )
    above, below, before, beyond = (max(0, int(side)) for side in sides)
    padded = _pad_reflect(images, above, below, before, beyond)
    row, line = padded.strides[1], 3 * size
    shape = (n, padded.shape[1] - size + 1, padded.shape[2] - size + 1, size, line)
    windows = np.lib.stride_tricks.as_strided(padded, shape, (padded.strides[0], row, 3, row, 1))
    cut = windows[np.arange(n), top + above, left + before].reshape(n, size, size, 3)
    turned = np.flatnonzero(mirrored)
    cut[turned] = torch.from_numpy(cut[turned]).flip(2).numpy()  # NumPy's own mirror is half as fast
    return torch.from_numpy(cut)


def _pad_reflect(images: np.ndarray, above: int, below: int, before: int, beyond: int) -> np.ndarray:
    if not (above or below or before or beyond):
        return np.ascontiguousarray(images)
    n, height, width, channels = images.shape
    if max(above, below) >= height or max(before, beyond) >= width:  # folded more than once
        rows, columns = (
            reflect(np.arange(-above, height + below), height),
            reflect(np.arange(-before, width + beyond), width),
        )
        return np.ascontiguousarray(images[:, rows][:, :, columns])
    padded = np.empty((n, above + height + below, before + width + beyond, channels), np.uint8)
    padded[:, above : above + height, before : before + width] = images
    inner, low = slice(above, above + height), above + height - 1
    padded[:, inner, :before] = images[:, :, 1 : before + 1][:, :, ::-1]
    padded[:, inner, before + width :] = images[:, :, width - 1 - beyond : width - 1][:, :, ::-1]
    padded[:, :above] = padded[:, above + 1 : 2 * above + 1][:, ::-1]
    padded[:, low + 1 :] = padded[:, low - below : low][:, ::-1]
    return padded


def _index_windows(
    images: torch.Tensor, left: np.ndarray, top: np.ndarray, mirrored: np.ndarray, size: int
) -> torch.Tensor:
    """On any device: the same windows by index."""
    steps = np.arange(size)
    rows = reflect(top[:, None] + steps, images.shape[1])
    columns = reflect(left[:, None] + np.where(mirrored[:, None], steps[::-1], steps), images.shape[2])
    sample = torch.arange(len(images), device=images.device)
    row, column = (torch.from_numpy(index).to(images.device) for index in (rows, columns))
    return images[sample[:, None, None], row[:, :, None], column[:, None, :]]


def _resize_boxes(
    images: Sequence[np.ndarray],
    left: np.ndarray,
    top: np.ndarray,
    width: np.ndarray,
    height: np.ndarray,
    mirrored: np.ndarray,
    size: int,
) -> torch.Tensor:
    """Each box of whole pixels onto the square, by PyTorch's antialiased uint8 kernel."""
    out = torch.empty((len(images), size, size, 3), dtype=torch.uint8)

    def fill(place: int) -> None:
        box = _cut(images[place], int(left[place]), int(top[place]), int(width[place]), int(height[place]))
        planes = torch.from_numpy(box).permute(2, 0, 1)[None]
        if planes.shape[2:] != (size, size):
            planes = F.interpolate(planes, size=(size, size), mode="bilinear", antialias=True)
        out[place] = (planes.flip(-1) if mirrored[place] else planes)[0].permute(1, 2, 0)

    _each(fill, len(images))
    return out


def _resample_all(images: Sequence[np.ndarray], matrices: np.ndarray, size: int) -> torch.Tensor:
    out = torch.empty((len(images), size, size, 3))

    def fill(place: int) -> None:
        out[place] = _resample_one(images[place], matrices[place], size)

    _each(fill, len(images))
    return out


def _each(fill: Callable[[int], None], count: int) -> None:
    """Call `fill` for each picture, pictures side by side and each in one thread.

    Splitting the work inside one picture makes threads wait for each other at every step: on two cores that others
    use as well, that was 9 times slower. Threads know nothing of the caller's inference mode, and what is filled may
    have been made in it, so they are told.
    """
    threads = torch.get_num_threads()
    if threads == 1 or count < _PIECE:
        for place in range(count):
            fill(place)
        return
    torch.set_num_threads(1)  # new threads take this over
    try:
        with ThreadPoolExecutor(threads) as pool:
            starts = range(0, count, _PIECE)
            mode = torch.is_inference_mode_enabled()
            for done in [pool.submit(_some, fill, start, min(start + _PIECE, count), mode) for start in starts]:
                done.result()
    finally:
        torch.set_num_threads(threads)


def _some(fill: Callable[[int], None], start: int, end: int, inference: bool) -> None:
    with torch.inference_mode(inference):
        for place in range(start, end):
            fill(place)


def _cut(image: np.ndarray, left: int, top: int, width: int, height: int) -> np.ndarray:
    rows, columns = image.shape[:2]
    if left >= 0 and top >= 0 and left + width <= columns and top + height <= rows:
        return _owned(image[top : top + height, left : left + width])
    inside = image[reflect(np.arange(top, top + height), rows)]
    return _owned(inside[:, reflect(np.arange(left, left + width), columns)])


def _resample_one(image: np.ndarray, matrix: np.ndarray, size: int) -> torch.Tensor:
    """One picture of any size: cut what the square can see, shrink it with antialiasing, resample once."""
    left, top, right, bottom = _seen(matrix, size, image.shape[1], image.shape[0])
    part = _owned(image[top:bottom, left:right])
    planes = torch.from_numpy(part).permute(2, 0, 1)[None]
    factor = source_pixels(matrix[None])
    height, width = planes.shape[2:]
    if factor > _SHRINKS:
        shape = (max(1, round(height / factor)), max(1, round(width / factor)))
        planes = F.interpolate(planes, size=shape, mode="bilinear", antialias=True)
    across, down = width / planes.shape[3], height / planes.shape[2]
    back = then(scaling(np.array([across]), np.array([down])), translation(np.array([left]), np.array([top])))
    return _resample(planes.permute(0, 2, 3, 1), then(back, matrix[None]), size)[0]


def _seen(matrix: np.ndarray, size: int, width: int, height: int) -> tuple[int, int, int, int]:
    """The source box that the output square reads, what is reflected into it included."""
    corners = move_points(
        np.array([[0, 0], [size, 0], [0, size], [size, size]], dtype=np.float64), inverse(matrix[None])[0]
    )
    margin = 2 + 2 * source_pixels(matrix[None])
    spans = []
    for axis, length in enumerate((width, height)):
        low, high = corners[:, axis].min() - margin, corners[:, axis].max() + margin
        low, high = min(low, 2 * length - high), max(high, -low)
        low, high = max(0, int(np.floor(low))), min(length, int(np.ceil(high)))
        spans.append((low, high) if high - low >= 2 else (0, length))
    return spans[0][0], spans[1][0], spans[0][1], spans[1][1]


def _resample(images: torch.Tensor, matrices: np.ndarray, size: int) -> torch.Tensor:
    """(B, H, W, 3) -> (B, size, size, 3) float32 by bilinear resampling on the affine grid, on the images' device."""
    height, width = images.shape[1:3]
    back = inverse(matrices)
    # output pixel centres -> source pixel indices -> grid_sample's [-1, 1], whose ends are the outer pixels' centres
    linear = back[:, :, :2]
    offset = linear.sum(axis=2) * 0.5 + back[:, :, 2] - 0.5
    unit = np.array([2 / max(width - 1, 1), 2 / max(height - 1, 1)])
    theta = np.concatenate([linear * unit[:, None], (offset * unit - 1)[:, :, None]], axis=2)
    rows = torch.from_numpy(theta).to(images.device, torch.float32)[..., None, None]  # (B, 2, 3, 1, 1)
    steps = torch.arange(size, dtype=torch.float32, device=images.device)
    grid = rows[:, :, 0] * steps + (rows[:, :, 1] * steps[:, None] + rows[:, :, 2])  # (B, 2, size, size)
    grid = grid.permute(0, 2, 3, 1)
    planes = images.permute(0, 3, 1, 2).float()
    moved = F.grid_sample(planes, grid, mode="bilinear", padding_mode="reflection", align_corners=True)
    return moved.permute(0, 2, 3, 1)


def _owned(part: np.ndarray) -> np.ndarray:
    """The same pixels, contiguous and writable, as PyTorch wants them; copied only where they are not."""
    return np.require(part, requirements=["C", "W"])
