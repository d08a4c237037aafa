"""Reading curves: lines, turns and levels computed by hand."""

import math

import numpy as np
import pytest

from goodfit.stats.curves import clean, has_converged, level, slope, turn


def test_slope_of_a_straight_line_is_its_rise_over_the_last_third() -> None:
    line = slope(10 - np.arange(9.0))
    assert (line.change, line.points) == (pytest.approx(-2.0), 3)
    assert line.is_falling
    assert not line.is_rising


def test_slope_of_noise_is_neither_rising_nor_falling() -> None:
    line = slope([1.0, 0.9, 1.1, 1.0, 0.95, 1.05, 1.0, 0.9, 1.1, 1.0, 1.05, 0.95])
    assert not line.is_falling
    assert not line.is_rising


def test_slope_of_two_points_is_not_trusted() -> None:
    assert slope([2.0, 1.0]).error == math.inf
    assert slope([1.0]).points == 1
    assert slope([]).points == 0


def test_exponential_decay_converges_and_a_line_does_not() -> None:
    assert has_converged(np.exp(-np.arange(30.0)))
    assert not has_converged(np.arange(30.0))
    assert not has_converged([1.0, 1.0, 1.0])


def test_turn_finds_the_minimum_and_the_rise_after_it() -> None:
    assert turn([2.0, 1.0, 1.2, 1.4, 1.5, 1.6]) == (1, pytest.approx(0.5))
    assert turn([3.0, 2.0, 1.0]) == (2, 0.0)
    assert turn([]) == (0, 0.0)


def test_level_is_the_median_of_the_last_third() -> None:
    assert level([9, 9, 9, 9, 9, 9, 1.0, 100.0, 2.0]) == 2.0
    assert math.isnan(level([]))
    assert clean([1.0, math.nan]).tolist() == [1.0]
