"""Which labels are probably wrong, and how many: from predictions for samples that the predictor did not train on.

Sources: Northcutt, Jiang and Chuang 2021, "Confident Learning", doi:10.1613/jair.1.12125 (thresholds by class, joint
of given and true labels); Kuan and Mueller 2022, "Model-agnostic label quality scoring" (normalised margin as a rank);
Efron 1979 (bootstrap).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Fit = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]  # (X, y) -> (X -> (N, K) probabilities)
_DRAWS = 200


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How many labels are wrong.

    Attributes:
        rate: share of wrong labels, 0 to 1.
        low, high: 95 % interval by bootstrap over samples.
        n: samples.
    """

    rate: float
    low: float
    high: float
    n: int


def folds_of(groups: np.ndarray, strata: np.ndarray, folds: int, seed: int = 0) -> np.ndarray:
    """(N,) int64 fold of each sample: groups stay whole, classes are spread evenly.

    Args:
        groups: (N,) int64, equal numbers belong together.
        strata: (N,) int64 class.
    """
    rng = np.random.default_rng(seed)
    _, first, of = np.unique(groups, return_index=True, return_inverse=True)
    order = rng.permutation(len(first))
    order = order[np.argsort(strata[first[order]], kind="stable")]  # so that each run of `folds` groups is of one class
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % folds
    return fold[of]


def out_of_sample(
    x: np.ndarray, given: np.ndarray, fold: np.ndarray, trusted: np.ndarray, fit: Fit, classes: int
) -> np.ndarray:
    """(N, K) probabilities of each sample by a model that has seen the other folds alone.

    Args:
        x: (N, D) features.
        given: (N,) int64 labels.
        fold: (N,) int64.
        trusted: (N,) bool, samples whose labels may be learnt.
        fit: trains on features and labels and gives a predictor; its columns are the classes from 0 to K - 1.
        classes: K.
    """
    found = np.full((len(x), classes), 1 / classes)
    for k in np.unique(fold):
        inside = (fold != k) & trusted
        if len(np.unique(given[inside])) > 1:
            found[fold == k] = fit(x[inside], given[inside])(x[fold == k])
    return found


def quality(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """(N,) how well each given label agrees with the predictions, -1 to 1: its probability less the best other one."""
    rows = np.arange(len(given))
    own = probabilities[rows, given]
    others = probabilities.copy()
    others[rows, given] = -1.0
    return own - others.max(1)


def suspects(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """(N,) bool: another class is predicted with at least the confidence that its own members have on average."""
    classes = probabilities.shape[1]
    usual = np.array([_mean(probabilities[given == k, k]) for k in range(classes)])
    sure = np.where(probabilities >= usual, probabilities, -1.0)
    best = sure.argmax(1)
    return (sure.max(1) >= 0) & (best != given)


def noise_rate(probabilities: np.ndarray, given: np.ndarray, seed: int = 0) -> Noise:
    """The share of wrong labels by the confident joint, with an interval by bootstrap over samples.

    Of each given class, the share of its confident members that are confidently another class is taken for its share
    of wrong labels; members of which the model is not confident count as the others.
    """
    classes = probabilities.shape[1]
    usual = np.array([_mean(probabilities[given == k, k]) for k in range(classes)])
    sure = np.where(probabilities >= usual, probabilities, -1.0)
    best, confident = sure.argmax(1), sure.max(1) >= 0
    wrong = confident & (best != given)
    rng = np.random.default_rng(seed)
    n = len(given)
    weights = rng.multinomial(n, np.full(n, 1 / n), _DRAWS) if n else np.empty((0, 0))
    draws = [_rate(given, confident, wrong, classes, weight) for weight in weights]
    rate = _rate(given, confident, wrong, classes, np.ones(len(given)))
    low, high = np.quantile(draws, (0.025, 0.975)) if draws else (0.0, 1.0)
    return Noise(rate=rate, low=float(low), high=float(high), n=len(given))


def _rate(given: np.ndarray, confident: np.ndarray, wrong: np.ndarray, classes: int, weight: np.ndarray) -> float:
    all_ = np.bincount(given, weight, classes)
    sure = np.bincount(given[confident], weight[confident], classes)
    off = np.bincount(given[wrong], weight[wrong], classes)
    share = np.divide(off, sure, out=np.zeros(classes), where=sure > 0)
    return float((share * all_).sum() / max(all_.sum(), 1e-9))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 2.0  # an absent class is never predicted with confidence
