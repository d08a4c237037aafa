"""Which of many sets are nearly equal, without comparing all pairs: MinHash signatures and bands of them.

Source: Broder 1997, "On the resemblance and containment of documents"; Indyk and Motwani 1998 (bands).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..core.randomness import generator

# Bands of 4 places: two sets of Jaccard 0.7 meet with probability 0.99, of 0.5 with 0.64, of 0.2 with 0.03.
HASHES, BANDS = 64, 16
MOST_IN_A_BAND = 200  # sets that share a band and are compared pair by pair; more of them with the first one alone
_PRIME = np.uint64((1 << 31) - 1)
_CHUNK = 1 << 22  # shingles hashed at a time


def shingles(words: np.ndarray, width: int) -> np.ndarray:
    """Hashes of all runs of `width` words; of a shorter text the text itself.

    Args:
        words: (L,) word numbers.
    Returns: (S,) uint64 below 2^31 - 1.
    """
    found = words.astype(np.uint64) + np.uint64(1)
    if not len(found):
        return found
    width = min(width, len(found))
    value = np.zeros(len(found) - width + 1, dtype=np.uint64)
    for k in range(width):
        value = (value * np.uint64(1_000_003) + found[k : len(found) - width + 1 + k]) % _PRIME
    return value


def signatures(texts: Sequence[np.ndarray], width: int) -> np.ndarray:
    """(N, HASHES) uint32 signatures; the share of equal places estimates the Jaccard similarity of two sets.

    Args:
        texts: N arrays of word numbers, none empty.
        width: words of a shingle.
    """
    random = generator(0, HASHES, 23)
    factor = random.integers(1, int(_PRIME), HASHES).astype(np.uint64)
    shift = random.integers(0, int(_PRIME), HASHES).astype(np.uint64)
    out = np.empty((len(texts), HASHES), dtype=np.uint32)
    start = 0
    while start < len(texts):
        stop, size = start, 0
        parts = []
        while stop < len(texts) and (size < _CHUNK // 8 or stop == start):
            parts.append(shingles(texts[stop], width))
            size += len(parts[-1])
            stop += 1
        flat = np.concatenate(parts)
        begins = np.concatenate([[0], np.cumsum([len(part) for part in parts])[:-1]])
        for h in range(HASHES):
            out[start:stop, h] = np.minimum.reduceat((flat * factor[h] + shift[h]) % _PRIME, begins)
        start = stop
    return out


def near_pairs(marks: np.ndarray) -> list[tuple[int, int]]:
    """Pairs that share at least one band, to be compared exactly.

    Args:
        marks: (N, HASHES) signatures.
    """
    rows = HASHES // BANDS
    found: set[tuple[int, int]] = set()
    for band in range(BANDS):
        part = np.ascontiguousarray(marks[:, band * rows : (band + 1) * rows])
        key = part.view([("", part.dtype)] * rows).ravel()
        order = np.argsort(key, kind="stable")
        same = np.concatenate([[False], key[order][1:] == key[order][:-1]])
        edges = np.flatnonzero(~same).tolist() + [len(order)]
        for a, b in zip(edges[:-1], edges[1:], strict=True):
            members = sorted(order[a:b].tolist())
            if len(members) <= MOST_IN_A_BAND:
                found |= {(x, y) for i, x in enumerate(members) for y in members[i + 1 :]}
            else:
                found |= {(members[0], y) for y in members[1:]}
    return sorted(found)


def jaccard(a: np.ndarray, b: np.ndarray, width: int) -> float:
    """Common shingles over all shingles of two texts, 0 to 1."""
    x, y = np.unique(shingles(a, width)), np.unique(shingles(b, width))
    common = len(np.intersect1d(x, y, assume_unique=True))
    return common / max(1, len(x) + len(y) - common)


def joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Groups of what is connected by pairs, each in order."""
    group: dict[int, set[int]] = {}
    for i, j in pairs:
        both = group.get(i, {i}) | group.get(j, {j})
        for k in both:
            group[k] = both
    return [sorted(found) for found in {id(g): g for g in group.values()}.values()]
