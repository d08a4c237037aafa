"""Effective numbers by hand, copies that are stood for, clusters that are there, the most covering samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from goodfit.stats.diversity import clusters, most_covering, nearest, redundant, unit, vendi


def test_orthogonal_samples_count_each_and_equal_ones_once() -> None:
    assert vendi(np.eye(4, dtype=np.float32)) == pytest.approx(4.0, abs=1e-5)
    assert vendi(np.ones((5, 1), dtype=np.float32)) == pytest.approx(1.0)
    three = np.eye(2, dtype=np.float32)[[0, 0, 1]]  # eigenvalues 2/3 and 1/3
    assert vendi(three) == pytest.approx(math.exp(-(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))), abs=1e-5)
    assert vendi(np.empty((0, 3), dtype=np.float32)) == 0.0


def test_one_of_each_crowd_stays_and_other_classes_stand_for_nobody() -> None:
    rows = unit(np.array([[1, 0], [1, 0.01], [1, 0.02], [0, 1], [0.01, 1]]))
    assert redundant(rows, np.zeros(5, np.int64), 0.99).tolist() == [False, True, True, False, True]
    assert redundant(rows, np.array([0, 1, 0, 0, 1]), 0.99).tolist() == [False, False, True, False, False]


def test_three_bundles_are_three_clusters() -> None:
    rng = np.random.default_rng(0)
    rows = unit(np.repeat(np.eye(3), 20, axis=0) + rng.normal(0, 0.05, (60, 3)))
    of, cosine = nearest(rows, clusters(rows, 3, rng))
    assert [len(set(of[k * 20 : k * 20 + 20])) for k in range(3)] == [1, 1, 1]
    assert len(set(of)) == 3
    assert cosine.min() > 0.95


def test_the_first_pick_stands_for_the_largest_crowd_that_is_not_covered() -> None:
    rows = unit(np.array([[1, 0, 0]] * 5 + [[0, 1, 0]] * 3 + [[0, 0, 1]]))
    covered = np.array([1.0] * 5 + [0.0] * 4)
    places, gains = most_covering(rows, covered, 2)
    assert places[0] in (5, 6, 7)
    assert places[1] == 8
    assert gains.tolist() == pytest.approx([3 / 9, 1 / 9])
