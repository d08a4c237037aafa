"""When the ladder is climbed: capacity must be what is missing, and the next rung must fit the time left."""

from __future__ import annotations

from typing import Any

import pytest

from goodfit.core.messages import LANGUAGES, say
from goodfit.core.task import Record
from goodfit.search.ladder import PERFECT, WORTH, Decision, Step, decide


def step(train: float, select: float, **more: Any) -> Step:
    plain = {"rung": "small_s", "higher_is_better": True, "worst": 0.1, "records": (), "seconds": 10.0}
    return Step(train=train, select=select, **{**plain, **more})


def epochs(*losses: float) -> tuple[Record, ...]:
    """Epochs of 50 steps with these train losses."""
    return tuple(
        Record(kind="epoch", step=50 * n, steps=50 * len(losses), epoch=n, train={"loss": loss}, select={}, lr=0.1)
        for n, loss in enumerate(losses, 1)
    )


FALLING = (2.0, 1.8, 1.6, 1.4, 1.2, 1.0)
SETTLED = (2.0, 1.2, 1.0, 0.99, 0.99, 0.99)


def climb(step: Step, cost: float = 10.0, left: float = 100.0, before: Step | None = None) -> Decision:
    return decide(step, "small_m", cost, left, before)


def test_rung_that_cannot_fit_its_training_samples_is_left_for_a_larger_one() -> None:
    decision = climb(step(train=0.80, select=0.78))
    assert (decision.climb, decision.why) == (True, "ladder.capacity")
    assert decision.numbers["gap"] == pytest.approx(0.02)


def test_top_of_the_ladder_stays() -> None:
    assert decide(step(0.5, 0.5), None, 0.0, 1e9).why == "ladder.top"


def test_rung_that_costs_more_than_is_left_is_not_climbed() -> None:
    decision = climb(step(0.5, 0.5), cost=100.1, left=100.0)
    assert (decision.climb, decision.why) == (False, "ladder.unaffordable")
    assert climb(step(0.5, 0.5), cost=100.0, left=100.0).climb


@pytest.mark.parametrize(("train", "why"), [(PERFECT, "ladder.train_perfect"), (PERFECT - 0.01, "ladder.capacity")])
def test_perfect_score_on_train_means_capacity_has_nothing_left_to_learn(train: float, why: str) -> None:
    assert climb(step(train=train, select=train)).why == why


@pytest.mark.parametrize(("train", "why"), [(0.95, "ladder.gap"), (0.91, "ladder.gap"), (0.89, "ladder.capacity")])
def test_error_on_train_below_half_the_error_on_select_is_a_gap_that_capacity_does_not_close(
    train: float, why: str
) -> None:
    assert WORTH == 0.5
    assert climb(step(train=train, select=0.8)).why == why  # the error on select is 0.2


def test_chance_on_both_sides_is_a_reason_to_climb() -> None:
    assert climb(step(train=0.1, select=0.1)).why == "ladder.chance"


def test_climb_that_brought_nothing_is_the_last() -> None:
    below = step(train=0.7, select=0.71, rung="small_xs")
    assert climb(step(train=0.72, select=0.71), before=below).why == "ladder.no_gain"
    assert climb(step(train=0.72, select=0.72), before=below).climb


def test_metric_that_falls_towards_the_better_is_judged_the_same_way_round() -> None:
    number = {"higher_is_better": False, "worst": 5.0}
    assert climb(step(train=2.0, select=2.1, **number)).why == "ladder.capacity"
    assert climb(step(train=0.5, select=2.0, **number)).why == "ladder.gap"
    assert climb(step(train=2.0, select=2.1, **number), before=step(2.0, 2.0, **number)).why == "ladder.no_gain"


@pytest.mark.parametrize(
    ("losses", "full", "why"),
    [
        ((1.9,), False, "ladder.one_pass"),
        ((2.0, 1.7), False, "ladder.short"),
        (FALLING, False, "ladder.short"),
        (SETTLED, False, "ladder.capacity"),
        (SETTLED, True, "ladder.capacity"),
        (FALLING, True, "ladder.or_longer"),
        ((2.0, 1.7), True, "ladder.or_longer"),
        ((1.0, 1.2, 0.9, 1.1, 1.0, 1.15), True, "ladder.capacity"),
    ],
)
def test_reason_to_climb_says_what_the_curve_can_show(losses: tuple[float, ...], full: bool, why: str) -> None:
    decision = climb(step(0.5, 0.5, records=epochs(*losses), full=full))
    assert (decision.climb, decision.why) == (True, why)
    assert decision.numbers["steps"] == 50 * len(losses)
    assert (decision.numbers["loss_first"], decision.numbers["loss_last"]) == (losses[0], losses[-1])


def test_full_training_that_still_learned_names_longer_training_as_the_alternative() -> None:
    decision = climb(step(0.5, 0.5, records=epochs(*FALLING), full=True))
    assert decision.numbers["alternative"] == "longer"
    assert decision.numbers["fall"] == pytest.approx(0.4)  # three epochs of 0.2 each, from the first to the last
    assert "alternative" not in climb(step(0.5, 0.5, records=epochs(*FALLING))).numbers


def test_curve_changes_no_decision_to_stay() -> None:
    for losses in (FALLING, SETTLED):
        assert climb(step(0.95, 0.8, records=epochs(*losses), full=True)).why == "ladder.gap"
        assert climb(step(1.0, 0.9, records=epochs(*losses), full=True)).why == "ladder.train_perfect"


@pytest.mark.parametrize(
    ("here", "left", "before"),
    [
        (step(0.5, 0.5, records=epochs(1.9)), 1e9, None),
        (step(0.5, 0.5, records=epochs(*FALLING)), 1e9, None),
        (step(0.5, 0.5, records=epochs(*FALLING), full=True), 1e9, None),
        (step(0.5, 0.5), 1e9, None),
        (step(0.5, 0.5), 1.0, None),
        (step(1.0, 0.9), 1e9, None),
        (step(0.95, 0.8), 1e9, None),
        (step(0.1, 0.1), 1e9, None),
        (step(0.5, 0.5), 1e9, step(0.5, 0.6)),
    ],
)
def test_every_decision_has_its_sentence_in_both_languages(here: Step, left: float, before: Step | None) -> None:
    decision = climb(here, left=left, before=before)
    for lang in LANGUAGES:
        assert "small_s" in say(f"ledger.{decision.why}", lang, **decision.numbers)
