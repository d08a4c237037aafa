"""Chance level: the prior's score by hand, the alarm on shuffled labels, silence on weak but real signal."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from goodfit.core.randomness import generator
from goodfit.core.task import Metric
from goodfit.diagnose import Evidence, chance_score
from goodfit.diagnose.chance import look


def test_accuracy_of_the_prior_is_the_share_of_the_commonest_training_class(kit: SimpleNamespace) -> None:
    assert chance_score(kit.accuracy, np.array([0, 1, 1]), np.array([0, 1, 1, 1, 2])) == 0.6


def test_unknown_targets_do_not_count(kit: SimpleNamespace) -> None:
    assert chance_score(kit.accuracy, np.array([0, 1, 1, -1, -1]), np.array([1, 0, -1])) == 0.5
    assert np.isnan(chance_score(kit.accuracy, np.zeros(0, np.int64), np.array([1])))


def test_numbers_are_answered_with_mean_or_median_whichever_is_better() -> None:
    mae = Metric(
        name="mae", value=lambda t, o: float(np.abs(o[:, 0] - t).mean()), higher_is_better=False, is_share=False
    )
    target = np.array([0.0, 0.0, 9.0])
    assert chance_score(mae, target, target) == 3.0  # median 0; the mean 3 would give 4


def test_labels_are_answered_with_their_log_odds() -> None:
    subset = Metric(name="subset", value=lambda t, o: float(((o > 0) == (t > 0)).all(axis=1).mean()))
    target = np.array([[1, 0], [1, 0], [1, 1], [0, 0]], np.uint8)
    assert chance_score(subset, target, target) == 0.5


@pytest.mark.parametrize("memorised", [{}, {"epochs": 30, "width": 32, "limit": 500}])
def test_shuffled_training_labels_are_called_chance(trial: Callable[..., Evidence], memorised: dict) -> None:
    finding = look(trial(shuffled=1.0, **memorised))
    assert finding is not None
    assert finding.numbers["p"] > 0.01


def test_thirty_samples_of_two_shuffled_classes_are_called_chance_in_most_draws(kit: SimpleNamespace) -> None:
    random, seen = generator(1), 0
    for i in range(40):
        target = random.integers(0, 2, 30)
        known = kit.predictions(target, random.normal(size=(30, 2)), "confirm")
        e = kit.evidence(k=2, select=None, confirm=known, chance=0.5, recipe=kit.resolved(seed=i))
        seen += look(e) is not None
    assert seen >= 34  # skill above 0.25 by luck in about 5 %


def test_weak_signal_on_many_samples_stays_silent(kit: SimpleNamespace) -> None:
    assert look(kit.evidence(train=0.2, val=0.2, n=1000)) is None  # 20 % of ten classes


def test_two_thirds_right_on_thirty_samples_of_two_classes_stays_silent(kit: SimpleNamespace) -> None:
    target = np.arange(30) % 2
    right = np.arange(30) < 20
    outputs = np.eye(2)[np.where(right, target, 1 - target)]
    e = kit.evidence(k=2, select=None, confirm=kit.predictions(target, outputs, "confirm"), chance=0.5)
    assert look(e) is None


def test_always_the_majority_is_chance_however_accurate(kit: SimpleNamespace) -> None:
    target = (np.arange(400) % 20 == 0).astype(np.int64)
    outputs = np.tile([3.0, 0.0], (400, 1))
    e = kit.evidence(k=2, select=None, confirm=kit.predictions(target, outputs, "confirm"), chance=0.95)
    finding = look(e)
    assert finding is not None
    assert (finding.numbers["val"], finding.numbers["p"]) == (0.95, 1.0)
