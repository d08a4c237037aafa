"""Batch sizes by memory: the largest that fits, and how to keep a wanted one by accumulation where it does not.

Source: the halving on overflow is that of Hugging Face accelerate's `find_executable_batch_size`; here it is predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..core.errors import UsageError

_HEADROOM = 0.9  # share of the free memory that may be used: predictions leave out the library's own workspace


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """How many samples go through the net at once, and how often before a step.

    Attributes:
        batch_size: samples of a micro-batch.
        accumulate: micro-batches a step.
        memory_mb: predicted for it.
    """

    batch_size: int
    accumulate: int
    memory_mb: float

    @property
    def samples(self) -> int:
        """Samples a step."""
        return self.batch_size * self.accumulate


class NothingFits(UsageError):
    """Choose a smaller `model.name` or `model.size`, or raise `target.memory_mb`."""

    def __init__(self, needed_mb: float, limit_mb: float) -> None:
        self.needed_mb, self.limit_mb = needed_mb, limit_mb
        super().__init__(
            "not even one sample fits the memory",
            got=f"{needed_mb:.3g} MB needed",
            allowed=f"{limit_mb:.3g} MB",
            do="choose a smaller model.name or model.size, or raise target.memory_mb",
        )


def largest_batch(memory_mb: Callable[[int], float], limit_mb: float, most: int = 4096) -> int:
    """The largest power of two that fits.

    Args:
        memory_mb: samples -> predicted training memory, rising.
        limit_mb: memory that may be used.
        most: largest size looked at.
    Raises: NothingFits if not even one sample fits.
    """
    fitting = [2**i for i in range(most.bit_length()) if 2**i <= most and memory_mb(2**i) <= limit_mb * _HEADROOM]
    if not fitting:
        raise NothingFits(memory_mb(1), limit_mb * _HEADROOM)
    return max(fitting)


def fit_batch(wanted: int, memory_mb: Callable[[int], float], limit_mb: float) -> BatchPlan:
    """The wanted number of samples a step, in as few micro-batches as the memory allows.

    Args:
        wanted: samples a step.
        memory_mb: samples -> predicted training memory, rising.
        limit_mb: memory that may be used.
    Returns: micro-batches of equal size; `samples` is `wanted`, or a few more where it cannot be divided evenly.
    Raises: NothingFits if not even one sample fits.
    """
    if memory_mb(wanted) <= limit_mb * _HEADROOM:
        return BatchPlan(batch_size=wanted, accumulate=1, memory_mb=memory_mb(wanted))
    largest = largest_batch(memory_mb, limit_mb, wanted)
    accumulate = -(-wanted // largest)
    size = -(-wanted // accumulate)
    return BatchPlan(batch_size=size, accumulate=accumulate, memory_mb=memory_mb(size))


def halved(plan: BatchPlan) -> BatchPlan | None:
    """The same samples a step in micro-batches of half the size, after memory ran out; None when at one sample."""
    if plan.batch_size == 1:
        return None
    size = -(-plan.batch_size // 2)
    accumulate = -(-plan.samples // size)
    return BatchPlan(batch_size=size, accumulate=accumulate, memory_mb=plan.memory_mb * size / plan.batch_size)
