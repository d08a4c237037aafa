"""What the target asks of loss and answers: numbers in units of their own spread, uneven classes rebalanced.

Nets answer in a number's own units, losses see standard deviations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..core.recipe import Recipe
from ..core.samples import Schema
from ..train.losses import make_loss
from ..train.rebalance import answer_shift, class_loss


class Scaled(nn.Module):
    """A network whose output is in the target's own units; it names the roles that the net inside names."""

    def __init__(self, net: nn.Module, mean: float, std: float) -> None:
        super().__init__()
        self.net, self.mean, self.std = net, mean, std
        if callable(getattr(net, "roles", None)):
            self.roles: Any = net.roles

    def forward(self, x: Any) -> Tensor:
        """Inputs of the net inside -> (B, 1)."""
        return torch.as_tensor(self.net(x).float() * self.std + self.mean)


def target_loss(recipe: Recipe, schema: Schema) -> Callable[[Tensor, Tensor], Tensor]:
    """The recipe's loss; of a number in standard deviations of the target, of uneven classes as the recipe has it."""
    if schema.target_kind == "class":
        return class_loss(recipe.train, class_counts(schema))
    loss = make_loss(recipe.train)
    if schema.target_kind != "number":
        return loss
    mean, std = float(schema.facts["target_mean"]), float(schema.facts["target_std"])
    return lambda outputs, target: loss((outputs - mean) / std, (target - mean) / std)


def class_counts(schema: Schema) -> tuple[int, ...]:
    """(K,) training samples of each class; of a data set that was not prepared for training one each."""
    return tuple(schema.facts.get("class_counts", (1,) * len(schema.classes)))


def answer_decode(recipe: Recipe, schema: Schema) -> Callable[[Tensor, Any], Tensor] | None:
    """(outputs (B, K), inputs) -> answers: logits without the classes' shares, where the recipe wants it so."""
    if schema.target_kind != "class":
        return None
    shift = answer_shift(recipe.train, class_counts(schema))
    if shift is None:
        return None
    table = torch.from_numpy(shift)
    return lambda outputs, inputs: outputs.float() - table.to(outputs.device)


def made_up_target(schema: Schema, samples: int) -> Tensor:
    """A target for a probed step, of the kind and in the range of the real one."""
    if schema.target_kind == "class":
        return torch.arange(samples) % len(schema.classes)
    if schema.target_kind == "multilabel":
        return (torch.rand(samples, len(schema.classes)) < 0.3).float()
    return torch.randn(samples) * float(schema.facts["target_std"]) + float(schema.facts["target_mean"])
