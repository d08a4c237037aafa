"""Boxes found against boxes that are there: COCO's matching, and average precision for any weighting of pictures.

Matching is done once a picture; averages over pictures drawn anew need only the matches, so that a bootstrap costs
milliseconds. Sources: Lin et al. 2014, arXiv:1405.0312, and the rules of the COCO evaluator (pycocotools, cocoeval.py:
greedy by score, ignored regions, 101 recall points); tests/stats/test_boxes.py compares with faster-coco-eval.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from ..core.target_kinds import CLASS, CROWD, box_presence, most_classes

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # IoU; as COCO's evaluator makes them
RECALLS = np.linspace(0.0, 1.0, 101)
MOST_FOUND = 100  # boxes a picture that count, the surest first
SAID = 0.3  # score from which an answer is said aloud: the usual threshold of detectors' demonstrations
_KEPT = 8  # matchings remembered: five metrics ask for the same one
_DRAWN = 1024  # draws of a bootstrap remembered with a matching
_NONE = 1e-10  # an IoU threshold of 1 is met by 1 - this, as in the evaluator


@dataclass(frozen=True, kw_only=True)
class Matches:
    """The boxes found in N pictures, sorted by class and falling score, and which of them are right.

    Attributes:
        picture: (F,) int64, in which picture each was found.
        label: (F,) int64, its class.
        score: (F,) float64.
        right: (T, F) bool at each of THRESHOLDS.
        ignored: (T, F) bool: matched an ignored region, counts neither way.
        real: (N, K) int64, boxes that are there.
        starts: (K + 1,) int64: rows of class k are starts[k] to starts[k + 1].
        averages: counts of pictures -> what `average_precisions` gave: the metrics ask for the same draws.
    """

    picture: np.ndarray
    label: np.ndarray
    score: np.ndarray
    right: np.ndarray
    ignored: np.ndarray
    real: np.ndarray
    starts: np.ndarray
    averages: dict[bytes, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, compare=False, repr=False)


def iou(found: np.ndarray, real: np.ndarray, crowd: np.ndarray | None = None) -> np.ndarray:
    """(F, R) intersection over union of (F, 4) and (R, 4); over the found box alone where `crowd` (R,) is true."""
    a, b = found.astype(np.float64), real.astype(np.float64)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inside = np.clip(high - low, 0, None).prod(axis=2)
    area_a, area_b = (np.prod(x[:, 2:] - x[:, :2], axis=1) for x in (a, b))
    union = area_a[:, None] + area_b[None, :] - inside
    if crowd is not None:
        union = np.where(crowd[None, :], area_a[:, None], union)
    return np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)


_remembered: OrderedDict[bytes, Matches] = OrderedDict()


def match(target: np.ndarray, outputs: np.ndarray) -> Matches:
    """COCO's matching of every picture.

    Args:
        target: (N, M, 6) class, x1, y1, x2, y2, crowd.
        outputs: (N, D, 6) class, score, x1, y1, x2, y2.
    """
    key = _key(target, outputs)
    if key in _remembered:
        _remembered.move_to_end(key)
        return _remembered[key]
    _remembered[key] = found = _match(target, outputs)
    while len(_remembered) > _KEPT:
        _remembered.popitem(last=False)
    return found


def average_precisions(matches: Matches, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((T, K) average precision, (T, K) recall reached) of each class; NaN where it has no box.

    Args:
        matches: of N pictures.
        counts: (N,) how often each picture counts.
    """
    key = np.ascontiguousarray(counts, dtype=np.int64).tobytes()
    if key not in matches.averages:
        if len(matches.averages) >= _DRAWN:
            matches.averages.clear()
        matches.averages[key] = _averages(matches, counts)
    return matches.averages[key]


