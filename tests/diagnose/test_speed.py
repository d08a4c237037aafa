"""Input bottleneck: waiting counts after the first epoch, and only where it sums up."""

from types import SimpleNamespace

import pytest

from goodfit.diagnose.speed import look


def test_half_the_time_spent_waiting_is_a_bottleneck(kit: SimpleNamespace) -> None:
    finding = look(kit.evidence(records=kit.curve([2, 1, 1], wait=[0.0, 0.5, 0.5])))
    assert finding is not None
    assert (finding.numbers["share"], finding.numbers["waited"]) == (pytest.approx(0.5), pytest.approx(10.0))


def test_filling_the_cache_in_the_first_epoch_is_none(kit: SimpleNamespace) -> None:
    assert look(kit.evidence(records=kit.curve([2, 1, 1], wait=[0.9, 0.05, 0.05]))) is None


def test_a_run_of_a_second_is_too_short_to_tell(kit: SimpleNamespace) -> None:
    assert look(kit.evidence(records=kit.curve([2, 1, 1], wait=0.6, seconds=0.4))) is None


def test_records_without_times_say_nothing(kit: SimpleNamespace) -> None:
    assert look(kit.evidence(records=())) is None
