"""Losses and answers for uneven classes: weighted by class, or with the classes' shares taken out of the logits.

Sources: King and Zeng 2001 (inverse share); Cui et al. 2019, arXiv:1901.05555 (effective number); Menon et al. 2021,
arXiv:2007.07314 (logit adjustment, in the loss and after training), also Ren et al. 2020, arXiv:2007.10740.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.recipe import TrainSection
from ..stats.imbalance import effective_weight, inverse_share, log_prior
from .losses import Loss, make_loss

_BY_SHARE = ("logit_adjustment", "posthoc")


def class_weights(train: TrainSection, counts: Sequence[int]) -> np.ndarray | None:
    """(K,) weight of each class, 1 on the average sample; None where the recipe weighs none.

    Args:
        train: `rebalance` and `rebalance_strength` are read; strength 0 = all alike, 1 = as the rule says.
        counts: (K,) training samples of each class.
    """
    rules = {"weights": inverse_share, "effective": effective_weight}
    if train.rebalance not in rules:
        return None
    shares = np.asarray(counts, dtype=np.float64) / max(1, sum(counts))
    raw = rules[train.rebalance](counts)
    weight = np.where(raw > 0, np.maximum(raw, 1e-12) ** train.rebalance_strength, 0.0)
    return np.asarray(weight / (weight * shares).sum())


def class_loss(train: TrainSection, counts: Sequence[int]) -> Loss:
    """The loss of a target of classes, rebalanced as the recipe has it.

    Where logits are adjusted by the classes' shares, label smoothing follows the shares too. Smoothed evenly, a rare
    class has a floor far above its share, which the adjustment would turn into the answer: with 0.2 on CIFAR-10 with a
    long tail (100 to 1) that cost 9 points against doing nothing (one seed).

    Args:
        train: resolved.
        counts: (K,) training samples of each class.
    """
    mass = 0.0 if train.label_smoothing == "auto" else train.label_smoothing
    if train.rebalance not in _BY_SHARE or not mass:
        return rebalanced(make_loss(train), train, counts)
    loss = rebalanced(make_loss(train.model_copy(update={"label_smoothing": 0.0})), train, counts)
    prior = torch.from_numpy(np.exp(log_prior(counts))).float()

    def smoothed(outputs: Tensor, target: Tensor) -> Tensor:
        soft = target.float() if target.ndim == 2 else F.one_hot(target.long(), len(prior)).float()
        return loss(outputs, (1 - mass) * soft + mass * prior.to(outputs.device))

    return smoothed


def rebalanced(loss: Loss, train: TrainSection, counts: Sequence[int]) -> Loss:
    """A loss of classes as `train.rebalance` changes it; the same where that is done elsewhere or not at all.

    Args:
        loss: (outputs (B, K), target (B,) or (B, K)) -> (B,).
        train: resolved.
        counts: (K,) training samples of each class.
    """
    weight = class_weights(train, counts)
    if weight is not None:
        table = torch.from_numpy(weight).float()
        return lambda outputs, target: loss(outputs, target) * _of(table.to(outputs.device), target)
    if train.rebalance == "logit_adjustment":
        shift = train.rebalance_strength * torch.from_numpy(log_prior(counts)).float()
        return lambda outputs, target: loss(outputs.float() + shift.to(outputs.device), target)
    return loss


def _of(weight: Tensor, target: Tensor) -> Tensor:
    """(B,) weight of each sample; of a mixed target the mean over its parts."""
    return target.float() @ weight if target.ndim == 2 else weight[target.long()]


def answer_shift(train: TrainSection, counts: Sequence[int]) -> np.ndarray | None:
    """(K,) float32 that is taken off the logits at prediction; None where nothing is.

    Args:
        train: resolved; strength 1 answers as if all classes were equally frequent.
        counts: (K,) training samples of each class.
    """
    if train.rebalance != "posthoc":
        return None
    return (train.rebalance_strength * log_prior(counts)).astype(np.float32)
