"""Metrics that the tests of statistics share."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from goodfit.core.outcome import Predictions
from goodfit.core.task import Metric


def right(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return (outputs.argmax(axis=1) == target).astype(np.float64)


def f1_macro(target: np.ndarray, outputs: np.ndarray) -> float:
    guess = outputs.argmax(axis=1)
    both = [
        ((guess == k).sum() + (target == k).sum(), ((guess == k) & (target == k)).sum())
        for k in range(outputs.shape[1])
    ]
    return float(np.mean([2 * hit / n if n else 0.0 for n, hit in both]))


def predictions(target: np.ndarray, outputs: np.ndarray) -> Predictions:
    ids = np.array([f"s{i}" for i in range(len(target))])
    return Predictions(
        ids=ids, target=np.asarray(target), outputs=np.asarray(outputs, np.float32), split="confirm", run_id="r"
    )


def two_class(is_right: np.ndarray) -> Predictions:
    """Predictions for samples of class 0 that are right exactly where told."""
    return predictions(np.zeros(len(is_right), np.int64), np.where(is_right[:, None], [1.0, 0.0], [0.0, 1.0]))


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """accuracy, f1, rmse, mae; predictions(target, outputs); two_class(is_right)."""
    number = {"higher_is_better": False, "is_share": False}
    return SimpleNamespace(
        accuracy=Metric(name="accuracy", value=lambda t, o: float(right(t, o).mean()), per_sample=right),
        f1=Metric(name="f1_macro", value=f1_macro),
        rmse=Metric(name="rmse", value=lambda t, o: float(np.sqrt(((o[:, 0] - t) ** 2).mean())), **number),
        mae=Metric(
            name="mae",
            value=lambda t, o: float(np.abs(o[:, 0] - t).mean()),
            per_sample=lambda t, o: np.abs(o[:, 0] - t),
            **number,
        ),
        predictions=predictions,
        two_class=two_class,
    )
