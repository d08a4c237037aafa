"""Move pictures by their matrices, each along the cheapest path that is exact or does not alias.

Whole-pixel shifts, mirrors and quarter turns only copy bytes; boxes of whole pixels take PyTorch's antialiased uint8
resize; everything else is one bilinear resampling, after an antialiased shrink where it would skip pixels. Each picture
takes its own path, whatever its company in the batch.
Source: Jaderberg et al. 2015, arXiv:1506.02025 (resampling on an affine grid); Zhang 2019, arXiv:1904.11486 (why to
antialias); Williams 1983, "Pyramidal Parametrics" (from where on the next smaller picture is the nearer one).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from . import part
from .geometry import (
    CROSSED,
    MIRRORED,
    UPENDED,
    Views,
    inverse,
    move_points,
    reflect,
    scaling,
    source_pixels,
    then,
    translation,
    views,
)

Pictures = np.ndarray | Sequence[np.ndarray] | torch.Tensor  # (B, H, W, 3) uint8, or B arrays (H_i, W_i, 3)
_PIECE = 4  # pictures that a thread takes at a time
_SMALL = 64  # pixels of a side up to which a call of its own costs a picture more than its pixels do
_SHRINKS = 2**0.5  # source pixels an output pixel from which a picture of half the side is the nearer one
_NEARBY = 4  # one part in so many of the side is padded for all pictures of a batch where one reaches so far
_ONCE = 3.0  # in grid_sample's units: coordinates up to here are reflected once at most


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
    seen = views(matrices, size)
    if not isinstance(images, (np.ndarray, torch.Tensor)):
        return _alone(images, matrices, seen, size).to(device)
    exact = seen.whole & (seen.width == size) & (seen.height == size)
    if exact.all():
        return _windows(images, seen, device)
    if seen.whole.all() and _small_squares(seen):
        return resize_square(_windows(images, seen, device), size)
    if seen.whole.all() and size > _SMALL:
        return _alone(_listed(images), matrices, seen, size).to(device)
    smooth = (~seen.whole | (size <= _SMALL)) & ~exact & (source_pixels(matrices) <= _SHRINKS)
    if smooth.all():
        return _resample(torch.as_tensor(images).to(device), matrices, size)
    parts = (
        (exact, lambda some, at: _windows(some, seen.of(at), device)),
        (smooth, lambda some, at: _resample(torch.as_tensor(some).to(device), matrices[at], size)),
        (~exact & ~smooth, lambda some, at: _alone(_listed(some), matrices[at], seen.of(at), size)),
    )
    return _gathered(images, parts, size, device)


def resize_square(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """(B, S, S, 3) uint8 or float32 -> (B, size, size, 3) of the same type, antialiased when it shrinks."""
    if pixels.shape[1] == size:
        return pixels
    planes = pixels.permute(0, 3, 1, 2)
    if pixels.dtype == torch.uint8 and pixels.device.type != "cpu":
        planes = planes.float()  # the uint8 kernel is the CPU's alone
    resized = F.interpolate(planes, size=(size, size), mode="bilinear", antialias=True)
    return resized.permute(0, 2, 3, 1)


def _gathered(
    images: np.ndarray | torch.Tensor,
    parts: Sequence[tuple[np.ndarray, Callable[[Any, np.ndarray], torch.Tensor]]],
    size: int,
    device: str,
) -> torch.Tensor:
    """Pictures by several paths, as one float batch; its planes lie one after the other, as resampling leaves them."""
    planes = torch.empty((len(images), 3, size, size), device=device)
    for chosen, path in parts:
        at = np.flatnonzero(chosen)
        if len(at):
            some = images[at] if isinstance(images, np.ndarray) else part.take(images, at)
            part.put(planes, at, path(some, at).permute(0, 3, 1, 2).to(device))
    return planes.permute(0, 2, 3, 1)


def _listed(images: np.ndarray | torch.Tensor) -> list[np.ndarray]:
    return list(images.cpu().numpy() if isinstance(images, torch.Tensor) else images)


def _small_squares(seen: Views) -> bool:
    """Whether one call for the batch beats one a picture: equal squares, so small that calls are the cost."""
    width, height = seen.width, seen.height
    return bool((width == height).all() and (width == width[0]).all() and width[0] <= _SMALL)


def _windows(images: np.ndarray | torch.Tensor, seen: Views, device: str) -> torch.Tensor:
    """The exact path: equal squares of whole pixels, reflected beyond the edge, some of them turned."""
    side = int(seen.width[0])
    if isinstance(images, np.ndarray) and device == "cpu":
        cut = _cut_windows(images, seen.left, seen.top, side)
    else:
        cut = _index_windows(torch.as_tensor(images).to(device), seen.left, seen.top, side)
    for turn in np.unique(seen.turn[seen.turn > 0]):
        at = np.flatnonzero(seen.turn == turn)
        part.put(cut, at, _turned(part.take(cut, at), int(turn)))
    return cut


def _turned(squares: torch.Tensor, turn: int) -> torch.Tensor:
    """(B, S, S, 3), each turned as `geometry.views` says."""
    if turn & CROSSED:
        squares = squares.transpose(1, 2)
    dims = [dim for dim, flag in ((2, MIRRORED), (1, UPENDED)) if turn & flag]
    return squares.flip(dims) if dims else squares


def _cut_windows(images: np.ndarray, left: np.ndarray, top: np.ndarray, size: int) -> torch.Tensor:
    """On the CPU: pad once and cut by strides; the few that reach far beyond the edge would have all others padded."""
    height, width = images.shape[1:3]
    reach = np.maximum.reduce([-left, left + size - width, -top, top + size - height])
    far, near = np.flatnonzero(reach > size // _NEARBY), np.flatnonzero(reach <= size // _NEARBY)
    if not len(far):
        return _cut_padded(images, left, top, size)
    cut = np.empty((len(images), size, size, 3), np.uint8)
    for at, path in ((near, _cut_padded), (far, lambda some, *window: _index_windows(torch.from_numpy(some), *window))):
        if len(at):
            cut[at] = path(images[at], left[at], top[at], size).numpy()
    return torch.from_numpy(cut)


def _cut_padded(images: np.ndarray, left: np.ndarray, top: np.ndarray, size: int) -> torch.Tensor:
    """All windows by strides from pictures padded once. About 3 us a 32-pixel picture."""
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
    return torch.from_numpy(windows[np.arange(n), top + above, left + before].reshape(n, size, size, 3))


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


def _index_windows(images: torch.Tensor, left: np.ndarray, top: np.ndarray, size: int) -> torch.Tensor:
    """On any device: the same windows by index."""
    steps = np.arange(size)
    rows = reflect(top[:, None] + steps, images.shape[1])
    columns = reflect(left[:, None] + steps, images.shape[2])
    sample = torch.arange(len(images), device=images.device)
    row, column = (torch.from_numpy(index).to(images.device) for index in (rows, columns))
    return images[sample[:, None, None], row[:, :, None], column[:, None, :]]


def _alone(images: Sequence[np.ndarray], matrices: np.ndarray, seen: Views, size: int) -> torch.Tensor:
    """Pictures of any size, one by one: uint8 where each shows a box of whole pixels, else float32."""
    out = torch.empty((len(images), size, size, 3), dtype=torch.uint8 if seen.whole.all() else torch.float32)

    def fill(place: int) -> None:
        if seen.whole[place]:
            out[place] = _resize_box(images[place], seen.of(np.array([place])), size)
        else:
            out[place] = _resample_one(images[place], matrices[place], size)

    _each(fill, len(images))
    return out


def _resize_box(image: np.ndarray, seen: Views, size: int) -> torch.Tensor:
    """One box of whole pixels onto the square, by PyTorch's antialiased uint8 kernel."""
    left, top, width, height = (int(edge[0]) for edge in (seen.left, seen.top, seen.width, seen.height))
    planes = torch.from_numpy(_cut(image, left, top, width, height)).permute(2, 0, 1)[None]
    if planes.shape[2:] != (size, size):
        planes = F.interpolate(planes, size=(size, size), mode="bilinear", antialias=True)
    return _turned(planes.permute(0, 2, 3, 1), int(seen.turn[0]))[0]


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
    factor = float(source_pixels(matrix[None])[0])
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
    margin = 2 + 2 * float(source_pixels(matrix[None])[0])
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
    padding = "border" if _reflected(grid, theta, size) else "reflection"
    planes = images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    moved = F.grid_sample(planes, grid.permute(0, 2, 3, 1), padding_mode=padding, align_corners=True)
    return moved.permute(0, 2, 3, 1)


def _reflected(grid: torch.Tensor, theta: np.ndarray, size: int) -> bool:
    """Fold coordinates beyond the edge back in place, where once is enough; grid_sample's own folding takes twice
    the time of all the rest."""
    last = size - 1
    reach = abs(theta @ np.array([[0, last, 0, last], [0, 0, last, last], [1, 1, 1, 1]])).max()
    if reach > _ONCE:
        return False
    if reach > 1:
        grid.add_(1).abs_().sub_(2).abs_().neg_().add_(1)  # 1 - ||x + 1| - 2|
    return True


def _owned(part: np.ndarray) -> np.ndarray:
    """The same pixels, contiguous and writable, as PyTorch wants them; copied only where they are not."""
    return np.require(part, requirements=["C", "W"])
