"""Checks of where samples come from: file names that tell of one person, patient or video on both sides of a split.

Source: Roberts et al. 2021, "Common pitfalls and recommendations for using machine learning to detect COVID-19",
doi:10.1038/s42256-021-00307-0 (the same patients in train and test).
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from .check import Check, Outcome, View, finding
from .names import stem_of

LEAST_MATCH = 0.8  # share of files named stem + number, below which names follow no such rule
LEAST_STEMS = 5  # so few stems would be class names or one camera's prefix
LEAST_SHARED = 0.2  # share of test stems met in train; a split by group has none


def shared_stems(view: View) -> Outcome:
    """Names such as `patient12_003` whose start is met in train and in test; silent where a group column is given."""
    tests, side = view.kept & view.test, view.kept & ~view.test
    if view.index.group is not None or not tests.any() or not side.any():
        return Outcome()
    stems = np.array([stem_of(str(name)) for name in view.index.id], dtype=object)
    named = stems != ""
    if min(named[tests].mean(), named[side].mean()) < LEAST_MATCH:
        return Outcome()
    held, train = Counter(stems[tests & named]), Counter(stems[side & named])
    shared = sorted(held.keys() & train.keys())
    numbers_of_stems = len(held.keys() | train.keys())
    scarce = len(held) < LEAST_STEMS or numbers_of_stems <= 2 * len(view.schema.classes)
    crowded = (held.total() + train.total()) / numbers_of_stems >= 2
    if scarce or not crowded or len(shared) < LEAST_SHARED * len(held):
        return Outcome()
    cut = np.flatnonzero(side & np.isin(stems, shared))
    return Outcome(
        findings=(finding("GF-D022", "warning", view, cut, shared=len(shared), stems=len(held), example=shared[0]),)
    )


CHECKS = (Check(name="shared_stems", codes=("GF-D022",), look=shared_stems, source="Roberts et al. 2021"),)
