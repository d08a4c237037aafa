"""Nets that name their layers: each has its own rate, and they thaw one after the other from the top."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from goodfit.core.errors import RecipeError
from goodfit.core.recipe import TrainSection
from goodfit.train.optim import build_optimizer, depth_of, roles_of

from .conftest import RESOLVED, TinyLoader, make_learner


class Layered(nn.Module):
    """Three layers and a head; the lowest is `below.2`."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.low, self.middle, self.top, self.head = (
            nn.Linear(192, 8),
            nn.Linear(8, 8),
            nn.Linear(8, 8),
            nn.Linear(8, 2),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in (self.low, self.middle, self.top):
            x = layer(x.flatten(1)).relu()
        return torch.as_tensor(self.head(x))

    def roles(self) -> dict[str, list[nn.Parameter]]:
        return {
            "head": list(self.head.parameters()),
            "kernels": [self.top.weight],
            "offsets": [self.top.bias],
            "below.1": list(self.middle.parameters()),
            "below.2": list(self.low.parameters()),
        }


def test_rate_falls_from_layer_to_layer() -> None:
    train = TrainSection(**{**RESOLVED, "optimizer": "adamw", "lr": 0.1, "layer_decay": 0.5, "backbone_lr": 0.2})
    groups = build_optimizer(roles_of(Layered()), train, batch_size=16).groups
    peaks = {group["role"]: group["peak"] for group in groups}
    assert peaks == pytest.approx({"head": 0.1, "kernels": 0.02, "offsets": 0.02, "below.1": 0.01, "below.2": 0.005})
    assert [depth_of(role) for role in ("head", "kernels", "below.1", "below.12")] == [0, 0, 1, 12]


def test_muon_refuses_layers_that_have_rates_of_their_own() -> None:
    train = TrainSection(**{**RESOLVED, "optimizer": "muon", "layer_decay": 0.5})
    with pytest.raises(RecipeError, match="muon knows no layers"):
        build_optimizer(roles_of(Layered()), train, batch_size=16)


@pytest.mark.parametrize(
    ("keys", "moved"),
    [
        ({"freeze": 0.0, "unfreeze": 0.0}, [4, 4, 4, 4, 4, 4]),
        ({"freeze": 0.5, "unfreeze": 0.0}, [1, 1, 1, 4, 4, 4]),
        ({"freeze": 1 / 3, "unfreeze": 0.5}, [1, 1, 2, 3, 4, 4]),
    ],
)
def test_layers_thaw_from_the_top(keys: dict[str, Any], moved: list[int]) -> None:
    """How many of head, top, middle, low move in each of six steps."""
    learner = make_learner(Layered(), epochs=1, batch_size=16, **keys)
    layers = [learner.net.head, learner.net.top, learner.net.middle, learner.net.low]
    found: list[int] = []
    before = [layer.weight.detach().clone() for layer in layers]

    def look() -> None:
        nonlocal before
        now = [layer.weight.detach().clone() for layer in layers]
        found.append(sum(not torch.equal(a, b) for a, b in zip(before, now, strict=True)))
        before = now

    learner._after_step = look  # type: ignore[method-assign]
    list(learner.fit(TinyLoader(), dict, None, lambda: False))
    assert found == moved
