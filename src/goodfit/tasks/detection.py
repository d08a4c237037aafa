"""Which things are in a picture, and where."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..augment.box_options import BoxAugment
from ..core.task import Task
from ..stats.boxes import SAID, calibrated, decisions
from ..stats.calibration import fit_temperature
from .box_metrics import MAP, MAP50, MAP75, MISS_RATE, RECALL
from .detection_learner import cost, learner, memory, rebuild, trial
from .detection_loaders import loader, remember, warm
from .detection_plan import grow, ladder, probe_samples, settle
from .detection_show import show, show_answer
from .images import open_samples
from .metrics import table


def probs(outputs: np.ndarray, temperature: float) -> np.ndarray:
    """(N, D, 6) the same boxes with calibrated probabilities for scores."""
    return calibrated(outputs, temperature)


def temperature(outputs: np.ndarray, target: np.ndarray) -> float:
    """Fitted on the boxes found, each right or wrong at IoU 0.5."""
    score, right = decisions(target, outputs)
    score = np.clip(score, 1e-6, 1 - 1e-6)
    return fit_temperature(np.log(score / (1 - score)), right) if len(right) else 1.0


def answer(row: np.ndarray, classes: tuple[str, ...]) -> dict[str, Any]:
    """What `predict` says of one picture: boxes as label, probability and corners x1, y1, x2, y2 in its pixels."""
    return {
        "boxes": [
            {
                "label": classes[int(box[0])],
                "probability": float(box[1]),
                "box": [round(float(corner), 1) for corner in box[2:6]],
            }
            for box in row
            if box[0] >= 0 and box[1] >= SAID
        ]
    }


TASK = Task(
    name="detection",
    metric=MAP.name,
    metrics=table(MAP, MAP50, MAP75, RECALL, MISS_RATE),
    augment_options=BoxAugment,
    settle=settle,
    ladder=ladder,
    warm=warm,
    loader=loader,
    learner=learner,
    trial=trial,
    probe_samples=probe_samples,
    rebuild=rebuild,
    probs=probs,
    answer=answer,
    open_samples=open_samples,
    show=show,
    show_answer=show_answer,
    remember=remember,
    grow=grow,
    cost=cost,
    memory=memory,
    temperature=temperature,
    decisions=decisions,
)
