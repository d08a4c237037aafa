"""The metrics of detection, each from one matching of a picture's boxes: COCO's mAP, its parts, recall and misses.

Source: Lin et al. 2014, arXiv:1405.0312, and cocodataset.org, "Detection Evaluation".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ..core.task import Metric
from ..stats.boxes import Matches, average_precisions, found_and_missed, match, mean_over

_AT_50, _AT_75 = 0, 5  # places in stats.boxes.THRESHOLDS


def _precision(matches: Matches, counts: np.ndarray, thresholds: Sequence[int] | None) -> float:
    return mean_over(average_precisions(matches, counts)[0], thresholds)


def _recall(matches: Matches, counts: np.ndarray) -> float:
    return mean_over(average_precisions(matches, counts)[1])


def _missed(matches: Matches, counts: np.ndarray) -> float:
    """Share of all boxes, classes alike, that no answer covers at IoU 0.5."""
    hits = float((counts[matches.picture] * (matches.right[_AT_50] & ~matches.ignored[_AT_50])).sum())
    real = float((counts @ matches.real).sum())
    return 1 - hits / real if real else float("nan")


def _wrongness(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """(N,) boxes missed and made up."""
    _, missed, made_up = found_and_missed(target, outputs)
    return np.asarray(missed + made_up, dtype=np.float64)


def _metric(name: str, of_digest: Callable[[Matches, np.ndarray], float], **more: object) -> Metric:
    value = lambda target, outputs: of_digest(match(target, outputs), np.ones(len(target), dtype=np.int64))  # noqa: E731
    return Metric(name=name, value=value, digest=match, of_digest=of_digest, **more)  # type: ignore[arg-type]


MAP = _metric("map", partial(_precision, thresholds=None), wrongness=_wrongness)
MAP50 = _metric("map50", partial(_precision, thresholds=(_AT_50,)))
MAP75 = _metric("map75", partial(_precision, thresholds=(_AT_75,)))
RECALL = _metric("average_recall", _recall)
MISS_RATE = _metric("miss_rate", _missed, higher_is_better=False, is_share=False)
