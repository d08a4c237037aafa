"""What a look at every sample found, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Progress = Callable[[int, int], None]  # (done, total)


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What is in each sample, one array a property.

    Attributes:
        ok: (N,) bool, whether the sample can be decoded.
        fault: (N,) object array of str, "" where ok.
        content: (N,) object array, 16-byte hex digest of what is stored.
        seen: (N,) object array, 16-byte hex digest of what a model sees, "" where not ok; equal ones are copies.
        remembered: how many verdicts were known from an earlier scan.
    """

    ok: np.ndarray
    fault: np.ndarray
    content: np.ndarray
    seen: np.ndarray
    remembered: int = 0

    def __len__(self) -> int:
        return len(self.ok)
