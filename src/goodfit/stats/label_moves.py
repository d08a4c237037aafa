"""Whether an operation changes what a sample is, by the answers of a model that never saw the operation.

Two things can go wrong under an operation, and they must not be taken for each other. The sample may be merely
unfamiliar: answers then scatter, or fall into one or two classes that catch whatever is odd, with low confidence. Or
its label may have moved: then most of a class become one other class, no third class falls into the same place, and
either the answers are as confident as usual, or the classes change places in a circle: a 6 turned by half is a 9, and a
9 a 6. Digits turned by a quarter all look like a 4 to a net that never saw one, and that is no move.

Sources: the two are the "label-preserving" and the "affinity" of Gontijo-Lopes et al. 2020, arXiv:2002.08973, which
judges an augmentation by the shift of a clean model's accuracy; thresholds by the trials of benchmarks/scene.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .intervals import wilson
from .special import normal_quantile

MOVED = 0.5  # share of a class that must become one other class; the most seen of a merely odd one was 0.43
SURELY = 0.33  # and the lower end of its interval: a few samples make no alarm
CONFIDENT = 0.7  # times the confidence in right answers to plain samples


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How much of a model's skill survives an operation.

    Attributes:
        value: skill under the operation over skill on plain samples, 1 = all of it; skill is what is right beyond
            always giving the commonest answer.
        low: lower end of its 95 % interval.
        high: upper end.
        plain: share right on plain samples.
        seen: share right under the operation.
        n: samples.
    """

    value: float
    low: float
    high: float
    plain: float
    seen: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Move:
    """A class that an operation turns into another one.

    Attributes:
        source: class index.
        into: class index.
        share: of the source's samples that are answered so, beyond those that are on plain samples.
        low: lower end of its 95 % interval.
        confidence: mean, in these answers.
        usual: mean confidence in right answers to plain samples.
        n: samples of the source.
    """

    source: int
    into: int
    share: float
    low: float
    confidence: float
    usual: float
    n: int


def kept(plain: np.ndarray, seen: np.ndarray, chance: float) -> Kept | None:
    """The share of skill that survives, with the interval of a ratio of paired means (delta method).

    Args:
        plain: (N,) how right each answer to a plain sample is, 0 to 1.
        seen: (N,) the same under the operation; several draws of a sample averaged.
        chance: share that is right by always giving the commonest answer.
    Returns: None where the model is not clearly better than that, so that nothing can be told.
    """
    n = len(plain)
    value, error = float(plain.mean()), float(plain.std(ddof=1) / np.sqrt(n)) if n > 1 else 1.0
    quantile = normal_quantile(0.975)
    if wilson(value * n, n)[0] <= chance or value - quantile * error <= chance:
        return None
    skill = value - chance
    ratio = (float(seen.mean()) - chance) / skill
    residual = (seen - chance) - ratio * (plain - chance)
    spread = max(float(residual.std(ddof=1)), 1 / np.sqrt(n)) / np.sqrt(n) / skill  # one more disagreement at least
    low, high = ratio - quantile * spread, ratio + quantile * spread
    return Kept(value=ratio, low=low, high=high, plain=value, seen=float(seen.mean()), n=n)


def moves(target: np.ndarray, plain: np.ndarray, seen: np.ndarray) -> list[Move]:
    """Classes that have become other ones, the surest first.

    Args:
        target: (N,) class index.
        plain: (N, K) probabilities on plain samples.
        seen: (N, K) probabilities under one exact view.
    """
    right = plain.argmax(1) == target
    usual = float(plain.max(1)[right].mean()) if right.any() else 1.0
    excess = _confusion(target, seen) - _confusion(target, plain)
    np.fill_diagonal(excess, 0.0)
    into = {int(source): int(excess[source].argmax()) for source in np.flatnonzero(excess.max(1) >= MOVED)}
    places = list(into.values())
    found = []
    for source, place in into.items():
        at = target == source
        n, share = int(at.sum()), float(excess[source, place])
        confidence = float(seen[at & (seen.argmax(1) == place), place].mean())
        low = wilson(share * n, n)[0]
        alone = places.count(place) == 1  # what catches several classes catches whatever is odd
        if alone and low >= SURELY and (confidence >= CONFIDENT * usual or _circles(source, into)):
            numbers = {"share": share, "low": low, "confidence": confidence, "usual": usual}
            found.append(Move(source=source, into=place, n=n, **numbers))
    return sorted(found, key=lambda move: -move.low)


def _circles(source: int, into: dict[int, int]) -> bool:
    """Whether following the moves from a class comes back to it."""
    here, steps = into[source], 1
    while here != source and here in into and steps <= len(into):
        here, steps = into[here], steps + 1
    return here == source


def _confusion(target: np.ndarray, probs: np.ndarray) -> np.ndarray:
    """(K, K) share of each class that is answered as each other one; empty classes have zeros."""
    classes = probs.shape[1]
    counts = np.zeros((classes, classes))
    np.add.at(counts, (target, probs.argmax(1)), 1.0)
    return counts / np.maximum(counts.sum(1, keepdims=True), 1.0)
