"""Each metric against scikit-learn's definition of it, on draws with ties, empty classes and empty rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as sk

from goodfit.tasks import metrics as own

SEEDS = range(5)


def softmax(outputs: np.ndarray) -> np.ndarray:
    e = np.exp(outputs - outputs.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def sigmoid(outputs: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-outputs)))


def one_label(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """80 samples of 5 classes, of which one never occurs and one is never answered."""
    random = np.random.default_rng(seed)
    target = random.integers(0, 4, 80)
    outputs = random.normal(size=(80, 5))
    outputs[:, 0] = -9.0
    return target, outputs


def several_labels(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """60 samples of 4 labels; outputs in steps of 0.5, so that many tie."""
    random = np.random.default_rng(seed)
    target = random.integers(0, 2, (60, 4)).astype(np.uint8)
    target[:, 0] |= target.sum(1) == 0  # scikit-learn counts a row without labels or answers as 0, we as right
    return target, np.round(random.normal(size=(60, 4)) * 2) / 2


def numbers(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    target = random.normal(50, 10, 40)
    return target, (target + random.normal(0, 4, 40))[:, None]


ONE_LABEL: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "ACCURACY": lambda t, o: sk.accuracy_score(t, o.argmax(1)),
    "BALANCED_ACCURACY": lambda t, o: sk.recall_score(t, o.argmax(1), average="macro", labels=np.unique(t)),
    "F1_MACRO": lambda t, o: sk.f1_score(t, o.argmax(1), average="macro"),
    "LOG_LOSS": lambda t, o: sk.log_loss(t, softmax(o), labels=range(5)),
}
SEVERAL: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "F1_SAMPLES": lambda t, o: sk.f1_score(t, o > 0, average="samples", zero_division=0.0),
    "MEAN_AVERAGE_PRECISION": lambda t, o: sk.average_precision_score(t, o, average="macro"),
    "BCE": lambda t, o: float(np.mean([sk.log_loss(t[:, k], sigmoid(o[:, k]), labels=[0, 1]) for k in range(4)])),
}
NUMBER: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "MAE": lambda t, o: sk.mean_absolute_error(t, o[:, 0]),
    "MSE": lambda t, o: sk.mean_squared_error(t, o[:, 0]),
    "R2": lambda t, o: sk.r2_score(t, o[:, 0]),
}
CASES = [
    *((name, truth, one_label) for name, truth in ONE_LABEL.items()),
    *((name, truth, several_labels) for name, truth in SEVERAL.items()),
    *((name, truth, numbers) for name, truth in NUMBER.items()),
]


@pytest.mark.parametrize(("name", "truth", "draw"), CASES, ids=[case[0] for case in CASES])
def test_metric_equals_scikit_learns_on_five_draws(
    name: str,
    truth: Callable[[np.ndarray, np.ndarray], float],
    draw: Callable[[int], tuple[np.ndarray, np.ndarray]],
) -> None:
    metric = getattr(own, name)
    for seed in SEEDS:
        target, outputs = draw(seed)
        assert metric.value(target, outputs) == pytest.approx(truth(target, outputs), rel=1e-9)


def test_balanced_accuracy_is_scikit_learns_where_every_answer_is_a_class_that_occurs() -> None:
    target, outputs = one_label(0)
    outputs[:, 4] = -9.0
    answer = outputs.argmax(1)
    assert own.BALANCED_ACCURACY.value(target, outputs) == pytest.approx(sk.balanced_accuracy_score(target, answer))


def test_row_without_labels_and_without_answers_is_right() -> None:
    target = np.array([[0, 0], [1, 0]], np.uint8)
    outputs = np.array([[-1.0, -1.0], [-1.0, 1.0]])
    assert own.F1_SAMPLES.value(target, outputs) == 0.5


def test_label_that_never_occurs_is_left_out_of_the_mean_average_precision() -> None:
    target = np.array([[1, 0], [0, 0]], np.uint8)
    outputs = np.array([[2.0, 1.0], [1.0, 2.0]])
    assert own.MEAN_AVERAGE_PRECISION.value(target, outputs) == 1.0
    assert math.isnan(own.MEAN_AVERAGE_PRECISION.value(np.zeros_like(target), outputs))


def test_extreme_logits_give_the_log_loss_they_deserve_without_overflow() -> None:
    outputs = np.array([[1000.0, 0.0], [1000.0, 0.0]], np.float32)
    assert own.LOG_LOSS.value(np.array([0, 1]), outputs) == 500.0
    assert own.BCE.value(np.array([[1, 0]], np.uint8), np.array([[1000.0, 1000.0]])) == 500.0


def test_r2_of_a_constant_target_is_no_number() -> None:
    assert math.isnan(own.R2.value(np.ones(3), np.zeros((3, 1))))


def test_errors_fall_and_shares_rise_towards_the_better() -> None:
    lower = {name for name in own.__dict__ if getattr(getattr(own, name), "higher_is_better", True) is False}
    assert lower == {"LOG_LOSS", "BCE", "MAE", "MSE", "RMSE", "PINBALL_10", "PINBALL_50", "PINBALL_90"}
    assert own.table(own.MAE, own.R2) == {"mae": own.MAE, "r2": own.R2}
