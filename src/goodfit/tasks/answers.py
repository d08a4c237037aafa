"""Probabilities and answers of tasks whose outputs are logits or a number; a task adds only how a sample looks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.samples import TargetKind


def probs(kind: TargetKind, outputs: np.ndarray, temperature: float) -> np.ndarray:
    """(N, K) calibrated probabilities; numbers come back as they are."""
    if kind == "number":
        return outputs.astype(np.float64)
    scaled = outputs.astype(np.float64) / temperature
    if kind == "multilabel":
        return np.asarray(0.5 + 0.5 * np.tanh(scaled / 2))  # the logistic function, without overflow
    e = np.exp(scaled - scaled.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def answer(kind: TargetKind, row: np.ndarray, classes: tuple[str, ...]) -> dict[str, Any]:
    """What `predict` says of one sample."""
    if kind == "number":
        return {"value": float(row[0])}
    if kind == "multilabel":
        said = [i for i in np.argsort(-row) if row[i] > 0.5]
        return {
            "labels": [classes[i] for i in said],
            "probabilities": {c: float(p) for c, p in zip(classes, row, strict=True)},
        }
    top = np.argsort(-row)[:5]
    return {
        "label": classes[int(top[0])],
        "probability": float(row[top[0]]),
        "top": [{"label": classes[int(i)], "probability": float(row[i])} for i in top],
    }
