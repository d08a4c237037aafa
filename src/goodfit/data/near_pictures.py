"""Which pictures are copies that differ in their pixels: scaled, cropped, recompressed, brightened, mirrored.

Their marks (a perceptual hash, `picture_facts`) name the candidates; these are decoded, laid over each other and
compared in detail (`stats/registration`). Pictures that are exactly alike stand for each other here.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from ..core.processes import usable_cores
from ..stats.neighbours import close_pairs
from ..stats.registration import SIDE, likeness
from .images import ImageArrays, ImageFiles
from .near_pairs import NONE, NearPairs
from .picture import BadImage, open_image
from .picture_facts import mirrored, vectors
from .picture_scan import PictureScan
from .scanned import Progress

LEAST_SIDE = 24  # pixels below which strokes and blobs are all that there is: two handwritten ones are no copies
ALIKE = 0.82  # of 51 planted copies in flower photographs the least reaches 0.90; of 2,000 strangers one reaches 0.74
ALIKE_SOFT = 0.97  # where blur left so little that strangers agree to 0.85
SOFT = 1.0  # sharpness below which a picture counts as such
_CLOSE = 0.6  # cosine of two marks from which a pair is looked at: copies that lost 9 % of each side still reach it
_MOST, _MOST_SHARE = 6000, 0.3  # pairs looked at, the closest first: so many, or so many a picture
_BATCH = 128


def near_pictures(dataset: ImageFiles | ImageArrays, scan: PictureScan, progress: Progress | None = None) -> NearPairs:
    """Copies among pictures whose pixels differ.

    Args:
        progress: called with (pairs looked at, pairs).
    """
    shown = np.flatnonzero(scan.ok & (np.minimum(scan.height, scan.width) >= LEAST_SIDE) & (scan.mark != ""))
    _, first = np.unique(scan.seen[shown].astype(str), return_index=True)
    one_each = shown[np.sort(first)]
    a, b, flipped = _candidates(vectors(scan.mark[one_each]), vectors(scan.inner[one_each]))
    if not len(a):
        return NONE
    grey = _Grey(dataset, one_each)
    alike = np.concatenate(list(_compared(grey, a, b, flipped, progress)))
    soft = scan.sharpness[one_each] < SOFT
    kept = alike >= np.where(soft[a] | soft[b], ALIKE_SOFT, ALIKE)
    return _best(one_each[a[kept]], one_each[b[kept]], alike[kept], flipped[kept])


def _candidates(whole: np.ndarray, inner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(a, b, mirrored) of pairs whose marks agree, a < b, the closest first."""
    found = [
        (*close_pairs(whole, whole, _CLOSE, ordered=False), False),
        (*close_pairs(whole, inner, _CLOSE), False),
        (*close_pairs(whole, mirrored(whole), _CLOSE, ordered=False), True),
    ]
    i, j = (np.concatenate([pairs[side] for pairs in found]) for side in (0, 1))
    cosine = np.concatenate([pairs[2] for pairs in found])
    flipped = np.concatenate([np.full(len(pairs[0]), pairs[3]) for pairs in found])
    a, b = np.minimum(i, j), np.maximum(i, j)
    order = np.argsort(-cosine, kind="stable")
    _, once = np.unique((a[order] * len(whole) + b[order]) * 2 + flipped[order], return_index=True)
    order = order[np.sort(once)][: max(_MOST, int(_MOST_SHARE * len(whole)))]
    return a[order], b[order], flipped[order]


def _compared(
    grey: _Grey, a: np.ndarray, b: np.ndarray, flipped: np.ndarray, progress: Progress | None
) -> Iterator[np.ndarray]:
    """Likeness of each pair, batch by batch."""

    def compare(start: int) -> np.ndarray:
        here = slice(start, start + _BATCH)
        second = grey.of(b[here])
        second[flipped[here]] = second[flipped[here]][:, :, ::-1]
        return likeness(grey.of(a[here]), second)

    with ThreadPoolExecutor(usable_cores()) as pool:
        done = 0
        for alike in pool.map(compare, range(0, len(a), _BATCH)):
            yield alike
            done += len(alike)
            if progress is not None:
                progress(done, len(a))


class _Grey:
    """Small grey copies; those asked for twice are decoded twice, so that memory stays flat."""

    def __init__(self, dataset: ImageFiles | ImageArrays, positions: np.ndarray) -> None:
        self.dataset, self.positions = dataset, positions

    def of(self, places: np.ndarray) -> np.ndarray:
        """(P, SIDE, SIDE) float32; zeros where a file has gone since."""
        return np.stack([self._one(int(self.positions[k])) for k in places])

    def _one(self, i: int) -> np.ndarray:
        try:
            where = self.dataset.index.where[i]
            picture = open_image(where, at_least=SIDE) if isinstance(self.dataset, ImageFiles) else self.dataset[i]
        except BadImage:
            return np.zeros((SIDE, SIDE), dtype=np.float32)
        small = Image.fromarray(picture).convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return np.asarray(small, dtype=np.float32)


def _best(a: np.ndarray, b: np.ndarray, alike: np.ndarray, flipped: np.ndarray) -> NearPairs:
    """Each pair once, upright or mirrored as it agrees better."""
    order = np.argsort(-alike, kind="stable")
    a, b, alike, flipped = a[order], b[order], alike[order], flipped[order]
    _, once = np.unique(np.stack([a, b]), axis=1, return_index=True)
    return NearPairs(a=a[once], b=b[once], alike=alike[once], mirrored=flipped[once])
