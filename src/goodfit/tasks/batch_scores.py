"""The per-sample values of some metrics as torch functions, so that training batches are scored on their device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from ..train.losses import bce, ce, mae, mse, pinball


def accuracy(outputs: Tensor, target: Tensor) -> Tensor:
    """(B,) right or wrong; a mixed target counts as its larger part.

    Args:
        outputs: (B, K) logits.
        target: (B,) class indices, or (B, K) probabilities (mixup).
    """
    hard = target.argmax(1) if target.ndim == 2 else target
    return (outputs.argmax(1) == hard).float()


def f1_samples(outputs: Tensor, target: Tensor) -> Tensor:
    """(B,) F1 of each sample's labels, 1 where none is there and none is said; outputs and target (B, K)."""
    said, real = outputs > 0, target > 0.5
    total = said.sum(1) + real.sum(1)
    return torch.where(total == 0, 1.0, 2 * (said & real).sum(1) / total.clamp_min(1))


# Name of a metric -> (outputs, target) -> (B,) values whose mean it is; others, such as a macro F1, have none.
BATCH_SCORES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "accuracy": accuracy,
    "log_loss": ce,
    "f1_samples": f1_samples,
    "bce": bce,
    "mae": mae,
    "mse": mse,
    "pinball_10": partial(pinball, quantile=0.1),
    "pinball_50": partial(pinball, quantile=0.5),
    "pinball_90": partial(pinball, quantile=0.9),
}
