"""Heads: find the layer that gives the outputs, read what it sees, replace it for another number of classes.

Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning", arXiv:1801.06146 (a new head on an old backbone).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ..core.errors import RecipeError


def head_name(net: nn.Module) -> str:
    """Dotted name of the layer that gives the outputs: the last linear layer or 1x1 convolution."""
    if isinstance(said := getattr(net, "pretrained_cfg", None), dict) and "classifier" in said:
        if isinstance(said["classifier"], str):
            return said["classifier"]
        raise _unusable("networks with two heads are not supported", net)
    names = [n for n, m in net.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    if not names:
        raise _unusable("this network has no head to replace", net)
    return names[-1]


def head_of(net: nn.Module) -> nn.Module:
    """The layer that gives the outputs; everything else is the backbone."""
    return net.get_submodule(head_name(net))


@torch.no_grad()
def features(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What the head sees.

    Args:
        net: any network built here; put into eval mode by the caller.
        x: (B, 3, H, W) normalised.
    Returns: (B, D) float32; maps are averaged over their pixels.
    """
    seen: list[torch.Tensor] = []
    handle = head_of(net).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        net(x)
    finally:
        handle.remove()
    found = seen[0].float()
    return found.mean(tuple(range(2, found.ndim))) if found.ndim > 2 else found


def silence(net: nn.Module) -> None:
    """Switch the library's own dropout off: the recipe says what is dropped, before the head."""
    for module in net.modules():
        if isinstance(module, nn.Dropout) and module.p > 0:
            module.p = 0.0
    if isinstance(getattr(net, "drop_rate", None), float):
        net.drop_rate = 0.0  # type: ignore[assignment]  # timm applies it in its forward pass


def new_head(net: nn.Module, outputs: int, dropout: float) -> None:
    """Replace the layer that gives the outputs by a fresh one with dropout on what it sees.

    Raises: RecipeError if it is neither linear nor a convolution.
    """
    name = head_name(net)
    parent, _, leaf = name.rpartition(".")
    old, room = net.get_submodule(name), net.get_submodule(parent)
    if isinstance(old, nn.Linear):
        setattr(room, leaf, Head(old.in_features, outputs, dropout))
    elif isinstance(old, nn.Conv2d):
        setattr(room, leaf, MapHead(old.in_channels, outputs, dropout))
        follower = str(int(leaf) + 1) if leaf.isdigit() else ""
        if follower and isinstance(getattr(room, follower, None), nn.ReLU):
            setattr(room, follower, nn.Identity())  # SqueezeNet: logits may be negative
    else:
        raise _unusable("the head of this network cannot be replaced", old)


def _unusable(wrong: str, module: nn.Module) -> RecipeError:
    do = "choose another network, for example torchvision/resnet18"
    return RecipeError(wrong, got=type(module).__name__, do=do, where="model.name")


class Head(nn.Linear):
    """A linear layer with dropout on what it sees, under the tensor names of a plain one."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__(inputs, outputs)
        self.dropout = dropout
        nn.init.normal_(self.weight, 0, 0.01)  # torchvision's MobileNetV2: first outputs near 0
        nn.init.zeros_(self.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., inputs) -> (..., outputs)."""
        return super().forward(F.dropout(x, self.dropout, self.training))


class MapHead(nn.Conv2d):
    """A 1x1 convolution with dropout, for nets that average over pixels behind their head."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__(inputs, outputs, 1)
        self.dropout = dropout
        nn.init.normal_(self.weight, 0, 0.01)
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        return super().forward(F.dropout(x, self.dropout, self.training))
