"""Which vectors lie close together: exact for sets that allow it, by random planes for larger ones.

Source of the planes: Charikar 2002, "Similarity estimation techniques from rounding algorithms",
doi:10.1145/509907.509965.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

EXACT = 100_000  # vectors up to which every pair is compared: 5e9 products of 63 numbers, seconds
_ROWS = 1024  # vectors compared at once with all others
_PLANES, _TABLES = 14, 24  # of a larger set: a cosine of 0.9 is met with 98 %, of 0.8 with 78 %
_CROWD = 2000  # of one cell, in pieces: a crowd in one place is no neighbourhood


def close_pairs(
    first: np.ndarray, second: np.ndarray, least: float, *, most: int = 8, ordered: bool = True, exact: int = EXACT
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(i, j, cosine) of pairs with i != j whose vectors agree, by i, the closest first.

    Args:
        first: (N, D) float32 unit vectors, zeros for none; row i of it is looked up ...
        second: (N, D) ... among these.
        least: smallest cosine.
        most: partners kept of each row of `first`, the closest ones.
        ordered: False where (j, i) agrees as (i, j) does; only pairs with i < j are given then.
        exact: vectors up to which every pair is compared.
    """
    blocks = _all_blocks(first, second, least, ordered) if len(first) <= exact else _planes(first, second, least)
    found = [_closest(*block, most) for block in blocks]
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    i, j, cosine = (np.concatenate(parts) for parts in zip(*found, strict=True))
    i, j = (i, j) if ordered else (np.minimum(i, j), np.maximum(i, j))
    _, once = np.unique(i * len(second) + j, return_index=True)
    return _closest(i[once], j[once], cosine[once], most)


_Block = tuple[np.ndarray, np.ndarray, np.ndarray]


def _all_blocks(first: np.ndarray, second: np.ndarray, least: float, ordered: bool) -> Iterator[_Block]:
    turned = np.ascontiguousarray(second.T)
    for start in range(0, len(first), _ROWS):
        left = 0 if ordered else start  # what lies before has met these rows already
        cosine = first[start : start + _ROWS] @ turned[:, left:]
        i, j = np.divmod(np.flatnonzero(cosine >= least), cosine.shape[1])
        values, i, j = cosine[i, j], i + start, j + left
        apart = i != j if ordered else i < j
        yield i[apart], j[apart], values[apart]


def _planes(first: np.ndarray, second: np.ndarray, least: float) -> Iterator[_Block]:
    rng = np.random.default_rng(0)
    powers = 1 << np.arange(_PLANES)
    for _ in range(_TABLES):
        planes = rng.standard_normal((first.shape[1], _PLANES)).astype(np.float32)
        cell, other = (first @ planes > 0) @ powers, (second @ planes > 0) @ powers
        rows, columns = np.argsort(cell, kind="stable"), np.argsort(other, kind="stable")
        names, starts, counts = np.unique(cell[rows], return_index=True, return_counts=True)
        lows, highs = (np.searchsorted(other[columns], names, side) for side in ("left", "right"))
        for start, count, low, high in zip(starts, counts, lows, highs, strict=True):
            for piece in range(start, start + count, _CROWD):
                here = rows[piece : min(piece + _CROWD, start + count)]
                there = columns[low : min(high, low + _CROWD)]
                cosine = first[here] @ second[there].T
                a, b = np.nonzero(cosine >= least)
                apart = here[a] != there[b]
                yield here[a][apart], there[b][apart], cosine[a, b][apart]


def _closest(i: np.ndarray, j: np.ndarray, cosine: np.ndarray, most: int) -> _Block:
    """At most so many of each i, the largest cosines first."""
    order = np.lexsort((-cosine, i))
    i, j, cosine = i[order], j[order], cosine[order]
    rank = np.arange(len(i)) - np.searchsorted(i, i, side="left")
    kept = rank < most
    return i[kept], j[kept], cosine[kept]
