"""Intervals: Wilson by hand, the bootstrap against theory, and honesty at the ends."""

from types import SimpleNamespace

import numpy as np
import pytest

from goodfit.core.randomness import generator
from goodfit.stats.intervals import bootstrap, interval, wilson


def test_wilson_of_8_in_10_is_49_to_94_percent() -> None:
    low, high = wilson(8, 10)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


def test_wilson_of_all_right_ends_at_one_and_does_not_start_there() -> None:
    low, high = wilson(10, 10)
    assert high == 1.0
    assert low == pytest.approx(0.7225, abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_accuracy_gets_wilsons_interval(kit: SimpleNamespace) -> None:
    score = interval(kit.accuracy, kit.two_class(np.arange(10) < 8), seed=0)
    assert (score.value, score.n) == (0.8, 10)
    assert (score.low, score.high) == pytest.approx(wilson(8, 10))


def test_wilson_covers_the_truth_in_about_95_percent_of_draws() -> None:
    hits = generator(1).binomial(50, 0.9, 2000)
    covered = np.mean([low <= 0.9 <= high for low, high in (wilson(int(h), 50) for h in hits)])
    assert 0.93 <= covered <= 0.98


def test_bootstrap_error_of_mae_agrees_with_theory(kit: SimpleNamespace) -> None:
    noise = generator(2).exponential(1.0, 400)
    score = interval(kit.mae, kit.predictions(np.zeros(400), noise[:, None]), seed=0)
    half = 1.96 * noise.std() / 20
    assert (score.high - score.low) / 2 == pytest.approx(half, rel=0.15)  # 1,000 draws: ends good to about 7 %
    assert not score.higher_is_better


def test_bootstrap_of_f1_is_the_same_for_the_same_seed(kit: SimpleNamespace) -> None:
    random = generator(3)
    p = kit.predictions(random.integers(0, 3, 60), random.normal(size=(60, 3)))
    assert interval(kit.f1, p, seed=5) == interval(kit.f1, p, seed=5)
    assert len(bootstrap(kit.f1, p.target, p.outputs, seed=5, draws=30)) == 30


def test_perfect_f1_on_ten_samples_is_not_certain(kit: SimpleNamespace) -> None:
    target = np.array([0, 1] * 5)
    score = interval(kit.f1, kit.predictions(target, np.eye(2)[target]), seed=0)
    assert (score.value, score.high) == (1.0, 1.0)
    assert score.low < 0.75


def test_no_samples_give_nan_and_null_in_json(kit: SimpleNamespace) -> None:
    score = interval(kit.accuracy, kit.predictions(np.zeros(0, np.int64), np.zeros((0, 2))), seed=0)
    assert score.as_json() == {"value": None, "low": None, "high": None, "n": 0}


def test_unknown_targets_are_left_out(kit: SimpleNamespace) -> None:
    score = interval(kit.accuracy, kit.predictions(np.array([0, -1, -1]), np.array([[1, 0], [1, 0], [0, 1]])), seed=0)
    assert (score.value, score.n) == (1.0, 1)
