"""Which labels are probably wrong, and how many: from predictions for samples that the predictor did not train on.

A sample's true class is what the prediction says, made sharper or softer and shifted by class; the given label is the
true class seen through a table of confusions. Shift and table are those under which the given labels are most likely;
the sharpness too, of those at which two counts of wrong labels agree, over all samples and among those that the
predictor is surest of. So an honest miss of the predictor is told from a wrong label, be it any class or always the
same other one.

Sources: Dawid and Skene 1979, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm" (the
table); Saerens, Latinne and Decaestecker 2002, "Adjusting the Outputs of a Classifier to New a Priori Probabilities"
(the shift); Patrini et al. 2017, arXiv:1609.03683 (samples that are surely of a class show its noise). Compared with
the confident joint of Northcutt, Jiang and Chuang 2021, doi:10.1613/jair.1.12125, in benchmarks/label_noise.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Fit = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]  # (X, y) -> (X -> (N, K) probabilities)
SHARPNESS = (0.25, 0.3, 0.36, 0.43, 0.5, 0.6, 0.72, 0.85, 1.0, 1.2, 1.5, 2.0)  # temperatures tried
SURE = 0.1  # share of each predicted class, the surest of it, in which the predictor hardly errs
FEWEST_SURE, MOST_SURE = 25, 1 / 3  # but so many samples of it, unless they are more than such a share
KAPPA = (
    0.4  # agreement below which nothing is said: with 0.25 and 0.39, by nets of 400 pictures, 20 % wrong labels were
)
# counted as 57 and 33 %, with 0.5 and more within 3 points; Cohen 1960 (the measure)
_CELLS = 50_000  # samples x classes from which sharpness is found; more says nothing new
_ROUNDS = 40  # of EM
_START = 0.1  # share of wrong labels that EM starts from
_PRIOR = 5.0  # samples a class that are taken to be confused as all classes are together
_LEAST = 1e-12


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How many labels are wrong.

    Attributes:
        rate: share of wrong labels, 0 to 1.
        low, high: 95 % interval of the draw of samples, widened by what less sure samples say.
        n: samples.
    """

    rate: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What predictions and given labels together say of each sample.

    Attributes:
        true: (N, K) probability of each class to be the true one.
        confused: (K, K) row: true class, column: share of it that was given each label.
        noise: how many labels are wrong; None where the predictions are too poor to say.
    """

    true: np.ndarray
    confused: np.ndarray
    noise: Noise | None

    def trust(self, given: np.ndarray) -> np.ndarray:
        """(N,) probability that the given label is right."""
        return np.asarray(self.true[np.arange(len(given)), given])


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


def judge(probabilities: np.ndarray, given: np.ndarray) -> Judged:
    """Weigh predictions against given labels.

    Args:
        probabilities: (N, K) by models that did not see the sample.
        given: (N,) int64 labels.
    """
    logs = np.log(np.maximum(probabilities, _LEAST))
    n, classes = logs.shape
    some = _spread(n, max(1, _CELLS // classes))
    if not n or not _is_skilled(probabilities, given):
        return Judged(true=probabilities, confused=np.eye(classes), noise=None)
    p = _sharpened(logs, _sharpness(logs[some], given[some]))
    model = _fitted(p, given)
    now = _shifted(p, model.shift)
    return Judged(true=_posterior(p, given, model), confused=model.confused, noise=_noise(now, given))


@dataclass(frozen=True)
class _Model:
    """Confusions (K, K) and shift (K,) of the classes."""

    confused: np.ndarray
    shift: np.ndarray

    @classmethod
    def start(cls, classes: int) -> _Model:
        return cls(_evenly(classes, _START), np.ones(classes))


def _evenly(classes: int, rate: float) -> np.ndarray:
    """(K, K) confusions of a rate that is the same for all pairs of classes."""
    other = rate / max(1, classes - 1)
    return np.eye(classes) * (1 - rate - other) + other


def _sharpened(logs: np.ndarray, temperature: float) -> np.ndarray:
    scaled = logs / temperature
    found = np.exp(scaled - scaled.max(1, keepdims=True))
    return np.asarray(found / found.sum(1, keepdims=True))


def _shifted(p: np.ndarray, shift: np.ndarray) -> np.ndarray:
    found = p * shift
    return np.asarray(found / np.maximum(found.sum(1, keepdims=True), _LEAST))


def _posterior(p: np.ndarray, given: np.ndarray, model: _Model) -> np.ndarray:
    both = _shifted(p, model.shift) * model.confused[:, given].T
    return np.asarray(both / np.maximum(both.sum(1, keepdims=True), _LEAST))


def _fitted(p: np.ndarray, given: np.ndarray) -> _Model:
    """EM: the confusions and the shift under which the given labels are most likely."""
    classes = p.shape[1]
    one_hot, model = np.eye(classes)[given], _Model.start(classes)
    for _ in range(_ROUNDS):
        now = _shifted(p, model.shift)
        true = now * model.confused[:, given].T
        true /= np.maximum(true.sum(1, keepdims=True), _LEAST)
        counts = true.T @ one_hot
        rate = 1 - np.trace(counts) / max(len(p), 1)
        confused = counts + _PRIOR * _evenly(classes, min(max(rate, 0.0), 1.0))
        shift = model.shift * np.maximum(true.mean(0), _LEAST) / np.maximum(now.mean(0), _LEAST)
        model = _Model(confused / confused.sum(1, keepdims=True), shift / shift.sum())
    return model


def _sharpness(logs: np.ndarray, given: np.ndarray) -> float:
    """The likeliest temperature of those at which both counts of wrong labels agree as far as chance lets them."""
    tried = {t: _tried(_sharpened(logs, t), given) for t in SHARPNESS}
    least = min(apart for apart, _ in tried.values())
    return max((t for t, (apart, _) in tried.items() if apart <= max(1.0, least)), key=lambda t: tried[t][1])


def _tried(p: np.ndarray, given: np.ndarray) -> tuple[float, float]:
    """(standard errors between the share of wrong labels over all samples and among the surest, log likelihood)."""
    model = _fitted(p, given)
    now = _shifted(p, model.shift)
    overall = 1 - _posterior(p, given, model)[np.arange(len(given)), given].mean()
    rate, error = _among_surest(now, given, SURE)
    likely = np.log(np.maximum((now * model.confused[:, given].T).sum(1), _LEAST)).mean()
    return abs(float(overall) - rate) / error, float(likely)


def _noise(now: np.ndarray, given: np.ndarray) -> Noise:
    """The rate among the surest samples; its interval holds what twice as many of them say, each with its chance."""
    rate, error = _among_surest(now, given, SURE)
    again, other = _among_surest(now, given, 2 * SURE)
    low, high = min(rate - 1.96 * error, again - 1.96 * other), max(rate + 1.96 * error, again + 1.96 * other)
    return Noise(rate=rate, low=max(0.0, low), high=min(1.0, high), n=len(given))


def _among_surest(now: np.ndarray, given: np.ndarray, share: float) -> tuple[float, float]:
    """(share of wrong labels, its standard error), class by class among the surest of those predicted to be of it.

    Labels that go wrong by class alone do so among the surest samples as often as anywhere, and there the predictor
    hardly errs.
    """
    best, confidence, rate, variance = now.argmax(1), now.max(1), 0.0, 0.0
    for k, weight in enumerate(now.mean(0)):
        members = np.flatnonzero(best == k)
        most = max(int(share * len(members)), min(FEWEST_SURE, int(MOST_SURE * len(members))))
        surest = members[np.argsort(-confidence[members], kind="stable")[:most]]
        wrong, m = int((given[surest] != k).sum()), len(surest)
        smoothed = (wrong + 0.5) / (m + 1)  # so that none of few is not taken for certainty
        rate += weight * (wrong / m if m else 0.0)
        variance += weight**2 * smoothed * (1 - smoothed) / (m + 1)
    return float(rate), float(np.sqrt(variance))


def _is_skilled(probabilities: np.ndarray, given: np.ndarray) -> bool:
    """Whether predictions agree with the given labels far better than chance, by Cohen's kappa."""
    best, classes, n = probabilities.argmax(1), probabilities.shape[1], len(given)
    chance = float(np.bincount(best, minlength=classes) @ np.bincount(given, minlength=classes)) / n**2
    return float((best == given).mean()) - chance >= KAPPA * (1 - chance) and chance < 1


def _spread(n: int, most: int) -> np.ndarray:
    """(M,) positions, evenly spread, of at most so many."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)
