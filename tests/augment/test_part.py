"""Samples taken and put back are those and no others, in any layout."""

import numpy as np
import torch

from goodfit.augment import part


def test_what_is_put_comes_back_and_the_rest_stays_also_where_planes_lie_apart() -> None:
    for batch in (torch.zeros(5, 4, 4, 3), torch.zeros(5, 3, 4, 4).permute(0, 2, 3, 1)):
        part.put(batch, np.array([3, 1]), torch.arange(96.0).view(2, 4, 4, 3))
        assert torch.equal(part.take(batch, np.array([1, 3])), torch.arange(96.0).view(2, 4, 4, 3).flip(0))
        assert batch[[0, 2, 4]].abs().sum().item() == 0


def test_taken_samples_are_copies() -> None:
    batch = torch.zeros(3, 2)
    part.take(batch, np.array([0])).add_(1)
    assert batch.sum().item() == 0
