"""A tiny problem in memory: 96 pictures of 8 x 8 whose class is the sign of their mean, a net of 200 weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from goodfit.core import randomness
from goodfit.core.recipe import TrainSection
from goodfit.core.task import Batch
from goodfit.engine.engine import Engine
from goodfit.train.learners import TorchLearner
from goodfit.train.losses import make_loss

N, SIDE = 96, 8
RESOLVED = {
    "epochs": 2,
    "batch_size": 16,
    "optimizer": "sgd",
    "lr": 0.05,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "loss": "ce",
    "label_smoothing": 0.0,
    "schedule": "cosine",
    "warmup": 0.0,
    "patience": 5,
}


class TinyLoader:
    """Shuffled batches by (seed, epoch); remembers what it was asked for."""

    parts = 1

    def __init__(self, batch_size: int = 16, training: bool = True, n: int = N) -> None:
        generator = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(n, 3, SIDE, SIDE, generator=generator) + 0.3 * torch.randn(
            n, 1, 1, 1, generator=generator
        )
        self.target = (self.inputs.mean((1, 2, 3)) > 0).long()
        self.batch_size, self.training = batch_size, training
        self.steps_per_epoch = n // batch_size if training else -(-n // batch_size)
        self.asked: list[tuple[int, int, int]] = []

    def __len__(self) -> int:
        return len(self.target)

    def epoch(self, number: int, start: int = 0, size: int = 0) -> Iterator[Batch]:
        self.asked.append((number, start, size))
        n = len(self)
        order = randomness.permutation(7, number, n) if self.training else np.arange(n)
        for step in range(start, self.steps_per_epoch):
            rows = order[step * self.batch_size : (step + 1) * self.batch_size]
            inputs = self.inputs[rows]
            yield Batch(
                inputs=F.interpolate(inputs, size=(size, size)) if size else inputs,
                target=self.target[rows],
                positions=rows,
            )


def tiny_net(dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(6, 2),
    )


class OwnNet(nn.Module):
    """A net that names its roles, as our small family does."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.stem = nn.Conv2d(3, 4, 2)
        self.stem.weight.requires_grad_(False)
        self.conv = nn.Conv2d(4, 6, 3, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.norm.weight.requires_grad_(False)
        self.head = nn.Linear(6, 2, bias=False)

    def roles(self) -> dict[str, list[nn.Parameter]]:
        return {
            "kernels": [self.conv.weight],
            "offsets": [self.norm.bias],
            "stem_bias": [self.stem.bias],
            "head": [self.head.weight],
        }

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(F.gelu(self.norm(self.conv(F.gelu(self.stem(x))))).amax((2, 3))) / 6


def accuracy(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (outputs.argmax(1) == target).float()


def make_learner(net: nn.Module | None = None, precision: str = "fp32", **keys: Any) -> TorchLearner:
    """A learner of the tiny problem; `keys` change its train section, or arguments of its own such as `interval`."""
    own = {k: keys.pop(k) for k in ("interval", "views", "roles", "checkpoint_seconds") if k in keys}
    size = keys.pop("size", SIDE)
    train = TrainSection(**{**RESOLVED, **keys})
    return TorchLearner(
        net=net if net is not None else tiny_net(),
        family="cnn",
        loss=make_loss(train),
        score=accuracy,
        engine=Engine(device="cpu", precision=precision, layout="contiguous", threads=1),
        train=train,
        seed=3,
        size=size,
        **own,
    )


@pytest.fixture
def loader() -> TinyLoader:
    return TinyLoader()


@pytest.fixture
def new_loader() -> Callable[..., TinyLoader]:
    return TinyLoader


@pytest.fixture
def new_learner() -> Callable[..., TorchLearner]:
    return make_learner


@pytest.fixture
def new_net() -> Callable[..., nn.Module]:
    return tiny_net


@pytest.fixture
def new_own_net() -> type[OwnNet]:
    return OwnNet
