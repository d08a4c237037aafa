"""Turn saved predictions into what a reader asks: which classes, which mix-ups, how sure, which mistakes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.outcome import Predictions
from ..core.samples import TargetKind
from ..core.target_kinds import CLASS, KINDS, kind_of
from ..stats import boxes
from ..stats.calibration import probabilities, reliability
from ..stats.intervals import known, wilson
from .quality import Bin, Share
from .words import digits

BINS = 10  # of the diagram; the error beside it is computed over 15, as Guo et al. 2017 do


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """One class: recall and precision with Wilson intervals, F1; NaN where there is nothing to count."""

    name: str
    recall: Share
    precision: Share
    f1: float
    ap: float = math.nan  # average precision over COCO's thresholds, of boxes


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A sample that the model got wrong, as names or numbers; confidence is NaN where it has no meaning."""

    id: str
    truth: str
    answer: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class MixUp:
    """A pair of classes: how often the first was called the second."""

    truth: str
    answer: str
    count: int
    of: int


def confusion_counts(predictions: Predictions, classes: Sequence[str]) -> np.ndarray:
    """(K, K) int: rows truth, columns answers."""
    target, outputs = known(predictions)
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (target, outputs.argmax(1)), 1)
    return counts


def class_figures(predictions: Predictions, classes: Sequence[str], temperature: float = 1.0) -> list[ClassFigures]:
    """Figures of each class, the hardest first; for multilabel an answer is a probability of at least one half.

    Args:
        predictions: outputs as they are, not calibrated.
        classes: names.
        temperature: by which the scores of boxes become the probabilities that decide which are said aloud.
    """
    target, outputs = known(predictions)
    hits, real, called, ap = _COUNTED[kind_of(target).name](target, outputs, len(classes), temperature)
    rows = [
        _class_figures(name, int(hits[k]), int(real[k]), int(called[k]), float(ap[k])) for k, name in enumerate(classes)
    ]
    return sorted(rows, key=lambda r: (math.isnan(r.recall.value), r.recall.value))


