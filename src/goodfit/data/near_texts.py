"""Which texts are near copies: one with a few words changed, cut or added.

Sources: Broder 1997, "On the resemblance and containment of documents" (MinHash); Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", chapter 3 (bands).
"""

from __future__ import annotations

import numpy as np

from ..stats.minhash import jaccard, near_pairs, signatures
from .near_pairs import NONE, NearPairs
from .scanned import Progress
from .text_scan import TextScan

SHINGLE = 4  # words of one shingle
ALIKE = 0.7  # share of common shingles from which two texts count as near copies
SHORTEST = 12  # words below which texts are too short to be told apart by shingles: titles, messages


def near_texts(scan: TextScan, progress: Progress | None = None) -> NearPairs:
    """Near copies among texts that are not equal.

    Args:
        progress: called with (pairs compared, pairs).
    """
    looked = np.flatnonzero(scan.ok & (scan.length >= SHORTEST))
    if len(looked) < 2:
        return NONE
    marks = signatures([scan.of(int(i)) for i in looked], SHINGLE)
    pairs = [(int(looked[a]), int(looked[b])) for a, b in near_pairs(marks)]
    found: list[tuple[int, int, float]] = []
    for done, (i, j) in enumerate(pairs, start=1):
        alike = jaccard(scan.of(i), scan.of(j), SHINGLE)
        if alike >= ALIKE and scan.seen[i] != scan.seen[j]:
            found.append((i, j, alike))
        if progress is not None and (done % 1000 == 0 or done == len(pairs)):
            progress(done, len(pairs))
    if not found:
        return NONE
    a, b, alike_all = zip(*found, strict=True)
    return NearPairs(a=np.array(a), b=np.array(b), alike=np.array(alike_all), mirrored=np.zeros(len(a), dtype=bool))
