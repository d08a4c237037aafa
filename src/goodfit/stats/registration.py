"""How alike two pictures are once one is laid over the other: shifted, scaled, turned a little, brighter or darker.

Each pair is registered by Gauss-Newton steps on six affine numbers (Lucas and Kanade 1981; Baker and Matthews 2004,
"Lucas-Kanade 20 years on", doi:10.1023/B:VISI.0000011205.11775.fd); then what is finer than a ninth of the side is
correlated. Copies agree in detail; two pictures of one motive agree in their coarse shapes alone.
"""

from __future__ import annotations

import numpy as np

SIDE = 64  # pixels of the pictures that are compared
_COARSE = 32  # pixels at which they are laid over each other
_STEPS = 10  # of Gauss-Newton: crops of 10 % and turns of 5 degrees settle in fewer than 8
_FINE_STEPS = 4  # at full size, for pairs that may be copies
_WORTH_MORE = 0.4
_LARGEST_MOVE = 0.15  # of one step, of half a side
_MOST_SCALE, _MOST_SHIFT = 0.35, 0.35  # of half a side: beyond it, the pictures have too little in common
_RIM, _LENIENT = SIDE // 6, 0.15  # pixels left away, and how much less their middles may agree
_WINDOW = 7  # pixels of SIDE: detail is what stands out of the mean over so many


def likeness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(P,) correlation of the detail of each pair after registration, -1 to 1; 0 where it fails.

    Args:
        first, second: (P, SIDE, SIDE) grey values of any scale.
    """
    if not len(first):
        return np.empty(0)
    warps = np.tile(np.eye(2, 3, dtype=np.float32), (len(first), 1, 1))
    warps = _registered(_halved(first), _halved(second), warps, _STEPS)
    alike = _laid_over(first, second, warps)
    near = np.flatnonzero(alike > _WORTH_MORE)
    if not len(near):
        return alike
    finer = _registered(first[near].astype(np.float32), second[near].astype(np.float32), warps[near], _FINE_STEPS)
    alike[near] = np.maximum(alike[near], _laid_over(first[near], second[near], finer))
    return alike


def _laid_over(first: np.ndarray, second: np.ndarray, warps: np.ndarray) -> np.ndarray:
    """(P,) correlation of detail where both are seen; 0 where one had to be moved too far."""
    moved, inside = _warped(second.astype(np.float32), warps)
    turned, shifted = np.abs(warps[:, :, :2] - np.eye(2)).max((1, 2)), np.abs(warps[:, :, 2]).max(1)
    fits = (turned <= _MOST_SCALE) & (shifted <= _MOST_SHIFT)  # not where a number is missing
    a, b = _detail(first.astype(np.float32)), _detail(moved)
    middle = np.zeros_like(inside)
    middle[:, _RIM:-_RIM, _RIM:-_RIM] = True  # a frame around two pictures makes no copies of them
    alike = np.minimum(_correlated(a, b, inside), _correlated(a, b, inside & middle) + _LENIENT)
    return np.where(fits, alike, 0.0)


def _registered(a: np.ndarray, b: np.ndarray, warps: np.ndarray, steps: int) -> np.ndarray:
    """(P, 2, 3) affine maps from places of `a` to places of `b`, improved; places run from -1 to 1."""
    count, side = len(a), a.shape[1]
    x = np.broadcast_to(_places(side)[None, :], (side, side)).ravel()
    y = np.broadcast_to(_places(side)[:, None], (side, side)).ravel()
    moves_of = np.stack([x, y, np.ones_like(x)], axis=1)  # d place / d number, for each of the two rows of a map
    target, source = _standard(_softened(a)), _standard(_softened(b))
    for _ in range(steps):
        moved, inside = _warped(source, warps)
        down, across = np.gradient(moved, axis=(1, 2))
        across, down = (np.where(inside, g, 0).reshape(count, -1, 1) * (side / 2) for g in (across, down))
        jacobian = np.concatenate([across * moves_of, down * moves_of], axis=2)
        residual = (target - _matched(target, moved, inside)).reshape(count, -1, 1)
        normal = jacobian.transpose(0, 2, 1) @ jacobian
        normal += (1e-3 / 6 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-6) * np.eye(6, dtype=np.float32)
        moves = np.linalg.solve(normal, jacobian.transpose(0, 2, 1) @ residual)[:, :, 0]
        moves = np.clip(moves, -_LARGEST_MOVE, _LARGEST_MOVE).reshape(count, 2, 3).astype(np.float32)
        whole = np.concatenate([moves, np.zeros((count, 1, 3), dtype=np.float32)], 1) + np.eye(3, dtype=np.float32)
        warps = (warps @ whole).astype(np.float32)
    return warps


def _warped(pictures: np.ndarray, warps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P, S, S) values at the mapped places, by bilinear interpolation, and whether these lie inside."""
    count, side = len(pictures), pictures.shape[1]
    grid = _places(side)
    x = warps[:, 0, 0, None, None] * grid[None, None, :] + warps[:, 0, 1, None, None] * grid[None, :, None]
    y = warps[:, 1, 0, None, None] * grid[None, None, :] + warps[:, 1, 1, None, None] * grid[None, :, None]
    column = ((x + warps[:, 0, 2, None, None]) + 1) * (side / 2) - 0.5
    row = ((y + warps[:, 1, 2, None, None]) + 1) * (side / 2) - 0.5
    inside = (column > -0.5) & (column < side - 0.5) & (row > -0.5) & (row < side - 0.5)
    column, row = np.clip(column, 0, side - 1.001), np.clip(row, 0, side - 1.001)
    left, top = column.astype(np.int32), row.astype(np.int32)
    fx, fy = column - left, row - top
    flat = pictures.reshape(-1)
    corner = (np.arange(count, dtype=np.int32) * side * side)[:, None, None] + top * side + left
    upper = flat[corner] * (1 - fx) + flat[corner + 1] * fx
    lower = flat[corner + side] * (1 - fx) + flat[corner + side + 1] * fx
    return (upper * (1 - fy) + lower * fy).astype(np.float32), inside


