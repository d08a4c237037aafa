"""Whether one group has larger values than another, within strata: the area under the ROC curve, pooled.

Sources: van Elteren 1960 (ranks within strata, combined); Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747
(its standard error); Mann and Whitney 1947 (its variance where nothing differs).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .special import NORMAL, normal_quantile

LEAST = 5  # samples of each group in a stratum that says something


@dataclass(frozen=True, kw_only=True)
class Area:
    """A pooled area under the ROC curve.

    Attributes:
        value: 0.5 = the groups do not differ, or cannot be compared; 1 = every value of the first is larger.
        low, high: 95 % interval.
        p: two-sided, of no difference.
        n: samples of the first group that were compared.
    """

    value: float
    low: float
    high: float
    p: float
    n: int


def area(first: np.ndarray, values: np.ndarray, strata: np.ndarray | None = None) -> Area:
    """How often a value of the first group exceeds one of the rest in the same stratum, ties halved.

    Args:
        first: (N,) bool, membership.
        values: (N,) numbers; NaN are left out.
        strata: (N,) int64, None = one.
    """
    known = np.isfinite(values)
    first, values = first[known], values[known]
    strata = np.zeros(len(values), dtype=np.int64) if strata is None else strata[known]
    parts = []
    for stratum in np.unique(strata):
        here = strata == stratum
        ones = int(first[here].sum())
        others = int(here.sum()) - ones
        if min(ones, others) >= LEAST:
            rank, ties = _ranks(values[here])
            value = (rank[first[here]].sum() - ones * (ones + 1) / 2) / (ones * others)
            parts.append((value, _null_variance(ones, others, ties), ones, others))
    if not parts:
        return Area(value=0.5, low=0.0, high=1.0, p=1.0, n=0)
    weight = np.array([1 / max(variance, 1e-12) for _, variance, _, _ in parts])
    value = float((weight * [part[0] for part in parts]).sum() / weight.sum())
    z = (value - 0.5) * math.sqrt(float(weight.sum()))
    spread = np.array([_variance(part[0], part[2], part[3]) for part in parts])
    half = normal_quantile(0.975) * math.sqrt(float((weight**2 * spread).sum())) / float(weight.sum())
    return Area(
        value=value,
        low=max(0.0, value - half),
        high=min(1.0, value + half),
        p=2 * NORMAL.cdf(-abs(z)),
        n=sum(part[2] for part in parts),
    )


def one_against_all(values: np.ndarray, groups: np.ndarray, least: int = 20) -> dict[int, float]:
    """Group -> the area under the ROC curve of its members against all others, ranked once.

    Args:
        values: (N,) numbers; NaN are left out.
        groups: (N,) int64 from 0.
        least: members and others that a group needs.
    """
    known = np.isfinite(values)
    rank, _ = _ranks(values[known])
    ones = np.bincount(groups[known])
    others = len(rank) - ones
    sums = np.bincount(groups[known], weights=rank)
    enough = np.flatnonzero((ones >= least) & (others >= least))
    return {int(k): float((sums[k] - ones[k] * (ones[k] + 1) / 2) / (ones[k] * others[k])) for k in enough}


def _ranks(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Mid-ranks from 1, and the share by which ties make the null variance smaller."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    n = len(values)
    tied = float((count.astype(np.float64) ** 3 - count).sum()) / max(n**3 - n, 1)
    return (np.cumsum(count) - (count - 1) / 2)[place], tied


def _null_variance(ones: int, others: int, ties: float) -> float:
    return (ones + others + 1) / (12 * ones * others) * max(1 - ties, 0.0)


def _variance(value: float, ones: int, others: int) -> float:
    """Hanley and McNeil's, by the exponential approximation."""
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    found = value * (1 - value) + (ones - 1) * (q1 - value**2) + (others - 1) * (q2 - value**2)
    return max(found, 0.0) / (ones * others)
