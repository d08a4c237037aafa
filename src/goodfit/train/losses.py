"""Losses as functions from (outputs, target) to one value a sample, so that weights and means are decided in one place.

Source: Goodfellow, Bengio and Courville 2016, "Deep Learning", chapter 6, for the plain ones; others as named below.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.catalog import Catalog
from ..core.recipe import TrainSection

Loss = Callable[[Tensor, Tensor], Tensor]


def make_loss(train: TrainSection) -> Loss:
    """The loss that a resolved train section names.

    Args:
        train: `loss`, `label_smoothing`, `focal_gamma`, `huber_delta` and `quantile` are read.
    Returns: (outputs (B, K), target) -> (B,) float32 values.
    Raises: UsageError if the loss is unknown or still `auto`.
    """
    smoothing = 0.0 if train.label_smoothing == "auto" else train.label_smoothing
    options: dict[str, dict[str, float]] = {
        "ce": {"smoothing": smoothing},
        "focal": {"gamma": train.focal_gamma, "smoothing": smoothing},
        "bce": {"smoothing": smoothing},
        "huber": {"delta": train.huber_delta},
        "quantile": {"quantile": train.quantile},
    }
    return partial(LOSSES[train.loss], **options.get(train.loss, {}))


def weighted_mean(values: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean of per-sample values, or sum(w * v) / sum(w).

    Args:
        values: (B,).
        weight: (B,) non-negative sample weights, not all zero; None = all equal.
    """
    if weight is None:
        return values.mean()
    return (values * weight).sum() / weight.sum()


def ce(outputs: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy, -sum_k t_k log p_k, with the target t mixed with the uniform distribution.

    Args:
        outputs: (B, K) logits.
        target: (B,) class indices, or (B, K) probabilities (mixup).
        smoothing: share e in [0, 1) of uniform mass: t <- (1 - e) t + e / K; 0 = none.
    Source: Szegedy et al. 2016, "Rethinking the Inception Architecture", arXiv:1512.00567.
    """
    return F.cross_entropy(outputs.float(), _soft_or_index(target), label_smoothing=smoothing, reduction="none")


def focal(outputs: Tensor, target: Tensor, gamma: float = 2.0, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy with each class's term scaled by (1 - p_k)^gamma, so that easy samples count less.

    Args:
        outputs: (B, K) logits.
        target: (B,) class indices, or (B, K) probabilities.
        gamma: 0 = cross-entropy; larger = more weight on hard samples.
        smoothing: as in `ce`.
    Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", arXiv:1708.02002 (softmax form).
    """
    log_probs = F.log_softmax(outputs.float(), dim=1)  # (B, K)
    soft = _soft(target, outputs.shape[1])
    soft = (1 - smoothing) * soft + smoothing / outputs.shape[1]
    return -(soft * (1 - log_probs.exp()).pow(gamma) * log_probs).sum(1)


def bce(outputs: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
    """Binary cross-entropy of each class's sigmoid, averaged over classes.

    Args:
        outputs: (B, K) logits.
        target: (B, K) in {0, 1} or between, or (B,) class indices.
        smoothing: target <- (1 - e) target + e / 2.
    """
    soft = (1 - smoothing) * _soft(target, outputs.shape[1]) + smoothing / 2
    return F.binary_cross_entropy_with_logits(outputs.float(), soft, reduction="none").mean(1)


def mse(outputs: Tensor, target: Tensor) -> Tensor:
    """Squared error; outputs (B, 1) or (B, D), target (B,) or (B, D); averaged over D."""
    return (_columns(outputs) - _columns(target)).square().mean(1)


def mae(outputs: Tensor, target: Tensor) -> Tensor:
    """Absolute error; shapes as in `mse`."""
    return (_columns(outputs) - _columns(target)).abs().mean(1)


def huber(outputs: Tensor, target: Tensor, delta: float = 1.0) -> Tensor:
    """r^2 / 2 for |r| <= delta, else delta (|r| - delta / 2); shapes as in `mse`.

    Source: Huber 1964, "Robust Estimation of a Location Parameter".
    """
    return F.huber_loss(_columns(outputs), _columns(target), reduction="none", delta=delta).mean(1)


def pinball(outputs: Tensor, target: Tensor, quantile: float = 0.5) -> Tensor:
    """max(q r, (q - 1) r) of the residual r = target - output, whose best constant is the q-quantile; shapes as `mse`.

    Source: Koenker and Bassett 1978, "Regression Quantiles".
    """
    residual = _columns(target) - _columns(outputs)
    return torch.maximum(quantile * residual, (quantile - 1) * residual).mean(1)


LOSSES: Catalog[Callable[..., Tensor]] = Catalog(
    "loss", {"ce": ce, "focal": focal, "bce": bce, "mse": mse, "mae": mae, "huber": huber, "quantile": pinball}
)


def _soft_or_index(target: Tensor) -> Tensor:
    return target.float() if target.ndim == 2 else target.long()


def _soft(target: Tensor, classes: int) -> Tensor:
    return target.float() if target.ndim == 2 else F.one_hot(target.long(), classes).float()


def _columns(x: Tensor) -> Tensor:
    return x.float().reshape(len(x), -1)
