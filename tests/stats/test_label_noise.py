"""Wrong labels: ranked before right ones, told from honest misses, and counted to within a few points."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.stats.embedding import compact, neighbour_vote
from goodfit.stats.label_noise import folds_of, judge, out_of_sample
from goodfit.train.logistic import logistic


def clusters(n: int = 1200, classes: int = 4, apart: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """(features, true class) of overlapping clusters."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, classes, n)
    x = rng.normal(size=(n, 20))
    x[:, :classes] += apart * np.eye(classes)[true]
    return x, true


def evenly_wrong(true: np.ndarray, share: float, classes: int = 4) -> np.ndarray:
    """That share of the labels drawn from the other classes."""
    rng = np.random.default_rng(1)
    return np.where(rng.random(len(true)) < share, (true + rng.integers(1, classes, len(true))) % classes, true)


def predicted(x: np.ndarray, given: np.ndarray, classes: int = 4) -> np.ndarray:
    fold = folds_of(np.arange(len(x)), given, 5)
    return out_of_sample(x, given, fold, np.ones(len(x), dtype=bool), logistic(1.0, classes), classes)


def average_precision(score: np.ndarray, wrong: np.ndarray) -> float:
    hits = wrong[np.argsort(score, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_wrong_labels_come_first_and_their_share_is_known_to_three_points(share: float) -> None:
    x, true = clusters(4000)
    given = evenly_wrong(true, share)
    vote = neighbour_vote(compact(x, np.ones(len(x), dtype=bool)), given, np.arange(len(x)), np.ones(len(x), bool), 4)
    judged = judge((predicted(x, given) + vote) / 2, given)
    wrong = given != true
    np.testing.assert_allclose(judged.true.sum(1), 1, atol=1e-6)
    assert average_precision(judged.trust(given), wrong) > 0.9
    assert judged.noise is not None
    assert abs(judged.noise.rate - wrong.mean()) < 0.03
    assert judged.noise.low - 0.01 <= wrong.mean() <= judged.noise.high + 0.01  # one in twenty intervals misses
    assert judged.noise.high - judged.noise.low < 0.15
    assert (judged.true.argmax(1) == true).mean() > (given == true).mean()


def test_labels_of_one_class_that_hide_as_another_are_found() -> None:
    """Two fifths of class 0 are called 1: by confidence alone they look like honest members of 1."""
    x, true = clusters()
    given = np.where((true == 0) & (np.random.default_rng(2).random(len(true)) < 0.4), 1, true)
    judged = judge(predicted(x, given), given)
    assert judged.noise is not None
    assert abs(judged.noise.rate - (given != true).mean()) < 0.03
    assert 0.25 < judged.confused[0, 1] < 0.45
    assert judged.confused[1, 0] < 0.03
    assert average_precision(judged.trust(given), given != true) > 0.85


def test_honest_misses_are_not_taken_for_wrong_labels() -> None:
    """Clusters that overlap so far that one prediction in five is wrong, all labels right: not 3 % are called wrong."""
    x, true = clusters(apart=1.7)
    found = predicted(x, true)
    assert (found.argmax(1) != true).mean() > 0.2
    noise = judge(found, true).noise
    assert noise is not None
    assert noise.rate < 0.03
    assert noise.low == 0


def test_predictions_that_know_nothing_judge_nothing() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(5), 500)
    judged = judge(probabilities, rng.integers(0, 5, 500))
    assert judged.noise is None
    np.testing.assert_array_equal(judged.true, probabilities)
    one_sided = np.tile([0.9, 0.1], (300, 1))  # always the common class: no more than its share says
    assert judge(one_sided, (np.arange(300) % 10 == 0).astype(np.int64)).noise is None
    assert judge(np.zeros((0, 3)), np.zeros(0, dtype=np.int64)).noise is None


def test_folds_keep_groups_whole_and_classes_even() -> None:
    groups = np.repeat(np.arange(100), 3)
    strata = np.repeat(np.arange(100) % 4, 3)
    fold = folds_of(groups, strata, 5)
    assert all(len(set(fold[groups == g])) == 1 for g in range(100))
    assert all(np.bincount(fold[strata == k], minlength=5).tolist() == [15] * 5 for k in range(4))


def test_copies_do_not_vote_for_one_another() -> None:
    x = np.concatenate([np.eye(4)[[0, 0]], np.eye(4)[[1, 1, 1]] + 0.01]).astype(np.float32)
    given = np.array([0, 0, 1, 1, 1])
    groups = np.array([7, 7, 1, 2, 3])
    vote = neighbour_vote(x, given, groups, np.ones(5, dtype=bool), 2, near=2)
    assert vote[0].argmax() == 1  # its only like bears the same group
    assert vote[2].argmax() == 1


def test_a_sample_without_trusted_others_is_undecided() -> None:
    x, true = clusters(40)
    found = out_of_sample(x, true, np.zeros(40, np.int64), np.ones(40, dtype=bool), logistic(1.0, 4), 4)
    np.testing.assert_allclose(found, 0.25)
