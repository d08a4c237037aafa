"""Intervals around a figure of merit: Wilson's for shares, the bootstrap over samples for everything else.

Sources: Wilson 1927, "Probable inference"; Efron and Tibshirani 1993, "An Introduction to the Bootstrap" (percentile).
"""

from __future__ import annotations

import math

import numpy as np

from ..core.outcome import Predictions, Score
from ..core.randomness import generator
from ..core.target_kinds import kind_of
from ..core.task import Metric
from .special import normal_quantile

WORK = 20_000_000  # samples x draws of one bootstrap: about a second for F1 on one core
DIGEST_DRAWS = 200  # for metrics that need a digest: each draw costs milliseconds
DRAWS = (200, 1000)  # fewest and most draws; the ends of a 95 % interval rest on 5 to 25 of them


def interval(metric: Metric, predictions: Predictions, seed: int, level: float = 0.95) -> Score:
    """A metric on predictions, with its interval and n.

    A metric whose per-sample values are all 0 or 1 gets Wilson's interval; any other the bootstrap over samples. A
    share of exactly 0 or 1 gets Wilson's too: ten right answers drawn again cannot show that an eleventh may be wrong.

    Args:
        metric: what to measure.
        predictions: (N) samples; those whose target is unknown are left out.
        seed: of the bootstrap.
        level: confidence.
    Returns: NaN value and ends for no samples; NaN ends for one sample of a metric that is no share.
    """
    target, outputs = known(predictions)
    if not len(target):
        return _score(metric, math.nan, math.nan, math.nan, 0)
    value = float(metric.value(target, outputs))
    low, high = _ends(metric, target, outputs, value, seed, level)
    return _score(metric, value, low, high, len(target))


def known(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """(target, outputs) of the samples whose target is known."""
    keep = kind_of(predictions.target).known(predictions.target)
    return predictions.target[keep], predictions.outputs[keep]


def wilson(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval for a share.

    Args:
        successes: in [0, n].
        n: at least 1; 0 gives (0, 1).
        level: confidence.
    """
    if n <= 0:
        return 0.0, 1.0
    z = normal_quantile((1 + level) / 2)
    share, shrink = successes / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (0.0 if successes <= 0 else centre - half), (1.0 if successes >= n else centre + half)


def bootstrap(
    metric: Metric, target: np.ndarray, outputs: np.ndarray, seed: int, draws: int | None = None
) -> np.ndarray:
    """(B,) values of the metric on samples drawn with replacement; a draw without a value (one class) is dropped."""
    n = len(target)
    draws = draws or (int(np.clip(WORK // max(n, 1), *DRAWS)) if metric.digest is None else DIGEST_DRAWS)
    random = generator(seed, n, 11)
    if metric.per_sample is not None:
        values = np.asarray(metric.per_sample(target, outputs), dtype=np.float64)
        return np.array([values[random.integers(0, n, n)].mean() for _ in range(draws)])
    on = metric.resampled(target, outputs)
    found = np.array([on(random.integers(0, n, n)) for _ in range(draws)])
    return found[np.isfinite(found)]


def _ends(
    metric: Metric, target: np.ndarray, outputs: np.ndarray, value: float, seed: int, level: float
) -> tuple[float, float]:
    n = len(target)
    if metric.per_sample is not None:
        values = np.asarray(metric.per_sample(target, outputs), dtype=np.float64)
        if ((values == 0) | (values == 1)).all():
            return wilson(float(values.sum()), n, level)
    if metric.is_share and value in (0.0, 1.0):
        return wilson(value * n, n, level)
    drawn = bootstrap(metric, target, outputs, seed) if n > 1 else np.empty(0)
    if len(drawn) < 20:
        return math.nan, math.nan
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), value), max(float(high), value)


def _score(metric: Metric, value: float, low: float, high: float, n: int) -> Score:
    return Score(metric=metric.name, value=value, low=low, high=high, n=n, higher_is_better=metric.higher_is_better)
