"""Distribution functions against values from printed tables and closed forms."""

import math

import pytest

from goodfit.stats.special import (
    binomial_tail,
    hypergeometric_tail,
    normal_quantile,
    student_cdf,
    student_quantile,
)


@pytest.mark.parametrize(("df", "t"), [(1, 12.7062), (2, 4.30265), (4, 2.77645), (10, 2.22814), (1e9, 1.95996)])
def test_student_quantile_agrees_with_the_printed_table(df: float, t: float) -> None:
    assert student_quantile(0.975, df) == pytest.approx(t, abs=1e-4)
    assert student_quantile(0.025, df) == pytest.approx(-t, abs=1e-4)


def test_student_cdf_with_one_degree_of_freedom_is_the_cauchy() -> None:
    assert student_cdf(2.0, 1) == pytest.approx(0.5 + math.atan(2.0) / math.pi, abs=1e-12)


def test_binomial_tail_counts_heads_by_hand() -> None:
    assert binomial_tail(3, 4, 0.5) == pytest.approx(5 / 16)
    assert binomial_tail(0, 4, 0.5) == 1.0
    assert binomial_tail(5, 4, 0.5) == 0.0


def test_normal_quantile_of_a_half_is_zero() -> None:
    assert normal_quantile(0.5) == 0.0


def test_fishers_tail_of_a_lady_tasting_tea() -> None:
    """Of 8 cups with 4 marked, 4 drawn: all right 1/70, three or more 17/70; Fisher 1935."""
    assert hypergeometric_tail(4, 4, 4, 8) == pytest.approx(1 / 70)
    assert hypergeometric_tail(3, 4, 4, 8) == pytest.approx(17 / 70)
    assert hypergeometric_tail(0, 4, 4, 8) == pytest.approx(1.0)
    assert hypergeometric_tail(5, 4, 4, 8) == 0.0
