"""When memory runs out: tell it from other faults, and give back what a failed step holds."""

from __future__ import annotations

import gc

_SAID = (  # by CUDA, HIP and MPS; by torch's allocator on Linux and on Windows; by cuBLAS and cuDNN
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "alloc_failed",
)


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory, of the device or of the machine, could not be had."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in _SAID)


def release() -> None:
    """Give unused memory back; call it outside the handler, whose traceback holds the tensors of the failed step."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
