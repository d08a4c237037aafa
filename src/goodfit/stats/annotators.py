"""Several labels a sample, from several annotators: the probable true one, and how good each annotator is.

Source: Dawid and Skene 1979, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm", Applied
Statistics 28, started from the majority; Wilson 1927 (interval of a share).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .intervals import wilson

_ROUNDS = 50  # of EM; it stands still long before
_PRIOR = 1.0  # labels of each class that every annotator is taken to have given like all of them together


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What annotators say together.

    Attributes:
        true: (N, K) probability of each class of each sample.
        quality: (A,) share of an annotator's labels that are right, by all of them together.
        low, high: (A,) its 95 % interval.
        counts: (A,) labels given.
    """

    true: np.ndarray
    quality: np.ndarray
    low: np.ndarray
    high: np.ndarray
    counts: np.ndarray


def merge(sample: np.ndarray, annotator: np.ndarray, label: np.ndarray, classes: int) -> Merged:
    """Merge labels, each annotator weighed by how it errs.

    Args:
        sample: (M,) int64 of each label given, in [0, N).
        annotator: (M,) int64, in [0, A).
        label: (M,) int64, in [0, K).
        classes: K.
    """
    n, people = int(sample.max()) + 1, int(annotator.max()) + 1
    true = np.zeros((n, classes))
    np.add.at(true, (sample, label), 1.0)
    true /= true.sum(1, keepdims=True)
    for _ in range(_ROUNDS):
        logs = np.log(_confusions(true, sample, annotator, label, people))
        evidence = np.tile(np.log(true.mean(0) + 1e-12), (n, 1))
        np.add.at(evidence, sample, logs[annotator, :, label])
        true = _normal(evidence)
    counts = np.bincount(annotator, minlength=people)
    right = np.bincount(annotator, true[sample, label], people)
    ends = np.array([wilson(k, m) for k, m in zip(right, counts, strict=True)])
    return Merged(true=true, quality=right / counts, low=ends[:, 0], high=ends[:, 1], counts=counts)


def _confusions(
    true: np.ndarray, sample: np.ndarray, annotator: np.ndarray, label: np.ndarray, people: int
) -> np.ndarray:
    """(A, K, K) share of each true class that an annotator gives each label."""
    classes = true.shape[1]
    found = np.zeros((people, classes, classes))
    for k in range(classes):
        np.add.at(found[:, :, k], annotator[label == k], true[sample[label == k]])
    together = found.sum(0) + 1e-3
    found += _PRIOR * together / together.sum(1, keepdims=True)
    return np.asarray(found / found.sum(2, keepdims=True))


def _normal(logs: np.ndarray) -> np.ndarray:
    found = np.exp(logs - logs.max(1, keepdims=True))
    return np.asarray(found / found.sum(1, keepdims=True))