def mix_ups(counts: np.ndarray, classes: Sequence[str], most: int = 6) -> list[MixUp]:
    """The commonest mix-ups."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(flat), len(classes)) for flat in order]
    rows = counts.sum(1)
    return [
        MixUp(truth=classes[i], answer=classes[j], count=int(wrong[i, j]), of=int(rows[i]))
        for i, j in pairs
        if wrong[i, j]
    ]


def bins(predictions: Predictions, temperature: float) -> list[Bin]:
    """Filled bins of the reliability diagram."""
    target, outputs = known(predictions)
    table = reliability(probabilities(outputs, target, temperature), target, BINS)
    found = []
    for k in np.flatnonzero(table.count):
        n, accuracy = int(table.count[k]), float(table.accuracy[k])
        low, high = wilson(round(accuracy * n), n)
        found.append(
            Bin(confidence=float(table.confidence[k]), share=Share(name="", value=accuracy, low=low, high=high, n=n))
        )
    return found


def worst(predictions: Predictions, classes: Sequence[str], temperature: float, most: int = 24) -> list[Mistake]:
    """Wrong answers, the surest first; for numbers the largest residuals, for several labels the worst surprises, for
    boxes the pictures with most of them missed or made up."""
    return _MISTAKES[kind_of(predictions.target).name](predictions, classes, temperature, most)


def chance(predictions: Predictions) -> float | None:
    """Accuracy of always naming the commonest class; None where that is no measure."""
    if not kind_of(predictions.target).is_exclusive:
        return None
    target, _ = known(predictions)
    return float(np.bincount(target).max() / len(target)) if len(target) else None


def _class_figures(name: str, hits: int, real: int, called: int, ap: float) -> ClassFigures:
    recall, precision = _share(name, hits, real), _share(name, hits, called)
    f1 = 2 * hits / (real + called) if real + called else math.nan
    return ClassFigures(name=name, recall=recall, precision=precision, f1=f1, ap=ap)


def _share(name: str, hits: int, n: int) -> Share:
    low, high = wilson(hits, n) if n else (math.nan, math.nan)
    return Share(name=name, value=hits / n if n else math.nan, low=low, high=high, n=n)


def _wrong(predictions: Predictions, classes: Sequence[str], temperature: float, most: int) -> list[Mistake]:
    probs = probabilities(predictions.outputs, predictions.target, temperature)
    answer = probs.argmax(1)
    sure = probs[np.arange(len(probs)), answer]
    wrong = np.flatnonzero((answer != predictions.target) & (predictions.target >= 0))
    order = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    return [
        Mistake(
            id=str(predictions.ids[i]),
            truth=classes[int(predictions.target[i])],
            answer=classes[int(answer[i])],
            confidence=float(sure[i]),
        )
        for i in order
    ]


def _sets(predictions: Predictions, classes: Sequence[str], temperature: float, most: int) -> list[Mistake]:
    probs = probabilities(predictions.outputs, predictions.target, temperature)
    truth, said = predictions.target > 0, probs >= 0.5
    surprise = np.abs(probs - truth).max(1)
    wrong = np.flatnonzero((truth != said).any(1))
    order = wrong[np.argsort(-surprise[wrong], kind="stable")][:most]
    names = lambda row: ", ".join(classes[int(k)] for k in np.flatnonzero(row)) or "–"  # noqa: E731
    return [
        Mistake(id=str(predictions.ids[i]), truth=names(truth[i]), answer=names(said[i]), confidence=math.nan)
        for i in order
    ]


def _far_off(predictions: Predictions, classes: Sequence[str], temperature: float, most: int) -> list[Mistake]:
    guess = predictions.outputs[:, 0]
    order = np.argsort(-np.abs(guess - predictions.target), kind="stable")[:most]
    return [
        Mistake(
            id=str(predictions.ids[i]),
            truth=digits(predictions.target[i]),
            answer=digits(guess[i]),
            confidence=math.nan,
        )
        for i in order
    ]


def _badly_found(predictions: Predictions, classes: Sequence[str], temperature: float, most: int) -> list[Mistake]:
    """Pictures with boxes missed or made up, most of them first: how many of each class are there, and were found."""
    target, outputs = known(predictions)
    outputs = boxes.calibrated(outputs, temperature)
    ids = np.asarray(predictions.ids)[kind_of(target).known(predictions.target)]
    _, missed, made_up = boxes.found_and_missed(target, outputs)
    order = np.argsort(-(missed + made_up), kind="stable")[:most]
    said = boxes.surely(outputs, boxes.SAID)
    return [
        Mistake(
            id=str(ids[i]),
            truth=KINDS["boxes"].text(target[i], classes),
            answer=_listed(said[i], classes),
            confidence=math.nan,
        )
        for i in order.tolist()
        if missed[i] + made_up[i]
    ]


def _listed(found: np.ndarray, classes: Sequence[str]) -> str:
    label = found[:, CLASS][found[:, CLASS] >= 0].astype(np.int64)
    counts = np.bincount(label, minlength=len(classes))
    return ", ".join(f"{classes[k]} {counts[k]}" for k in np.flatnonzero(counts).tolist()) or "–"


_Counts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # (K,) hits, real, called, average precision


def _count_classes(target: np.ndarray, outputs: np.ndarray, k: int, temperature: float) -> _Counts:
    return _count(target[:, None] == np.arange(k), outputs.argmax(1)[:, None] == np.arange(k))


def _count_labels(target: np.ndarray, outputs: np.ndarray, k: int, temperature: float) -> _Counts:
    return _count(target > 0, outputs >= 0)


def _count(truth: np.ndarray, said: np.ndarray) -> _Counts:
    return (truth & said).sum(0), truth.sum(0), said.sum(0), np.full(truth.shape[1], math.nan)


def _count_boxes(target: np.ndarray, outputs: np.ndarray, k: int, temperature: float) -> _Counts:
    """At IoU 0.5, of answers that are said aloud; ignored regions count neither way."""
    found = boxes.match(target, boxes.surely(boxes.calibrated(outputs, temperature), boxes.SAID))
    counts = [
        np.bincount(found.label[rows], minlength=k)[:k]
        for rows in (found.right[0] & ~found.ignored[0], ~found.ignored[0])
    ]
    real = np.zeros(k, dtype=np.int64)
    real[: found.real.shape[1]] = found.real.sum(0)[:k]
    return counts[0], real, counts[1], boxes.class_precisions(target, outputs, k)[:, 0]


_COUNTED: Mapping[TargetKind, Callable[[np.ndarray, np.ndarray, int, float], _Counts]] = {
    "class": _count_classes,
    "multilabel": _count_labels,
    "boxes": _count_boxes,
}
_MISTAKES: Mapping[TargetKind, Callable[[Predictions, Sequence[str], float, int], list[Mistake]]] = {
    "class": _wrong,
    "multilabel": _sets,
    "number": _far_off,
    "boxes": _badly_found,
}
