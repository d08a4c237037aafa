"""Wrong labels: ranked before right ones, and counted to within a few points."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.stats.embedding import compact, neighbour_vote
from goodfit.stats.label_noise import folds_of, noise_rate, out_of_sample, quality
from goodfit.train.logistic import logistic


def noisy(
    share: float, n: int = 1200, classes: int = 4, apart: float = 3.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(features, given, true) of clusters with that share of labels drawn from the other classes."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, classes, n)
    x = rng.normal(size=(n, 20))
    x[:, :classes] += apart * np.eye(classes)[true]
    given = np.where(rng.random(n) < share, (true + rng.integers(1, classes, n)) % classes, true)
    return x, given, true


def average_precision(score: np.ndarray, wrong: np.ndarray) -> float:
    hits = wrong[np.argsort(score, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_wrong_labels_come_first_and_their_share_is_known(share: float) -> None:
    x, given, true = noisy(share)
    fold = folds_of(np.arange(len(x)), given, 5)
    every = np.ones(len(x), dtype=bool)
    linear = out_of_sample(x, given, fold, every, logistic(1.0, 4), 4)
    vote = neighbour_vote(compact(x, every), given, np.arange(len(x)), every, 4)
    wrong = given != true
    for probabilities in (linear, vote, (linear + vote) / 2):
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
        assert average_precision(quality(probabilities, given), wrong) > 0.9
    noise = noise_rate(linear, given)
    assert abs(noise.rate - wrong.mean()) < 0.03
    assert noise.low <= noise.rate <= noise.high
    assert noise.high - noise.low < 0.08


def test_clean_labels_are_left_in_peace() -> None:
    x, given, _ = noisy(0.0, apart=6.0)
    fold = folds_of(np.arange(len(x)), given, 5)
    found = out_of_sample(x, given, fold, np.ones(len(x), dtype=bool), logistic(1.0, 4), 4)
    assert noise_rate(found, given).rate < 0.005
    assert (quality(found, given) < 0).mean() < 0.005


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
    x, given, _ = noisy(0.0, n=40)
    fold = np.zeros(40, dtype=np.int64)
    found = out_of_sample(x, given, fold, np.ones(40, dtype=bool), logistic(1.0, 4), 4)
    np.testing.assert_allclose(found, 0.25)