def _averages(matches: Matches, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    real = counts @ matches.real
    weight = counts[matches.picture].astype(np.float64)
    hits = np.where(matches.right & ~matches.ignored, weight, 0.0)
    slips = np.where(~matches.right & ~matches.ignored, weight, 0.0)
    shape = (len(THRESHOLDS), len(real))
    precision, recall = np.full(shape, np.nan), np.full(shape, np.nan)
    for k in np.flatnonzero(real > 0).tolist():
        rows = slice(int(matches.starts[k]), int(matches.starts[k + 1]))
        precision[:, k], recall[:, k] = _curve(hits[:, rows], slips[:, rows], float(real[k]))
    return precision, recall


def found_and_missed(
    target: np.ndarray, outputs: np.ndarray, least: float = SAID
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N,) boxes found, missed and made up in each picture at IoU 0.5, of answers with a score of `least` or more."""
    matches, n = match(target, surely(outputs, least)), len(target)
    at = lambda rows: np.bincount(matches.picture[rows], minlength=n)  # noqa: E731
    right = at(matches.right[0] & ~matches.ignored[0])
    return right, matches.real.sum(axis=1) - right, at(~matches.right[0] & ~matches.ignored[0])


def surely(outputs: np.ndarray, least: float) -> np.ndarray:
    """(N, D, 6) the same answers without those below a score."""
    sure = outputs.copy()
    sure[..., CLASS] = np.where(outputs[..., 1] >= least, outputs[..., CLASS], -1)
    return sure


def calibrated(outputs: np.ndarray, temperature: float) -> np.ndarray:
    """(N, D, 6) the same boxes with calibrated probabilities for scores."""
    score = np.clip(outputs[..., 1].astype(np.float64), 1e-6, 1 - 1e-6)
    answer = outputs.astype(np.float64)
    probs = 1 / (1 + np.exp(-np.log(score / (1 - score)) / temperature))
    answer[..., 1] = np.where(outputs[..., CLASS] >= 0, probs, 0.0)
    return answer


def decisions(target: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((F, 1) score, (F, 1) uint8 right at IoU 0.5) of every box found: each is one yes or no that can be calibrated.

    Args:
        target: (N, M, 6).
        outputs: (N, D, 6), scores as they are or calibrated.
    """
    matches = match(target, outputs)
    counted = ~matches.ignored[0]
    return matches.score[counted, None], matches.right[0][counted, None].astype(np.uint8)


def class_precisions(target: np.ndarray, outputs: np.ndarray, classes: int) -> np.ndarray:
    """(K, 2) average precision of each class, over all thresholds and at IoU 0.5; NaN where it has no box."""
    found = average_precisions(match(target, outputs), np.ones(len(target), dtype=np.int64))[0]
    table = np.full((classes, 2), np.nan)
    held = min(classes, found.shape[1])
    table[:held, 0], table[:held, 1] = found.mean(axis=0)[:held], found[0][:held]
    return table


def _key(target: np.ndarray, outputs: np.ndarray) -> bytes:
    digest = blake2b(digest_size=16)
    for array in (target, outputs):
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _match(target: np.ndarray, outputs: np.ndarray) -> Matches:
    classes = max(most_classes(target), most_classes(outputs), 1)
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for i in range(len(target)):
        found = outputs[i][outputs[i][:, CLASS] >= 0]
        found = found[np.argsort(-found[:, 1], kind="stable")]
        found = found[_within_most(found[:, CLASS])]
        right, ignored = _match_one(target[i][target[i][:, CLASS] >= 0], found)
        rows.append((np.full(len(found), i), found[:, CLASS].astype(np.int64), found[:, 1], right, ignored))
    picture, label, score = (np.concatenate([row[c] for row in rows]) for c in range(3))
    right, ignored = (np.concatenate([row[c] for row in rows], axis=1) for c in (3, 4))
    order = np.lexsort((-score.astype(np.float64), label))  # stable: pictures keep their order among equal scores
    return Matches(
        picture=picture[order],
        label=label[order],
        score=score[order].astype(np.float64),
        right=right[:, order],
        ignored=ignored[:, order],
        real=box_presence(target, classes),
        starts=np.searchsorted(label[order], np.arange(classes + 1)),
    )


def _within_most(labels: np.ndarray) -> np.ndarray:
    """(F,) bool, the first MOST_FOUND of each class."""
    if len(labels) <= MOST_FOUND:
        return np.ones(len(labels), dtype=bool)
    order = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[order], labels[order])
    keep = np.empty(len(labels), dtype=bool)
    keep[order] = np.arange(len(labels)) - first < MOST_FOUND
    return keep


def _match_one(real: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((T, F) right, (T, F) ignored) of one picture: each box found takes the best free real one, the surest first."""
    steps = len(THRESHOLDS)
    right, ignored = (np.zeros((steps, len(found)), dtype=bool) for _ in range(2))
    if not len(real) or not len(found):
        return right, ignored
    crowd = real[:, CROWD] > 0
    overlap = iou(found[:, 2:6], real[:, 1:5], crowd)
    overlap[found[:, CLASS, None] != real[None, :, CLASS]] = -1.0
    least = np.minimum(THRESHOLDS, 1 - _NONE)
    taken = np.zeros((steps, len(real)), dtype=bool)
    each = np.arange(steps)
    last = len(real) - 1
    for f in np.flatnonzero(overlap.max(axis=1) >= least[0]).tolist():
        fits = overlap[f] >= least[:, None]  # (T, R)
        plain = fits & ~taken & ~crowd
        regions = fits & crowd
        open_ = np.where(plain.any(axis=1)[:, None], plain, regions)
        # among equal overlaps the evaluator keeps the last
        best = last - np.argmax(np.where(open_, overlap[f], -1.0)[:, ::-1], axis=1)
        met = open_.any(axis=1)
        right[met, f] = True
        ignored[:, f] = met & crowd[best]
        taken[each[met], best[met]] = True
    return right, ignored


def _curve(hits: np.ndarray, slips: np.ndarray, real: float) -> tuple[np.ndarray, np.ndarray]:
    """((T,) average precision, (T,) recall) of one class from weighted hits and slips (T, F) by falling score."""
    tp, fp = np.cumsum(hits, axis=1), np.cumsum(slips, axis=1)
    if not tp.shape[1]:
        return np.zeros(len(hits)), np.zeros(len(hits))
    recall = tp / real
    precision = tp / (tp + fp + np.spacing(1))
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    average = np.empty(len(hits))
    for t in range(len(hits)):
        places = np.searchsorted(recall[t], RECALLS, side="left")
        reached = places < recall.shape[1]
        average[t] = precision[t, places[reached]].sum() / len(RECALLS)
    return average, recall[:, -1]


def mean_over(values: np.ndarray, thresholds: Sequence[int] | None = None) -> float:
    """Mean over classes that have boxes and over some of THRESHOLDS (None = all); NaN where there is no box."""
    chosen = values if thresholds is None else values[list(thresholds)]
    usable = chosen[np.isfinite(chosen)]
    return float(usable.mean()) if len(usable) else float("nan")