def _places(side: int) -> np.ndarray:
    return ((np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1).astype(np.float32)


def _halved(pictures: np.ndarray) -> np.ndarray:
    count, times = len(pictures), pictures.shape[1] // _COARSE
    return pictures.reshape(count, _COARSE, times, _COARSE, times).mean((2, 4)).astype(np.float32)


def _standard(pictures: np.ndarray) -> np.ndarray:
    centred = pictures - pictures.mean((1, 2), keepdims=True)
    return centred / np.maximum(centred.std((1, 2), keepdims=True), 1e-3)


def _matched(target: np.ndarray, moved: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """`moved` with the gain and offset that bring it nearest to `target` where both are seen."""
    weight = inside / np.maximum(inside.sum((1, 2), keepdims=True), 1)
    mean_a, mean_b = (target * weight).sum((1, 2), keepdims=True), (moved * weight).sum((1, 2), keepdims=True)
    a, b = target - mean_a, moved - mean_b
    gain = (a * b * weight).sum((1, 2), keepdims=True) / np.maximum((b * b * weight).sum((1, 2), keepdims=True), 1e-6)
    return np.clip(gain, 0.25, 4.0) * b + mean_a


def _softened(pictures: np.ndarray) -> np.ndarray:
    """Smoothed by 1-2-1 both ways, so that a step sees a slope where an edge was."""
    wide = np.pad(pictures, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    return ((rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 16).astype(np.float32)


def _detail(pictures: np.ndarray) -> np.ndarray:
    """What stands out of the mean over a window around each pixel."""
    half = _WINDOW // 2
    padded = np.pad(pictures, ((0, 0), (half + 1, half), (half + 1, half)), mode="reflect").astype(np.float64)
    total = padded.cumsum(1).cumsum(2)
    window = total[:, _WINDOW:, _WINDOW:] - total[:, :-_WINDOW, _WINDOW:] - total[:, _WINDOW:, :-_WINDOW]
    return (pictures - (window + total[:, :-_WINDOW, :-_WINDOW]) / _WINDOW**2).astype(np.float32)


def _correlated(a: np.ndarray, b: np.ndarray, inside: np.ndarray) -> np.ndarray:
    a, b = np.where(inside, a, 0), np.where(inside, b, 0)
    scale = np.sqrt((a * a).sum((1, 2)) * (b * b).sum((1, 2)))
    return (a * b).sum((1, 2)) / np.maximum(scale, 1e-6)
