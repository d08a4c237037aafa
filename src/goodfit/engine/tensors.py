"""Tensors as bytes and their digest, as checkpoints and model folders store them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.torch
import torch


def to_bytes(tensors: Mapping[str, Any], header: Mapping[str, str] | None = None) -> bytes:
    """A safetensors file in memory.

    Args:
        tensors: name -> torch tensor or numpy array, on any device.
        header: text to keep in the file's header.
    """
    as_tensor = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in tensors.items()}
    plain = {k: v.detach().cpu().contiguous() for k, v in as_tensor.items()}
    return safetensors.torch.save(plain, metadata=dict(header) if header else None)


def digest(data: bytes) -> str:
    """40 hex digits of BLAKE2b."""
    return hashlib.blake2b(data, digest_size=20).hexdigest()
