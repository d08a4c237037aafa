"""What learners without gradients share: the whole table at once, a record, how outputs are laid out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from ..core.task import Loader, Record
from ..models.tabular_inputs import Encoded
from .loop import peak_rss_mb


class WholeLoader(Loader, Protocol):
    """A loader that can also give all its samples at once."""

    def whole(self) -> tuple[Encoded, np.ndarray]:
        """(rows, (N,) target) of all its samples, in the order of `positions`."""
        ...


def made_record(
    kind: str, step: int, steps: int, train: Mapping[str, float], select: Mapping[str, float], lr: float, cost: float
) -> Record:
    """A record of a learner whose step is one pass over all samples.

    Args:
        kind: as in `core.task.Record`.
        step: taken.
        steps: planned.
        train: loss on the training samples.
        select: measured on select.
        lr: of the last step, 0 where it has no meaning.
        cost: seconds since the last record.
    """
    seconds = max(cost, 1e-9)
    costs = {"seconds": seconds, "samples_per_s": 0.0, "wait_share": 0.0, "rss_mb": peak_rss_mb()}
    return Record(kind=kind, step=step, steps=steps, epoch=step, train=train, select=dict(select), lr=lr, cost=costs)


def as_logits(raw: np.ndarray) -> np.ndarray:
    """(N, K) float32 logits of class scores; log odds of the second of two classes become two columns."""
    scores = raw.reshape(len(raw), -1)
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], 1)
    return scores.astype(np.float32)
