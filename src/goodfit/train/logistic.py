"""Logistic regression on frozen features, for questions that want many quick models instead of one good one.

Source: Kornblith, Shlens and Le 2019, "Do Better ImageNet Models Transfer Better?", arXiv:1805.08974 (a linear model on
what the head of a pretrained network sees); scikit-learn does the fitting.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

ITERATIONS = 200  # of L-BFGS; what is left after them is far below the noise of labels

Predict = Callable[[np.ndarray], np.ndarray]


def logistic(strength: float, classes: int) -> Callable[[np.ndarray, np.ndarray], Predict]:
    """(X (N, D), y (N,) int64) -> (X -> (N, classes) probabilities).

    Args:
        strength: of the L2 penalty, in samples: the larger, the smoother; features are taken as they are scaled.
        classes: columns of the answer; one that is not in y has probability 0.
    """

    def fit(x: np.ndarray, y: np.ndarray) -> Predict:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        model = LogisticRegression(C=1 / strength, max_iter=ITERATIONS)
        # products of so few numbers: several threads that wait for each other took 50 times as long on a busy machine
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(x, y)

        def predict(new: np.ndarray) -> np.ndarray:
            found = np.zeros((len(new), classes))
            found[:, model.classes_] = model.predict_proba(new)
            return found

        return predict

    return fit
