"""The loop's records: when they come, what they count, and how training ends early."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from goodfit.core.errors import DataError
from goodfit.train.loop import Course, Meter, Position, plan_course

NOTHING: dict[str, float] = {}


def _never() -> bool:
    return False


def test_steps_are_epochs_times_whole_batches(loader: Any) -> None:
    assert plan_course(loader, 2.5).steps == 15  # 96 samples, batch 16: 6 steps a pass
    assert plan_course(loader, 2.5, accumulate=4).per_epoch == 1
    assert plan_course(loader, 0.01).steps == 1
    assert plan_course(loader, 1, accumulate=50).accumulate == 6


def test_loader_without_a_whole_batch_is_refused(new_loader: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match="no batch to train on; got 8 samples"):
        plan_course(new_loader(n=8), 1)


def test_a_record_comes_at_each_epochs_end_and_at_the_end(loader: Any, new_learner: Callable[..., Any]) -> None:
    records = list(new_learner(epochs=2.5).fit(loader, lambda: {"loss": 1.0}, None, _never))
    assert [(r.kind, r.step, r.steps, r.epoch) for r in records] == [
        ("epoch", 6, 15, 1),
        ("epoch", 12, 15, 2),
        ("epoch", 15, 15, 3),
    ]
    assert all(r.select == {"loss": 1.0} for r in records)
    assert all({"loss", "score", "grad_norm", "update_ratio"} == r.train.keys() for r in records)


def test_interval_records_come_every_planned_steps_within_a_pass(loader: Any, new_learner: Callable[..., Any]) -> None:
    records = list(new_learner(interval=2).fit(loader, dict, None, _never))
    assert [(r.kind, r.step) for r in records] == [
        ("interval", 2),
        ("interval", 4),
        ("epoch", 6),
        ("interval", 8),
        ("interval", 10),
        ("epoch", 12),
    ]
    assert records[0].select == NOTHING


def test_train_means_of_an_interval_are_since_the_epoch_began(loader: Any, new_learner: Callable[..., Any]) -> None:
    learner = new_learner(lr=1e-12, momentum=0.0, weight_decay=0.0, epochs=1, interval=3)
    half, whole = list(learner.fit(loader, dict, None, _never))
    first = next(iter(new_learner(lr=1e-12, epochs=0.5).fit(loader, dict, None, _never)))
    assert half.train["loss"] == pytest.approx(first.train["loss"], rel=1e-6)
    assert whole.train["loss"] != half.train["loss"]


def test_cost_holds_all_that_depends_on_the_clock(loader: Any, new_learner: Callable[..., Any]) -> None:
    cost = next(iter(new_learner().fit(loader, dict, None, _never))).cost
    assert cost.keys() == {"seconds", "samples_per_s", "wait_share", "rss_mb"}
    assert cost["samples_per_s"] == pytest.approx(96 / cost["seconds"])
    assert 0 <= cost["wait_share"] <= 1
    assert cost["rss_mb"] > 10


def test_stop_is_looked_at_before_every_step(loader: Any, new_learner: Callable[..., Any]) -> None:
    asked = iter([False] * 4 + [True])
    records = list(new_learner().fit(loader, dict, None, lambda: next(asked)))
    assert [(r.kind, r.step) for r in records] == [("stopped", 4)]


def test_stop_at_once_gives_a_record_without_means(loader: Any, new_learner: Callable[..., Any]) -> None:
    records = list(new_learner().fit(loader, dict, None, lambda: True))
    assert [(r.kind, r.step, r.train) for r in records] == [("stopped", 0, NOTHING)]


def test_divergence_ends_training_with_a_loss_that_is_not_a_number(
    loader: Any, new_learner: Callable[..., Any]
) -> None:
    records = list(new_learner(lr=1e30, optimizer="sgd", epochs=5).fit(loader, dict, None, _never))
    assert records[-1].kind == "stopped"
    assert not records[-1].train["loss"] < float("inf")
    assert records[-1].step < 30


def test_divergence_at_the_first_batch_of_a_pass_is_no_lack_of_batches(
    new_learner: Callable[..., Any], new_loader: Callable[..., Any]
) -> None:
    class Broken(type(new_loader())):  # type: ignore[misc]
        def epoch(self, number: int, start: int = 0, size: int = 0) -> Iterator[Any]:
            for batch in super().epoch(number, start, size):
                batch.inputs = batch.inputs * (float("nan") if number else 1.0)
                yield batch

    records = list(new_learner(epochs=2).fit(Broken(), dict, None, _never))
    assert [(r.kind, r.step) for r in records] == [("epoch", 6), ("stopped", 6)]
    assert not records[-1].train["loss"] < float("inf")


def test_finished_training_goes_on_with_nothing(loader: Any, new_learner: Callable[..., Any]) -> None:
    learner = new_learner()
    list(learner.fit(loader, dict, None, _never))
    assert list(new_learner().fit(loader, dict, learner.state(), _never)) == []


def test_growing_sizes_switch_within_a_pass_at_their_progress(loader: Any, new_learner: Callable[..., Any]) -> None:
    learner = new_learner(epochs=1, sizes=((0.0, 4), (0.5, 8)))
    record = next(iter(learner.fit(loader, dict, None, _never)))
    assert loader.asked == [(0, 0, 4), (0, 3, 8)]
    assert record.size == 8


def test_interval_counts_small_inputs_as_less_work(loader: Any, new_learner: Callable[..., Any]) -> None:
    learner = new_learner(epochs=2, sizes=((0.0, 4), (0.5, 8)), interval=1.0)
    steps = [r.step for r in learner.fit(loader, dict, None, _never) if r.kind == "interval"]
    assert steps == [4, 7, 8, 9, 10, 11]  # a 4-pixel step is a quarter of an 8-pixel one


def test_batches_that_run_out_end_the_pass_early(
    new_learner: Callable[..., Any], new_loader: Callable[..., Any]
) -> None:
    class Vanishing(type(new_loader())):  # type: ignore[misc]
        def epoch(self, number: int, start: int = 0, size: int = 0) -> Iterator[Any]:
            for n, batch in enumerate(super().epoch(number, start, size)):
                if number == 0 and n == 4:
                    return
                yield batch

    records = list(new_learner(epochs=2).fit(Vanishing(), dict, None, _never))
    assert [(r.kind, r.step, r.epoch) for r in records] == [("epoch", 4, 1), ("epoch", 10, 2), ("epoch", 12, 3)]


def test_a_pass_without_any_batch_is_an_error(new_learner: Callable[..., Any], new_loader: Callable[..., Any]) -> None:
    class Empty(type(new_loader())):  # type: ignore[misc]
        def epoch(self, number: int, start: int = 0, size: int = 0) -> Iterator[Any]:
            return iter(())

    with pytest.raises(DataError, match="a whole pass gave no batch"):
        list(new_learner().fit(Empty(), dict, None, _never))


def test_interval_is_measured_from_the_steps_own_time() -> None:
    at = Position()
    meter = Meter(Course(steps=100, per_epoch=100, checkpoint_seconds=60.0), at, lambda: None)
    meter.advance(1.0)
    assert not meter.due()
    for _ in range(3):
        time.sleep(0.2)
        meter.advance(1.0)
        meter.due()
    assert at.interval is not None
    assert (
        60 * 0.6 / 0.35 <= at.interval <= 60 * 0.6 / 0.2
    )  # steps of 0.2 s on a quiet machine, up to 0.35 on a busy one


def test_clock_free_parts_of_records_repeat_exactly(loader: Any, new_learner: Callable[..., Any]) -> None:
    def records() -> list[Any]:
        kept = list(new_learner(interval=4, net=None).fit(loader, lambda: {"loss": 0.5}, None, _never))
        return [(r.kind, r.step, r.epoch, r.train, r.select, r.lr, r.size) for r in kept]

    assert records() == records()
