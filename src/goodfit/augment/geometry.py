"""Every movement of a picture as ONE affine matrix a sample; points, boxes and masks move along by the same one.

A matrix (2, 3) maps source to output coordinates, x to the right and y down, in pixels measured at pixel edges: pixel i
covers [i, i+1). Beyond the picture's edge lies its reflection. `warp` moves the pictures themselves.
Source: Foley et al. 1990, "Computer Graphics", chapter 5 (homogeneous transformations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import cast

import numpy as np

NEAR = 1e-6  # pixels; closer than this to a whole number is whole
MIRRORED, UPENDED, CROSSED = 1, 2, 4  # left and right exchanged; top and bottom; rows and columns


def identity(n: int) -> np.ndarray:
    """(n, 2, 3) float64 matrices that move nothing."""
    return np.tile(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), (n, 1, 1))


def translation(dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Move right by dx (B,) and down by dy (B,), in pixels."""
    return _matrix(1.0, 0.0, dx, 0.0, 1.0, dy)


def scaling(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Enlarge about the origin by factors x (B,) and y (B,); negative ones mirror."""
    return _matrix(x, 0.0, np.zeros_like(x), 0.0, y, 0.0)


def rotation(radians: np.ndarray) -> np.ndarray:
    """Turn about the origin by (B,) radians; positive turns x towards y, clockwise on the screen."""
    cos, sin = np.cos(radians), np.sin(radians)
    return _matrix(cos, -sin, np.zeros_like(cos), sin, cos, 0.0)


def shear(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Slant: x grows by x (B,) times y, and y by y (B,) times x."""
    return _matrix(1.0, x, np.zeros_like(x), y, 1.0, 0.0)


def mirror(flipped: np.ndarray, width: float | np.ndarray) -> np.ndarray:
    """Mirror left and right within `width` where flipped (B,) is true, else nothing."""
    sign = np.where(flipped, -1.0, 1.0)
    return _matrix(sign, 0.0, np.where(flipped, width, 0.0), 0.0, 1.0, 0.0)


def upend(flipped: np.ndarray, height: float | np.ndarray) -> np.ndarray:
    """Mirror top and bottom within `height` where flipped (B,) is true, else nothing."""
    sign = np.where(flipped, -1.0, 1.0)
    return _matrix(1.0, 0.0, 0.0, 0.0, sign, np.where(flipped, height, 0.0))


def quarter_turns(count: np.ndarray, size: float) -> np.ndarray:
    """Turn a square of side `size` by (B,) quarters about its centre, clockwise on the screen; exact."""
    cos, sin = np.array([1.0, 0.0, -1.0, 0.0])[count % 4], np.array([0.0, 1.0, 0.0, -1.0])[count % 4]
    return about(_matrix(cos, -sin, np.zeros_like(cos), sin, cos, 0.0), size / 2, size / 2)


def box_to_square(left: np.ndarray, top: np.ndarray, width: np.ndarray, height: np.ndarray, size: int) -> np.ndarray:
    """Move the box, each side (B,) in pixels, onto the square [0, size)."""
    across, down = size / width, size / height
    return _matrix(across, 0.0, -left * across, 0.0, down, -top * down)


def about(matrices: np.ndarray, x: float, y: float) -> np.ndarray:
    """The same movement with the point (x, y) in place of the origin."""
    far, back = np.full(len(matrices), x), np.full(len(matrices), y)
    return then(translation(-far, -back), matrices, translation(far, back))


def then(*steps: np.ndarray) -> np.ndarray:
    """One matrix a sample for all steps, the first one done first; each (B, 2, 3)."""
    total = steps[0]
    for step in steps[1:]:
        linear = step[:, :, :2] @ total[:, :, :2]
        offset = (step[:, :, :2] @ total[:, :, 2:]) + step[:, :, 2:]
        total = np.concatenate([linear, offset], axis=2)
    return total


def inverse(matrices: np.ndarray) -> np.ndarray:
    """Matrices (B, 2, 3) that move back."""
    a, b, c, d = (matrices[:, row, column] for row in (0, 1) for column in (0, 1))
    linear = np.stack([d, -b, -c, a], axis=-1).reshape(-1, 2, 2) / _determinant(matrices)[:, None, None]
    return np.concatenate([linear, -linear @ matrices[:, :, 2:]], axis=2)


def move_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (..., 2) as (x, y) under one matrix (2, 3); those that leave the picture are kept."""
    moved: np.ndarray = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def swap_sides(points: np.ndarray, matrix: np.ndarray, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Named points in their order after a movement: a mirrored left eye stands where the right one is told.

    Args:
        points: (..., K, 2), moved already.
        matrix: (2, 3) that moved them.
        pairs: places among the K of points that are each other's mirror image.
    Returns: the points, each pair exchanged where the matrix mirrors (its determinant is negative).
    """
    order = np.arange(points.shape[-2])
    if np.linalg.det(matrix[:, :2]) < 0:
        for one, other in pairs:
            order[[one, other]] = other, one
    swapped: np.ndarray = points[..., order, :]
    return swapped


def move_boxes(boxes: np.ndarray, matrix: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes under one matrix.

    Args:
        boxes: (N, 4) float, left, top, right, bottom.
        matrix: (2, 3).
        size: side of the output in pixels.
    Returns: (N, 4) upright boxes around the moved corners, clipped to the output; and (N,) the share of each that
        is still inside, in [0, 1] (0 = gone).
    """
    left, top, right, bottom = boxes.T
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], axis=1).reshape(-1, 4, 2)
    moved = move_points(corners, matrix)
    hull = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
    clipped = hull.clip(0, size)
    whole = _area(hull)
    return clipped, np.divide(_area(clipped), whole, out=np.zeros_like(whole), where=whole > 0)


def move_masks(
    masks: Sequence[np.ndarray] | np.ndarray, matrices: np.ndarray, size: int, outside: int | None = None
) -> np.ndarray:
    """Masks along with their pictures, by the nearest source pixel.

    Args:
        masks: B arrays (H_i, W_i) of one integer type.
        matrices: (B, 2, 3), the pictures' own.
        size: side of the output in pixels.
        outside: value beyond the mask's edge (an "ignore" class); None = its reflection, as the picture has it.
    Returns: (B, size, size).
    """
    y, x = np.mgrid[:size, :size] + 0.5
    moved = []
    for mask, back in zip(masks, inverse(matrices), strict=True):
        source = move_points(np.stack([x, y], axis=-1), back)
        column = np.floor(source[..., 0] + NEAR).astype(np.int64)
        row = np.floor(source[..., 1] + NEAR).astype(np.int64)
        height, width = mask.shape
        picked = mask[reflect(row, height), reflect(column, width)]
        if outside is not None:
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            picked = np.where(inside, picked, np.asarray(outside, dtype=mask.dtype))
        moved.append(picked)
    return np.stack(moved)


def reflect(index: np.ndarray, length: int) -> np.ndarray:
    """Whole-number indices folded into [0, length) about the first and last pixel's centre, as np.pad "reflect"."""
    if length == 1:
        return np.zeros_like(index)
    period = 2 * (length - 1)
    folded = np.mod(index, period)
    return cast(np.ndarray, np.minimum(folded, period - folded))


@dataclass(frozen=True, kw_only=True)
class Views:
    """What part of its source each output square shows, where that is a box of whole pixels; each (B,).

    Attributes:
        whole: whether it is one; where not, the rest means nothing.
        left: first source column.
        top: first source row.
        width: source columns.
        height: source rows.
        turn: how the box lies in the output: MIRRORED + UPENDED + CROSSED, the last done first.
    """

    whole: np.ndarray
    left: np.ndarray
    top: np.ndarray
    width: np.ndarray
    height: np.ndarray
    turn: np.ndarray

    def of(self, at: np.ndarray) -> Views:
        """Those of some outputs."""
        return Views(**{field.name: getattr(self, field.name)[at] for field in fields(self)})


def views(matrices: np.ndarray, size: int) -> Views:
    """Which outputs of side `size` are boxes of whole source pixels, perhaps mirrored or in quarter turns."""
    linear = matrices[:, :, :2]
    crossed = abs(linear[:, 0, 0]) + abs(linear[:, 1, 1]) < NEAR
    square = crossed | is_upright(matrices)
    back = inverse(matrices)
    corner = back[:, :, 2]
    other = corner + back[:, :, :2].sum(axis=2) * size
    low, high = np.minimum(corner, other), np.maximum(corner, other)
    near = (abs(low - low.round()) < NEAR * 100) & (abs(high - high.round()) < NEAR * 100)
    start, sides = low.round().astype(np.int64), (high - low).round().astype(np.int64)
    across, down = (np.where(crossed, linear[:, k, 1 - k], linear[:, k, k]) for k in (0, 1))
    turn = MIRRORED * (across < 0) + UPENDED * (down < 0) + CROSSED * crossed
    whole = square & near.all(axis=1)
    return Views(whole=whole, left=start[:, 0], top=start[:, 1], width=sides[:, 0], height=sides[:, 1], turn=turn)


def is_upright(matrices: np.ndarray) -> np.ndarray:
    """(B,) whether a matrix neither turns nor slants: it only scales, mirrors and shifts."""
    upright: np.ndarray = abs(matrices[:, 0, 1]) + abs(matrices[:, 1, 0]) < NEAR
    return upright


def source_pixels(matrices: np.ndarray) -> np.ndarray:
    """(B,) source pixels an output pixel, along one side."""
    shrunk: np.ndarray = 1 / np.sqrt(np.maximum(abs(_determinant(matrices)), 1e-12))
    return shrunk


def _determinant(matrices: np.ndarray) -> np.ndarray:
    return cast(np.ndarray, matrices[:, 0, 0] * matrices[:, 1, 1] - matrices[:, 0, 1] * matrices[:, 1, 0])


def _area(boxes: np.ndarray) -> np.ndarray:
    area: np.ndarray = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area


def _matrix(*entries: float | np.ndarray) -> np.ndarray:
    """(B, 2, 3) from six entries row by row, each a number or (B,)."""
    columns = np.broadcast_arrays(*(np.asarray(entry, dtype=np.float64) for entry in entries))
    return cast(np.ndarray, np.stack(columns, axis=-1).reshape(-1, 2, 3))
