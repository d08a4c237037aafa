"""Pairs of samples that are copies but not equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class NearPairs:
    """What a look for near copies found.

    Attributes:
        a, b: (P,) int64 positions, a < b, each pair once.
        alike: (P,) float64, 0 to 1, agreement in what the kind of sample is compared by.
        mirrored: (P,) bool, whether b shows a mirrored; False where that means nothing.
    """

    a: np.ndarray
    b: np.ndarray
    alike: np.ndarray
    mirrored: np.ndarray

    def __len__(self) -> int:
        return len(self.a)


NONE = NearPairs(a=np.empty(0, np.int64), b=np.empty(0, np.int64), alike=np.empty(0), mirrored=np.empty(0, bool))
