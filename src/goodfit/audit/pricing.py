"""Which training samples the fix of a finding leaves out, and its control: as many others of the same classes.

Leaving samples out changes two things, which samples are there and how many; the control changes the number alone, so
that the difference between the two is the worth of these very samples.

Source: the random-removal control of data valuation, Ghorbani and Zou 2019, "Data Shapley", arXiv:1904.02868.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..core import randomness
from ..core.finding import Finding

PRICED = ("GF-D080", "GF-D075", "GF-D003", "GF-D073", "GF-D074", "GF-D072", "GF-D070", "GF-D071", "GF-D019")
LEAST = 10  # training samples below which no experiment of minutes could tell their worth
_CONTROL = 71  # stream of core.randomness


def removal(finding: Finding, ids: Sequence[str], train: np.ndarray) -> np.ndarray:
    """(M,) int64 training positions that the fix of a finding leaves out; of a pair one member stays.

    Args:
        finding: with the ids of the samples concerned, and their partners where it is about pairs.
        ids: of all samples of the data set.
        train: (N,) int64 training positions.
    """
    place = {str(ids[i]): int(i) for i in train}
    partners: Iterable[str] = finding.others or ("",) * len(finding.ids)
    gone: set[str] = set()
    for name, other in zip(finding.ids, partners, strict=True):
        if name in place and other not in gone:
            gone.add(name)
    return np.array(sorted(place[name] for name in gone), dtype=np.int64)


def control(removed: np.ndarray, train: np.ndarray, target: np.ndarray, seed: int) -> np.ndarray:
    """(M,) int64 other training positions, of each class as many as `removed` has, as far as there are any.

    Args:
        removed: (M,) training positions.
        train: (N,) all of them.
        target: (samples,) classes of the whole data set.
        seed: of the draw.
    """
    others = np.setdiff1d(train, removed)
    shuffled = others[randomness.permutation(seed, 0, len(others), _CONTROL)]
    classes, wanted = np.unique(target[removed], return_counts=True)
    drawn = [shuffled[target[shuffled] == k][:n] for k, n in zip(classes, wanted, strict=True)]
    return np.sort(np.concatenate(drawn)) if drawn else np.empty(0, dtype=np.int64)
