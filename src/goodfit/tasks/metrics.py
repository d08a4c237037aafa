"""Metrics over (target, outputs) that several tasks share.

Sources: scikit-learn's definitions of F1, balanced accuracy and average precision, against which they are tested.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..core.task import Metric


def _right(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return (outputs.argmax(1) == target).astype(np.float64)


def _accuracy(target: np.ndarray, outputs: np.ndarray) -> float:
    return float(_right(target, outputs).mean())


def _recalls_and_f1(target: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(classes present,) recall and F1 of each class that occurs in the target or in the answers."""
    k = outputs.shape[1]
    answer = outputs.argmax(1)
    hits = np.bincount(target[answer == target], minlength=k).astype(np.float64)
    real, said = np.bincount(target, minlength=k), np.bincount(answer, minlength=k)
    f1 = 2 * hits / np.maximum(real + said, 1)
    recall = hits / np.maximum(real, 1)
    return recall[real > 0], f1[real + said > 0]


def _balanced_accuracy(target: np.ndarray, outputs: np.ndarray) -> float:
    return float(_recalls_and_f1(target, outputs)[0].mean())


def _f1_macro(target: np.ndarray, outputs: np.ndarray) -> float:
    return float(_recalls_and_f1(target, outputs)[1].mean())


def _log_loss_each(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    shifted = outputs.astype(np.float64) - outputs.max(1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return np.asarray(-log_probs[np.arange(len(target)), target])


def _log_loss(target: np.ndarray, outputs: np.ndarray) -> float:
    return float(_log_loss_each(target, outputs).mean())


def _f1_each(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    said = outputs > 0
    hits = (said & (target > 0)).sum(1)
    return np.asarray(
        np.where(said.sum(1) + target.sum(1) == 0, 1.0, 2 * hits / np.maximum(said.sum(1) + target.sum(1), 1))
    )


def _f1_samples(target: np.ndarray, outputs: np.ndarray) -> float:
    return float(_f1_each(target, outputs).mean())


def _mean_average_precision(target: np.ndarray, outputs: np.ndarray) -> float:
    present = [k for k in range(target.shape[1]) if target[:, k].any()]
    return (
        float(np.mean([_average_precision(target[:, k], outputs[:, k]) for k in present])) if present else float("nan")
    )


def _average_precision(target: np.ndarray, score: np.ndarray) -> float:
    order = np.argsort(-score, kind="stable")
    hit = target[order].astype(np.float64)
    last = np.append(np.diff(score[order]) != 0, True)  # ties count together
    found, seen = np.cumsum(hit)[last], np.flatnonzero(last) + 1
    return float((np.diff(found, prepend=0) * found / seen).sum() / hit.sum())


def _bce_each(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    z = outputs.astype(np.float64)
    return np.asarray((np.logaddexp(0, z) - z * target).mean(1))


def _bce(target: np.ndarray, outputs: np.ndarray) -> float:
    return float(_bce_each(target, outputs).mean())


def _absolute(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return np.abs(outputs[:, 0] - target)


def _mae(target: np.ndarray, outputs: np.ndarray) -> float:
    return float(_absolute(target, outputs).mean())


def _squared(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return np.asarray((outputs[:, 0] - target) ** 2)


def _mse(target: np.ndarray, outputs: np.ndarray) -> float:
    return float(_squared(target, outputs).mean())


def _r2(target: np.ndarray, outputs: np.ndarray) -> float:
    spread = float(((target - target.mean()) ** 2).mean())
    return 1 - _mse(target, outputs) / spread if spread > 0 else float("nan")


def _rmse(target: np.ndarray, outputs: np.ndarray) -> float:
    return float(np.sqrt(_mse(target, outputs)))


def _pinball_each(quantile: float, target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    residual = target - outputs[:, 0]
    return np.maximum(quantile * residual, (quantile - 1) * residual)


def _pinball_mean(quantile: float, target: np.ndarray, outputs: np.ndarray) -> float:
    return float(_pinball_each(quantile, target, outputs).mean())


def _pinball(quantile: float) -> Metric:
    """The loss whose best constant is a quantile; Koenker and Bassett 1978."""
    return Metric(
        name=f"pinball_{round(100 * quantile)}",
        value=partial(_pinball_mean, quantile),
        per_sample=partial(_pinball_each, quantile),
        higher_is_better=False,
        is_share=False,
    )


def _roc_auc(target: np.ndarray, outputs: np.ndarray) -> float:
    """Area under the ROC curve; of several classes the mean of each against the rest, where both occur.

    Source: Hanley and McNeil 1982 (the chance that a positive sample outranks a negative one, ties count half).
    """
    shifted = outputs - outputs.max(1, keepdims=True)
    probs = np.exp(shifted.astype(np.float64))
    probs /= probs.sum(1, keepdims=True)
    places = [1] if outputs.shape[1] == 2 else range(outputs.shape[1])
    areas = [_area(target == k, probs[:, k]) for k in places if 0 < (target == k).sum() < len(target)]
    return float(np.mean(areas)) if areas else float("nan")


def _area(positive: np.ndarray, score: np.ndarray) -> float:
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]  # ties share their mean rank, from 1
    hits = int(positive.sum())
    return float((rank[positive].sum() - hits * (hits + 1) / 2) / (hits * (len(score) - hits)))


ACCURACY = Metric(name="accuracy", value=_accuracy, per_sample=_right)
BALANCED_ACCURACY = Metric(name="balanced_accuracy", value=_balanced_accuracy)
F1_MACRO = Metric(name="f1_macro", value=_f1_macro)
LOG_LOSS = Metric(name="log_loss", value=_log_loss, per_sample=_log_loss_each, higher_is_better=False, is_share=False)
F1_SAMPLES = Metric(name="f1_samples", value=_f1_samples, per_sample=_f1_each)
MEAN_AVERAGE_PRECISION = Metric(name="mean_average_precision", value=_mean_average_precision)
BCE = Metric(name="bce", value=_bce, per_sample=_bce_each, higher_is_better=False, is_share=False)
MAE = Metric(name="mae", value=_mae, per_sample=_absolute, higher_is_better=False, is_share=False)
MSE = Metric(name="mse", value=_mse, per_sample=_squared, higher_is_better=False, is_share=False)
RMSE = Metric(name="rmse", value=_rmse, higher_is_better=False, is_share=False)
PINBALL_10, PINBALL_50, PINBALL_90 = _pinball(0.1), _pinball(0.5), _pinball(0.9)
ROC_AUC = Metric(name="roc_auc", value=_roc_auc)
R2 = Metric(name="r2", value=_r2, is_share=False)


def table(*metrics: Metric) -> dict[str, Metric]:
    """name -> metric, in the order given."""
    return {m.name: m for m in metrics}
