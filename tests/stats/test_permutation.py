"""The permutation test: small for what is known, uniform for what is not."""

from types import SimpleNamespace

import numpy as np

from goodfit.core.randomness import generator
from goodfit.stats.permutation import permutation_p


def test_perfect_predictions_have_the_smallest_p(kit: SimpleNamespace) -> None:
    target = np.arange(60) % 3
    assert permutation_p(kit.accuracy, target, np.eye(3)[target], seed=0, draws=99) == 0.01


def test_p_of_random_predictions_is_below_5_percent_in_about_5_percent(kit: SimpleNamespace) -> None:
    random = generator(10)
    ps = [
        permutation_p(kit.accuracy, random.integers(0, 2, 80), random.normal(size=(80, 2)), seed=i, draws=60)
        for i in range(200)
    ]
    assert np.mean(np.array(ps) <= 0.05) <= 0.09  # ties make it smaller; 200 trials have an error of 0.015


def test_direction_of_the_metric_counts(kit: SimpleNamespace) -> None:
    target = generator(11).normal(size=50)
    assert permutation_p(kit.rmse, target, target[:, None], seed=0, draws=99) == 0.01
    assert permutation_p(kit.rmse, target, -target[:, None], seed=0, draws=99) > 0.9
