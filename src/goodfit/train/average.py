"""A running average of a network's weights, which often predicts better than the last ones.

Source: Polyak and Juditsky 1992; the rising decay is TensorFlow's `ExponentialMovingAverage(num_updates)`.
"""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """An exponential moving average in a second network of the same shape.

    Args:
        net: the network that learns.
        decay: in [0, 1) a step; 0.999 remembers about 1,000 steps.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.net = copy.deepcopy(net).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """average <- d average + (1 - d) weights, with d = min(decay, (1 + step) / (10 + step)); counters are copied.

        Args:
            net: the network that learns.
            step: steps taken, this one included.
        """
        decay = min(self.decay, (1 + step) / (10 + step))
        mine, theirs = self.net.state_dict(), net.state_dict()
        floats = [name for name, value in mine.items() if value.is_floating_point()]
        torch._foreach_lerp_([mine[n] for n in floats], [theirs[n] for n in floats], 1 - decay)
        for name in mine.keys() - set(floats):
            mine[name].copy_(theirs[name])
