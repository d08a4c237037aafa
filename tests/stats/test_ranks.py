"""The pooled area under the ROC curve by hand, its null, and strata that would mislead if pooled."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.stats.ranks import area, one_against_all


def test_every_value_of_the_first_group_larger_is_one_and_half_of_them_equal_is_a_half() -> None:
    first = np.arange(20) < 10
    assert area(first, np.where(first, 2.0, 1.0)).value == 1.0
    tied = area(first, np.ones(20))
    assert (tied.value, tied.p) == (0.5, 1.0)
    assert tied.low < 0.5 < tied.high


def test_seven_of_ten_pairs_won() -> None:
    """Ones at 3.5 repeated against 1..10: each wins 3 of 10 pairs; 10 ones, so 0.3."""
    first = np.arange(20) < 10
    values = np.concatenate([np.full(10, 3.5), np.arange(1.0, 11.0)])
    assert area(first, values).value == pytest.approx(0.3)


def test_a_difference_between_strata_is_none_within_them() -> None:
    """Source A lies mostly in the bright class; within each class it equals the others."""
    rng = np.random.default_rng(0)
    strata = np.repeat([0, 1], 500)
    first = np.where(strata == 1, rng.random(1000) < 0.9, rng.random(1000) < 0.1)
    values = rng.normal(size=1000) + 5 * strata
    assert area(first, values).value > 0.85
    assert area(first, values, strata).value == pytest.approx(0.5, abs=0.08)


def test_the_null_is_kept_and_unknown_values_are_left_out() -> None:
    rng = np.random.default_rng(1)
    p = [area(np.arange(200) < 80, rng.normal(size=200)).p for _ in range(400)]
    assert np.mean(np.array(p) < 0.05) < 0.08
    values = np.where(np.arange(40) % 2 == 0, np.nan, 1.0)
    assert area(np.arange(40) < 20, values).n == 10
    assert area(np.arange(6) < 3, np.arange(6.0)).n == 0  # fewer than 5 of each


def test_one_against_all_agrees_with_the_area_of_each_group() -> None:
    rng = np.random.default_rng(2)
    groups, values = np.repeat([0, 1, 2], 30), rng.normal(size=90)
    found = one_against_all(values, groups)
    assert found == {k: pytest.approx(area(groups == k, values).value) for k in range(3)}
