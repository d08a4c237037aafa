"""Take some samples of a batch, and put them back.

On the processor through NumPy, which copies whole samples where PyTorch's index goes number by number: 8 to 20 times
faster on uint8 pictures.
"""

from __future__ import annotations

import numpy as np
import torch


def take(batch: torch.Tensor, at: np.ndarray) -> torch.Tensor:
    """A copy of the samples `at` (K,) of (B, ...)."""
    if batch.device.type == "cpu":
        return torch.from_numpy(batch.numpy()[at])
    return batch[torch.from_numpy(at).to(batch.device)]


def put(batch: torch.Tensor, at: np.ndarray, samples: torch.Tensor) -> None:
    """Write samples (K, ...) of the batch's device over those `at` (K,)."""
    if batch.device.type == "cpu":
        batch.numpy()[at] = samples.numpy()
    else:
        batch[torch.from_numpy(at).to(batch.device)] = samples.to(batch.dtype)
