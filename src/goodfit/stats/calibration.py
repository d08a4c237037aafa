"""Probabilities that mean something: temperature scaling, calibration error, reliability bins.

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core.errors import DataError

RANGE = (0.05, 20.0)  # temperatures searched; beyond them the logits are all but useless
PRIOR = 1.0  # standard deviation of log T: keeps "all right on 15 samples" from meaning "certain"; gone by n = 1,000


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Confidence against accuracy in equal-width bins of confidence.

    Attributes:
        edges: (B + 1,) from 0 to 1.
        count: (B,) samples.
        confidence: (B,) mean, NaN where empty.
        accuracy: (B,) share right, NaN where empty.
    """

    edges: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def fit_temperature(outputs: np.ndarray, target: np.ndarray) -> float:
    """The temperature T > 0 whose softmax(outputs / T) has the smallest NLL; above 1 = the model was too sure.

    Args:
        outputs: (N, K) logits.
        target: (N,) class indices (unknown = -1 is left out), or (N, K) 0/1 for multilabel (sigmoid).
    Returns: T in RANGE; 1.0 for no samples or outputs that are not finite.
    """
    outputs = np.asarray(outputs, dtype=np.float64)
    if target.ndim == 1:
        outputs, target = outputs[target >= 0], target[target >= 0]
    if not len(target) or not np.isfinite(outputs).all():
        return 1.0
    low, high = math.log(1 / RANGE[1]), math.log(1 / RANGE[0])
    for _ in range(40):  # the derivative in log(1/T) changes sign once, up to the prior's gentle pull: bisect
        middle = (low + high) / 2
        if _descent(outputs, target, middle) > 0:
            high = middle
        else:
            low = middle
    return math.exp(-(low + high) / 2)


def nll(outputs: np.ndarray, target: np.ndarray, temperature: float = 1.0) -> float:
    """Mean negative log likelihood in nats; for multilabel the mean over samples and labels."""
    scaled = np.asarray(outputs, dtype=np.float64) / temperature
    if target.ndim == 1:
        return float(-log_softmax(scaled)[np.arange(len(target)), target].mean())
    return float((np.logaddexp(0, scaled) - scaled * target).mean())


def log_softmax(outputs: np.ndarray) -> np.ndarray:
    """(N, K) log probabilities of (N, K) logits."""
    shifted = np.asarray(outputs, dtype=np.float64)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def probabilities(outputs: np.ndarray, target: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """(N, K) softmax where target is a class index, sigmoid where it is (N, K) 0/1."""
    scaled = np.asarray(outputs, dtype=np.float64) / temperature
    return np.exp(log_softmax(scaled)) if target.ndim == 1 else np.exp(-np.logaddexp(0, -scaled))


def top_label(probs: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and whether it was right, one value a decision.

    Args:
        probs: (N, K).
        target: (N,) class indices, or (N, K) 0/1: each label is then a decision of its own.
    Returns: (M,) confidence in [0, 1] and (M,) bool.
    """
    if target.ndim == 1:
        guess = probs.argmax(axis=1)
        return probs[np.arange(len(probs)), guess], guess == target
    return np.maximum(probs, 1 - probs).ravel(), ((probs >= 0.5) == (target > 0)).ravel()


def expected_calibration_error(probs: np.ndarray, target: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy, weighted by bin size.

    Args:
        probs: (N, K) probabilities.
        target: (N,) class indices in [0, K), or (N, K) 0/1.
        bins: equal-width confidence bins; few bins hide structure, many are noisy.
    Returns: gap in [0, 1]; 0 = confidence equals accuracy in every bin; NaN for no samples.
    Raises: DataError if probs and target disagree on N.
    """
    r = reliability(probs, target, bins)
    if not r.count.sum():
        return math.nan
    full = r.count > 0
    return float((np.abs(r.confidence[full] - r.accuracy[full]) * r.count[full]).sum() / r.count.sum())


def reliability(probs: np.ndarray, target: np.ndarray, bins: int = 15) -> Reliability:
    """Bins of the reliability diagram. Raises: DataError if probs and target disagree on N."""
    if len(probs) != len(target):
        raise DataError("probs and target disagree on N", got=f"{len(probs)} and {len(target)}", do="report this")
    confidence, right = top_label(probs, target)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        return Reliability(
            edges=np.linspace(0, 1, bins + 1),
            count=count,
            confidence=np.bincount(place, confidence, bins) / count,
            accuracy=np.bincount(place, right.astype(float), bins) / count,
        )


def _descent(outputs: np.ndarray, target: np.ndarray, log_beta: float) -> float:
    """Derivative of N x NLL + log_beta^2 / (2 PRIOR^2) in log_beta, where beta = 1 / T."""
    beta = math.exp(log_beta)
    probs = probabilities(outputs, target, 1 / beta)
    if target.ndim == 1:
        gap = (probs * outputs).sum(axis=1) - outputs[np.arange(len(target)), target]
    else:
        gap = ((probs - target) * outputs).mean(axis=1)
    return beta * float(gap.sum()) + log_beta / PRIOR**2
