"""Batch sizes against a memory model of 100 MB and 2 MB a sample."""

from __future__ import annotations

import pytest

from goodfit.core.errors import UsageError
from goodfit.train.batch_size import BatchPlan, fit_batch, halved, largest_batch


def _memory(samples: int) -> float:
    return 100 + 2.0 * samples


def test_largest_power_of_two_within_nine_tenths_of_the_memory() -> None:
    assert largest_batch(_memory, 500) == 128  # 356 MB; 256 samples would take 612
    assert largest_batch(_memory, 500, most=100) == 64
    assert largest_batch(_memory, 1e9, most=4096) == 4096


def test_wanted_batch_that_fits_is_left_alone() -> None:
    assert fit_batch(100, _memory, 500) == BatchPlan(batch_size=100, accumulate=1, memory_mb=300)


def test_wanted_batch_that_does_not_fit_is_accumulated() -> None:
    assert fit_batch(512, _memory, 500) == BatchPlan(batch_size=128, accumulate=4, memory_mb=356)
    assert fit_batch(500, _memory, 500).samples == 500


def test_batch_that_cannot_be_divided_evenly_gets_a_few_more() -> None:
    plan = fit_batch(301, _memory, 500)
    assert (plan.batch_size, plan.accumulate, plan.samples) == (101, 3, 303)


def test_no_room_for_one_sample_is_an_error_with_both_numbers() -> None:
    with pytest.raises(UsageError, match="got 102 MB needed; allowed: 90 MB"):
        largest_batch(_memory, 100)


def test_halving_keeps_the_samples_a_step() -> None:
    plan = halved(BatchPlan(batch_size=64, accumulate=2, memory_mb=228))
    assert plan is not None
    assert (plan.batch_size, plan.accumulate, plan.samples) == (32, 4, 128)
    assert halved(BatchPlan(batch_size=1, accumulate=8, memory_mb=102)) is None
