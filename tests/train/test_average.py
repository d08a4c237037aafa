"""The weight average against its formula."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from goodfit.train.average import Average


def test_average_moves_by_one_minus_decay(new_net: Callable[..., nn.Module]) -> None:
    net = new_net()
    average = Average(net, decay=0.9)
    before = average.net[0].weight.clone()
    with torch.no_grad():
        net[0].weight.add_(1.0)
        net[1].num_batches_tracked.fill_(5)
    average.update(net, step=1000)
    torch.testing.assert_close(average.net[0].weight, before + 0.1)
    assert average.net[1].num_batches_tracked == 5


def test_early_average_forgets_faster(new_net: Callable[..., nn.Module]) -> None:
    net = new_net()
    average = Average(net, decay=0.999)
    before = average.net[6].bias.clone()
    with torch.no_grad():
        net[6].bias.add_(1.0)
    average.update(net, step=1)
    torch.testing.assert_close(average.net[6].bias, before + 1 - 2 / 11)  # (1 + 1) / (10 + 1)
