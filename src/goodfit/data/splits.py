"""Who serves what: a stratified or time-ordered, grouped split into train, select, confirm and a sealed test.

Given parts are respected. Only samples outside the test part take part in a draw, so test labels cannot influence it.

Sources: stratification, R. Kohavi 1995, "A study of cross-validation and bootstrap for accuracy estimation";
largest-remainder rounding (Hare quota).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..core import randomness
from ..core.errors import DataError, RecipeError
from ..core.recipe import SplitSection
from ..core.samples import Index, SealedTest, Split, TargetKind
from ..core.target_kinds import KINDS

SMALL = 1000  # below this a share of 10 % would leave under 100 samples, an interval of +-6 points at 90 % accuracy
VAL_SHARE, VAL_SHARE_SMALL = 0.10, 0.20
TEST_SHARE, TEST_SHARE_SMALL = 0.15, 0.20
MOST_VAL = 5000  # 95 % interval of +-0.8 points at 90 % accuracy (binomial); more would cost train more than it tells
_TEST, _VAL, _CONFIRM = 11, 12, 13  # streams of the counter-based generator


def auto_shares(n: int, test_given: bool) -> tuple[float, float]:
    """(val share of the training side, test share of all) by volume.

    Args:
        n: samples that are not in a given test part.
        test_given: whether a test part is given; its share is then 0.
    """
    test = 0.0 if test_given else TEST_SHARE if n >= SMALL else TEST_SHARE_SMALL
    left = n * (1 - test)
    val = VAL_SHARE if n >= SMALL else VAL_SHARE_SMALL
    return (min(val, MOST_VAL / left) if left else val), test


def make_split(
    index: Index,
    target_kind: TargetKind,
    section: SplitSection,
    seed: int,
    groups: np.ndarray | None = None,
    share_of_val: Callable[[int], float] | None = None,
) -> Split:
    """Draw what is not given.

    Args:
        index: the samples to split, faults already taken out; where it has times, test and val are the latest samples.
        target_kind: decides the strata, see `core.target_kinds`.
        section: shares; auto by `auto_shares`.
        seed: of the draw.
        groups: (N,) numbers or names that must not be split apart, or None; a group that a given part cuts is
            kept together among what is drawn.
        share_of_val: samples that are not test -> share of them for val, where the section names none; None = by
            `auto_shares`.
    Raises: RecipeError for an impossible share; DataError if nothing is left for train, select or confirm.
    """
    given_test, given_val = np.flatnonzero(index.part == "test"), np.flatnonzero(index.part == "val")
    side = np.flatnonzero((index.part != "test") & (index.part != "val"))
    strata = KINDS[target_kind].strata
    val_share, test_share = _shares(section, len(side) + len(given_val), bool(len(given_test)))
    if share_of_val is not None and section.val == "auto":
        val_share = share_of_val(round((len(side) + len(given_val)) * (1 - test_share)))
    labels = strata(index.target[side])
    units = np.arange(len(side)) if groups is None else np.unique(groups[side], return_inverse=True)[1]
    how = ["by time" if index.time is not None else "stratified", *(["grouped"] if groups is not None else [])]
    how += ["given test" if len(given_test) else "drawn test" if test_share else "no test"]
    how += ["given val" if len(given_val) else "drawn val"]

    drawn = np.zeros(len(side), dtype=bool)
    if not len(given_test) and test_share:
        wanted = round(test_share * (len(side) + len(given_val)))
        if index.time is not None:
            drawn[latest(units, index.time[side], wanted)] = True
        else:
            drawn[draw(units, labels, wanted, seed, _TEST, spread=1)] = True
    test = given_test if len(given_test) else side[drawn]
    rest = np.flatnonzero(~drawn)
    if len(given_val):
        train, val, val_units = side[rest], given_val, _units(groups, given_val)
        val_labels = strata(index.target[val])
    else:
        wanted = round(val_share * len(rest))
        if index.time is not None:
            chosen = latest(units[rest], index.time[side[rest]], wanted)
        else:
            chosen = draw(units[rest], labels[rest], wanted, seed, _VAL, spread=2)
        held = np.zeros(len(rest), dtype=bool)
        held[chosen] = True
        train, val, val_units, val_labels = side[rest[~held]], side[rest[held]], units[rest[held]], labels[rest[held]]
    confirm = np.zeros(len(val), dtype=bool)
    confirm[draw(val_units, val_labels, round(section.confirm * len(val)), seed, _CONFIRM, spread=1)] = True
    return _checked(
        Split(
            train=train, select=val[~confirm], confirm=val[confirm], test=SealedTest(test), how=tuple(how), seed=seed
        ),
        val_share,
    )


def draw(units: np.ndarray, strata: np.ndarray, wanted: int, seed: int, stream: int = 0, spread: int = 0) -> np.ndarray:
    """Positions of about `wanted` samples, whole units, strata in proportion.

    Args:
        units: (N,) unit of each sample; a unit is taken whole or not at all.
        strata: (N,) stratum of each sample; a unit belongs to the stratum of its first sample.
        wanted: samples to take; met exactly where units are single samples.
        seed: of the draw.
        stream: keeps independent draws apart.
        spread: each stratum gives at least so many units where it has three times as many.
    Returns: sorted int64 positions. A stratum keeps at least one unit back, and one with a single unit gives none,
        unless everything is wanted.
    """
    if not len(units) or wanted <= 0:
        return np.empty(0, dtype=np.int64)
    _, first, unit = np.unique(units, return_index=True, return_inverse=True)
    size = np.bincount(unit)
    home = np.unique(strata[first], return_inverse=True)[1]
    luck = randomness.uniform(seed, 0, first, 1, stream)[:, 0]
    quota = _quotas(np.bincount(home, weights=size), wanted)
    taken = [_take(np.flatnonzero(home == s), luck, size, quota[s], spread) for s in range(len(quota))]
    return np.flatnonzero(np.isin(unit, np.concatenate(taken)))


def latest(units: np.ndarray, time: np.ndarray, wanted: int) -> np.ndarray:
    """Positions of about `wanted` samples, the latest, whole units; no sample left is later than one that is taken.

    Args:
        units: (N,) unit of each sample; its time is that of its last sample.
        time: (N,) seconds.
        wanted: samples to take; those of one moment are taken together, unless that would leave none.
    Returns: sorted int64 positions.
    Source: a forecast is judged on what comes later; Bergmeir and Benitez 2012, doi:10.1016/j.ins.2011.12.028.
    """
    if not len(units) or wanted <= 0:
        return np.empty(0, dtype=np.int64)
    unit = np.unique(units, return_inverse=True)[1]
    last = np.full(unit.max() + 1, -np.inf)
    np.maximum.at(last, unit, time)
    moments, size = np.unique(last[unit], return_counts=True)
    filled = np.cumsum(size[::-1]) - size[::-1] / 2  # a moment is taken if more than half of it fits
    count = max(1, min(int((filled <= wanted).sum()), len(moments) - 1))
    return np.flatnonzero(last[unit] >= moments[-count])


def _take(candidates: np.ndarray, luck: np.ndarray, size: np.ndarray, quota: int, spread: int) -> np.ndarray:
    """Units of one stratum, in order of luck, until the quota is met as nearly as whole units allow."""
    order = candidates[np.argsort(luck[candidates], kind="stable")]
    filled = np.cumsum(size[order])
    middle = filled - size[order] / 2  # a unit is taken if more than half of it fits
    count = int((middle <= quota).sum()) if quota else 0
    least = min(spread, len(order) // 3)
    return order[: max(least, min(count, len(order) - 1))]


def _quotas(sizes: np.ndarray, wanted: int) -> np.ndarray:
    """Whole quotas in proportion to the sizes that sum to `wanted` (largest remainder)."""
    exact = sizes * (min(wanted, sizes.sum()) / sizes.sum())
    quota = np.floor(exact).astype(np.int64)
    missing = round(float(exact.sum())) - int(quota.sum())
    quota[np.argsort(-(exact - quota), kind="stable")[:missing]] += 1
    return quota


def _units(groups: np.ndarray | None, positions: np.ndarray) -> np.ndarray:
    return np.arange(len(positions)) if groups is None else np.unique(groups[positions], return_inverse=True)[1]


def _shares(section: SplitSection, n: int, test_given: bool) -> tuple[float, float]:
    val, test = auto_shares(n, test_given)
    if section.val != "auto":
        val = _in_range("split.val", section.val, zero=False)
    if section.test != "auto" and not test_given:
        test = _in_range("split.test", section.test, zero=True)
    return val, test


def _in_range(key: str, share: float | str, zero: bool) -> float:
    if not isinstance(share, float | int) or not (0 < share < 1 or (zero and share == 0)):
        raise RecipeError(
            "this share is not possible",
            got=share,
            allowed=("0, or " if zero else "") + "above 0 and below 1",
            do="change it",
            where=key,
        )
    return float(share)


def _checked(split: Split, val_share: float) -> Split:
    for name, positions in (("train", split.train), ("select", split.select), ("confirm", split.confirm)):
        if not len(positions):
            raise DataError(
                f"the split leaves no sample for {name}",
                got=f"split.val={val_share:g}: {len(split.train)} train, {len(split.val)} val, {len(split.test)} test",
                do="give more data, raise split.val, or use fewer groups",
            )
    return split
