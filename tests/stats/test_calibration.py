"""Calibration: the temperature that was put in comes out, and bins count by hand."""

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.core.randomness import generator
from goodfit.stats.calibration import (
    expected_calibration_error,
    fit_temperature,
    log_softmax,
    nll,
    probabilities,
    reliability,
    top_label,
)


def drawn(n: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits and targets drawn from their own softmax: calibrated by construction."""
    random = generator(seed, n, k)
    logits = random.normal(0, 2, (n, k))
    cumulative = np.exp(log_softmax(logits)).cumsum(axis=1)
    return logits, (random.random((n, 1)) > cumulative[:, :-1]).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_that_was_put_in_is_found(temperature: float) -> None:
    logits, target = drawn(4000, 5)
    assert fit_temperature(logits * temperature, target) == pytest.approx(temperature, rel=0.06)


def test_fitted_temperature_has_the_smallest_nll() -> None:
    logits, target = drawn(3000, 3)
    best = fit_temperature(logits * 2, target)
    assert nll(logits * 2, target, best) < min(nll(logits * 2, target, best * f) for f in (0.9, 1.1))


def test_temperature_of_sigmoid_labels_is_found() -> None:
    random = generator(9)
    logits = random.normal(0, 2, (3000, 4))
    target = (random.random((3000, 4)) < 1 / (1 + np.exp(-logits))).astype(np.uint8)
    assert fit_temperature(logits * 2.0, target) == pytest.approx(2.0, rel=0.06)


def test_all_right_on_fifteen_samples_is_not_made_certain() -> None:
    target = np.zeros(15, np.int64)
    temperature = fit_temperature(np.tile([3.0, 0.0], (15, 1)), target)
    assert 0.3 < temperature < 1.0


def test_temperature_of_nothing_or_of_nan_is_one() -> None:
    assert fit_temperature(np.zeros((0, 2)), np.zeros(0, np.int64)) == 1.0
    assert fit_temperature(np.full((3, 2), np.nan), np.zeros(3, np.int64)) == 1.0


def test_calibration_error_by_hand() -> None:
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    target = np.array([0, 1, 0, 1])  # 0.9 said and 0.5 right; 0.6 said and 0.5 right
    assert expected_calibration_error(probs, target) == pytest.approx((0.4 + 0.1) / 2)
    bins = reliability(probs, target, bins=10)
    assert bins.count.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 2, 0]
    assert bins.accuracy[8] == 0.5
    assert np.isnan(bins.accuracy[0])


def test_calibrated_draws_have_a_small_calibration_error() -> None:
    logits, target = drawn(5000, 4)
    assert expected_calibration_error(probabilities(logits, target), target) < 0.02


def test_each_label_of_a_multilabel_sample_is_a_decision() -> None:
    confidence, right = top_label(np.array([[0.9, 0.2]]), np.array([[1, 1]]))
    assert confidence.tolist() == [0.9, 0.8]
    assert right.tolist() == [True, False]


def test_disagreeing_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="disagree on N"):
        expected_calibration_error(np.ones((2, 1)), np.zeros(3, np.int64))


def test_nll_of_even_odds_is_ln_2_and_log_softmax_survives_large_logits() -> None:
    assert nll(np.zeros((4, 2)), np.array([0, 1, 0, 1])) == pytest.approx(np.log(2))
    assert np.isfinite(log_softmax(np.array([[1e4, -1e4]]))).all()
