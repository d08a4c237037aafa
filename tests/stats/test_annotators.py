"""Labels of several annotators: a bad one is seen through and known for what it is."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.stats.annotators import merge


def labels(quality: list[float], n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(sample, annotator, label, true): each annotator labels all, right with its probability, else evenly wrong."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, n)
    given = [np.where(rng.random(n) < q, true, (true + rng.integers(1, 3, n)) % 3) for q in quality]
    return np.tile(np.arange(n), len(quality)), np.repeat(np.arange(len(quality)), n), np.concatenate(given), true


def test_two_against_one_is_the_majority_by_hand() -> None:
    """Three annotators, four samples: a and b agree on all, c differs on the last: its label is the others'."""
    label = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0])
    found = merge(np.tile(np.arange(4), 3), np.repeat(np.arange(3), 4), label, 2)
    assert found.true.argmax(1).tolist() == [0, 1, 0, 1]
    assert found.counts.tolist() == [4, 4, 4]
    assert found.quality[2] == pytest.approx(0.75, abs=0.1)  # three of four
    assert found.quality[:2].min() > found.quality[2]


def test_each_annotators_quality_lies_in_its_interval_and_merging_beats_the_majority() -> None:
    sample, annotator, label, true = labels([0.95, 0.9, 0.9, 0.4, 0.35])
    found = merge(sample, annotator, label, 3)
    right = (label == true[sample]).reshape(5, 300).mean(1)
    assert all(low <= q <= high for low, q, high in zip(found.low, right, found.high, strict=True))
    np.testing.assert_allclose(found.quality, right, atol=0.04)
    votes = np.zeros((300, 3))
    np.add.at(votes, (sample, label), 1)
    assert (found.true.argmax(1) == true).mean() >= (votes.argmax(1) == true).mean() + 0.01


def test_one_who_always_swaps_two_classes_is_turned_round() -> None:
    """Two honest annotators at 85 % and one who calls 0 always 1 and 1 always 0: what it says still tells."""
    sample, annotator, label, true = labels([0.85, 0.85])
    swapped = np.array([1, 0, 2])[true]
    sample, annotator = np.r_[sample, np.arange(300)], np.r_[annotator, np.full(300, 2)]
    found = merge(sample, annotator, np.r_[label, swapped], 3)
    assert (found.true.argmax(1) == true).mean() > 0.97
    assert found.quality[2] == pytest.approx((true == 2).mean(), abs=0.05)
