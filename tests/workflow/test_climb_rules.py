"""The rules of the climb on plans with a known price: trials stay short, the last training fits, limits drop rungs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodfit.core.errors import BudgetError, UsageError
from goodfit.core.messages import LANGUAGES, say
from goodfit.core.recipe import Recipe
from goodfit.core.task import Rung
from goodfit.search.ladder import Step
from goodfit.train.batch_size import NothingFits
from goodfit.workflow import candidates, climb, crown, lengths
from goodfit.workflow import session as session_room
from goodfit.workflow.lengths import (
    FULL_SECONDS,
    FULL_SHARE,
    FULL_TRIAL,
    HOLD,
    LEAST_EPOCHS,
    LONGER,
    TRIAL_PART,
    TRIAL_SHARE,
)
from goodfit.workflow.planning import Plan
from goodfit.workflow.session import Session

from .stage import candidate, pricer, session


@pytest.fixture
def price(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the seconds that one sample costs."""

    def price_at(seconds: float) -> None:
        monkeypatch.setattr(session_room, "make_plan", pricer(seconds))

    return price_at


def rungs(stage: Session) -> list[Rung]:
    return list(stage.data.task.ladder(stage.asked, stage.data.schema, stage.data.counts))


def spoken(line: dict[str, Any]) -> None:
    for lang in LANGUAGES:
        assert say(f"ledger.{line['why']}", lang, **line["numbers"])


# trials ------------------------------------------------------------------------------------------------------------


def test_cheap_rung_is_trained_in_full_at_once(tmp_path: Path, price: Any) -> None:
    price(1e-4)
    stage = session(tmp_path, 600.0)
    line = lengths.trial_length(stage, rungs(stage)[0], {})
    assert line["why"] == "trial.full"
    assert 2 * line["numbers"]["seconds"] <= FULL_SHARE * stage.left
    spoken(line)


def test_costly_rung_gets_a_trial_of_a_small_share_of_the_budget(tmp_path: Path, price: Any) -> None:
    price(5e-3)
    stage = session(tmp_path, 600.0)
    line = lengths.trial_length(stage, rungs(stage)[0], {})
    assert line["why"] == "trial.short"
    assert line["numbers"]["full"] is False
    assert 0.8 * TRIAL_SHARE * 600 < line["numbers"]["seconds"] <= TRIAL_SHARE * 600
    spoken(line)


def test_rung_that_costs_minutes_gets_a_sixth_of_its_passes_at_any_budget(tmp_path: Path, price: Any) -> None:
    price(5e-3)
    stage = session(tmp_path, 2400.0)
    line = lengths.trial_length(stage, rungs(stage)[0], {})
    wanted = float(pricer(5e-3)(rungs(stage)[0].apply(Recipe()), stage.data).recipe.train.epochs)
    assert wanted * line["numbers"]["seconds"] / line["value"] > max(FULL_SECONDS, FULL_TRIAL * 2400)
    assert line["why"] == "trial.short"
    assert line["value"] <= TRIAL_PART * wanted
    spoken(line)


def test_trial_of_a_pass_that_does_not_fit_is_cut_to_what_is_left(tmp_path: Path, price: Any) -> None:
    price(0.1)
    stage = session(tmp_path, 60.0)
    line = lengths.trial_length(stage, rungs(stage)[0], {})
    assert line["value"] < 1
    assert line["numbers"]["seconds"] <= 0.8 * stage.left


@pytest.mark.parametrize("used", [53.0, 59.0, 600.0])
def test_budget_that_is_gone_before_the_first_model_is_refused_in_words(
    tmp_path: Path, price: Any, used: float
) -> None:
    price(0.1)
    stage = session(tmp_path, 60.0, used=used)
    with pytest.raises(BudgetError, match=f"{used:.0f} s used.*60 s.*budget"):
        lengths.trial_length(stage, rungs(stage)[0], {})


@given(st.floats(min_value=1e-3, max_value=1e4))
def test_planned_epochs_are_rounded_down_to_three_digits(epochs: float) -> None:
    rounded = lengths.rounded_down(epochs)
    assert 0.989 * epochs <= rounded <= epochs * (1 + 1e-12)
    assert float(f"{rounded:.3g}") == pytest.approx(rounded, rel=1e-12)


# the last training -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1e-6, 1e-4, 1e-3, 3e-3, 1e-2])
@pytest.mark.parametrize("budget", [90.0, 600.0, 2400.0])
def test_last_training_and_its_refit_and_the_test_fit_what_is_left(
    tmp_path: Path, price: Any, seconds: float, budget: float
) -> None:
    price(seconds)
    stage = session(tmp_path, budget, used=20.0)
    line = lengths.final_length(stage, rungs(stage)[1], {})
    plan = lengths.with_epochs(pricer(seconds)(Recipe(), stage.data), float(line["value"]), Recipe())
    test = plan.predict_seconds(300)
    assert line["numbers"]["again"] <= line["numbers"]["seconds"]
    if line["value"] > 0.3:
        assert line["numbers"]["seconds"] + line["numbers"]["again"] + test <= HOLD * stage.left + test
    spoken(line)


def test_last_training_is_as_long_as_the_volume_asks_where_time_is_plenty(tmp_path: Path, price: Any) -> None:
    price(1e-6)
    stage = session(tmp_path, 600.0)
    wanted = float(pricer(1e-6)(rungs(stage)[1].apply(Recipe()), stage.data).recipe.train.epochs)
    assert lengths.final_length(stage, rungs(stage)[1], {})["value"] == wanted


def test_epochs_that_were_asked_for_are_never_exceeded(tmp_path: Path, price: Any) -> None:
    price(1e-3)
    for asked in (3.0, 500.0):
        stage = session(tmp_path / str(asked), 600.0, asked=Recipe().with_("train.epochs", asked))
        assert lengths.final_length(stage, rungs(stage)[1], {})["value"] <= asked


def test_scarce_time_may_stretch_over_at_most_twice_the_wanted_passes(tmp_path: Path, price: Any) -> None:
    for seconds in (1e-4, 1e-3, 5e-3, 1e-2):
        price(seconds)
        stage = session(tmp_path / str(seconds), 600.0)
        wanted = float(pricer(seconds)(rungs(stage)[1].apply(Recipe()), stage.data).recipe.train.epochs)
        assert lengths.final_length(stage, rungs(stage)[1], {})["value"] <= LONGER * wanted


def test_pictures_grow_from_three_quarters_of_their_side_unless_sizes_were_asked_for(tmp_path: Path) -> None:
    stage = session(tmp_path)
    plan = pricer(1e-3)(Recipe(), stage.data)
    assert lengths.grown(stage, plan).recipe.train.sizes == ((0.0, 24), (0.5, 32))
    small = session(tmp_path / "small", side=16)
    assert lengths.grown(small, pricer(1e-3)(Recipe(), small.data)).recipe.train.sizes == ()
    sizes = ((0.0, 16), (0.7, 32))
    asked = session(tmp_path / "asked", asked=Recipe().with_("train.sizes", sizes))
    assert lengths.grown(asked, pricer(1e-3)(asked.asked, asked.data)).recipe.train.sizes == sizes


# choosing ----------------------------------------------------------------------------------------------------------


def tried(folder: Path, stage: Session, *pairs: tuple[str, float, bool]) -> list[Any]:
    plan = pricer(1e-3)(Recipe(), stage.data)
    found = [candidate(folder, name, select, full, plan) for name, select, full in pairs]
    return [(c, climb._measure(stage, c)) for c in found]


def test_measure_is_what_the_ladder_decides_on(tmp_path: Path) -> None:
    stage = session(tmp_path / "s")
    ((_, step),) = tried(tmp_path, stage, ("small_xs", 0.8, True))
    assert isinstance(step, Step)
    assert (step.rung, step.train, step.select, step.worst, step.seconds) == ("small_xs", 0.9, 0.8, 0.5, 12.0)


def test_final_training_that_would_be_shorter_than_the_trial_is_left_out(tmp_path: Path, price: Any) -> None:
    price(5e-3)
    stage = session(tmp_path / "s", 200.0)
    rung = rungs(stage)[1]
    free = float(lengths.final_length(stage, rung, {})["value"])
    for trial, value in ((free / 2, free), (free, free), (2 * free, 0)):
        numbers = {"rung": rung.name, "epochs": trial, "seconds": 1.0, "full": False}
        stage.study.ledger.decide(
            f"rung.{trial}.plan", lambda trial=trial, n=numbers: {"value": trial, "why": "trial.short", "numbers": n}
        )
        line = lengths.final_length(stage, rung, {})
        assert line["value"] == value
    assert line["why"] == "final.shorter"
    spoken(line)


def family(name: str, *rungs: str) -> list[Rung]:
    return [Rung(name=rung, family=name, apply=lambda recipe: recipe, why="") for rung in rungs]


def test_short_trial_of_another_family_is_trained_out_before_it_is_compared(tmp_path: Path) -> None:
    stage = session(tmp_path / "s")
    rows = tried(tmp_path, stage, ("floor", 0.9, True), ("cnn", 0.7, False), ("rnn", 0.8, False))
    ladder = family("linear", "floor") + family("cnn", "cnn") + family("rnn", "rnn")
    assert crown.best(stage, rows, ladder).name == "rnn"


def test_rung_of_another_family_gets_its_trial_unless_nothing_is_left_to_gain(tmp_path: Path, price: Any) -> None:
    price(1e-5)
    stage = session(tmp_path / "s", 600.0)
    floor = rungs(stage)[0]
    ladder = [floor, replace(floor, name="cnn", family="cnn"), replace(floor, name="rnn", family="rnn")]
    rows = tried(tmp_path, stage, (floor.name, 0.9, True))
    assert climb._next(stage, ladder, 0, rows, {}) == 1
    assert climb._next(stage, ladder, 2, rows, {}) is None
    stage = session(tmp_path / "t", 600.0)
    assert climb._next(stage, ladder, 0, tried(tmp_path / "u", stage, (floor.name, 1.0, True)), {}) is None


def test_best_of_full_trainings_is_the_best_on_select(tmp_path: Path) -> None:
    stage = session(tmp_path / "s")
    rows = tried(tmp_path, stage, ("a", 0.8, True), ("b", 0.9, True), ("c", 0.85, True))
    assert crown.best(stage, rows, family("resnet", "a", "b", "c")).name == "b"


def test_best_of_short_trials_is_the_rung_climbed_to_last(tmp_path: Path) -> None:
    stage = session(tmp_path / "s")
    rows = tried(tmp_path, stage, ("a", 0.9, True), ("b", 0.8, False))
    assert crown.best(stage, rows, family("resnet", "a", "b")).name == "b"


@pytest.mark.parametrize(
    ("samples", "batch", "accumulate", "wanted", "passes"),
    [
        (45_000, 1000, 1, 18.0, 12.0),
        (45_000, 250, 4, 18.0, 12.0),
        (5_000, 416, 1, 40.0, 30.0),
        (20_000, 1000, 1, 40.0, 18.0),
        (200, 64, 1, 40.0, 40.0),
        (20, 64, 1, 10.0, 10.0),
        (45_000, 1000, 1, 3.0, 3.0),
    ],
)
def test_least_passes_are_twelve_or_those_that_make_360_steps(
    samples: int, batch: int, accumulate: int, wanted: float, passes: float
) -> None:
    train = {"train.batch_size": batch, "train.accumulate": accumulate, "train.epochs": wanted}
    recipe = Recipe()
    for key, value in train.items():
        recipe = recipe.with_(key, value)
    assert lengths.least_epochs(recipe, samples) == pytest.approx(passes)


def test_rung_above_that_cannot_have_twelve_passes_makes_this_one_the_last(tmp_path: Path, price: Any) -> None:
    assert LEAST_EPOCHS == 12.0
    for seconds, last in ((1e-4, False), (0.1, True)):
        price(seconds)
        stage = session(tmp_path / str(seconds), 600.0)
        assert climb._is_last_affordable(stage, rungs(stage), 0, {}) is last
    assert climb._is_last_affordable(stage, rungs(stage), len(rungs(stage)) - 1, {})


@pytest.mark.parametrize("test", [300, 10_000, 100_000])
def test_rung_that_is_affordable_can_then_be_trained_for_its_passes(tmp_path: Path, price: Any, test: int) -> None:
    """However many answers it has to give."""
    price(2e-3)
    stage = session(tmp_path / "ample", 1e5, train=4000, test=test)
    rung = rungs(stage)[1]
    cost = lengths.cost_of_final(stage, rung, {})
    stage = session(tmp_path / "just", 1.03 * cost + 6.0, train=4000, test=test)
    assert cost <= stage.left <= 1.02 * cost + 6.0
    least = lengths.least_epochs(lengths.plan_of(stage, rung, {}).recipe, 4000)
    assert lengths.final_length(stage, rung, {})["value"] >= 0.97 * least >= 0.97 * LEAST_EPOCHS


def test_rung_above_that_does_not_fit_the_memory_is_not_climbed_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap = pricer(1e-5)

    def full(recipe: Recipe, prepared: Any) -> Plan:
        if recipe.model.name == "small_s":
            raise NothingFits(9000, 4000)
        return cheap(recipe, prepared)

    monkeypatch.setattr(session_room, "make_plan", full)
    stage = session(tmp_path / "s", 600.0)
    ((_, step),) = tried(tmp_path, stage, ("small_xs", 0.5, False))
    first, second = rungs(stage)[:2]
    assert second.name == "small_s"
    assert climb._go_on(stage, "rung.0.climb", step, second, None, {})["value"] is False
    assert climb._is_last_affordable(stage, [first, second], 0, {}) is True
    lines = stage.study.ledger.events("decision")
    assert [line["why"] for line in lines] == ["ladder.no_memory", "ladder.straight_memory"]
    for line in lines:
        spoken(line)


def test_no_rung_is_probed_when_the_time_is_used_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probed: list[str] = []
    monkeypatch.setattr(session_room, "make_plan", lambda recipe, prepared: probed.append(recipe.model.name))
    stage = session(tmp_path / "s", 1e-9)
    ((_, step),) = tried(tmp_path, stage, ("small_xs", 0.5, False))
    assert climb._go_on(stage, "rung.0.climb", step, rungs(stage)[1], None, {})["value"] is False
    (line,) = stage.study.ledger.events("decision")
    assert line["why"] == "ladder.no_time"
    spoken(line)
    assert probed == []


def test_augmentation_that_suits_the_length_is_a_decision_and_what_was_asked_stays(tmp_path: Path) -> None:
    def long(asked: Recipe, folder: str) -> tuple[Recipe, list[Any]]:
        stage = session(tmp_path / folder, asked=asked)
        stage.data.task = replace(
            stage.data.task, suited=lambda recipe, epochs: {"crop_pad": 4, "erase": round(epochs)}
        )
        plan = lengths.with_epochs(pricer(1e-3)(asked, stage.data), 20.0, asked)
        return candidates.suited(stage, plan, "final").recipe, stage.study.ledger.events("decision")

    recipe, (line,) = long(Recipe(), "auto")
    assert (recipe.augment["crop_pad"], recipe.augment["erase"]) == (4, 20)
    assert line["why"] == "augment.longer"
    spoken(line)
    recipe, _ = long(Recipe().with_("augment.crop_pad", 1), "asked")
    assert (recipe.augment["crop_pad"], recipe.augment["erase"]) == (1, 20)


def test_patience_that_was_asked_for_is_kept_at_any_length(tmp_path: Path) -> None:
    stage = session(tmp_path)
    asked = Recipe().with_("train.patience", 3)
    plan = pricer(1e-3)(asked, stage.data)
    assert lengths.with_epochs(plan, 30.0, asked).recipe.train.patience == 3
    assert lengths.with_epochs(pricer(1e-3)(Recipe(), stage.data), 30.0, Recipe()).recipe.train.patience == 10


def test_first_model_that_diverged_at_once_is_no_matter_of_the_budget(tmp_path: Path) -> None:
    stage = session(tmp_path / "s", 60.0)
    run = candidate(tmp_path, "a", 0.1, True, pricer(1e-3)(Recipe(), stage.data)).run
    result = run.result()
    assert result is not None
    run.close(replace(result, steps=0, stopped="diverged"))
    candidates.say_if_cut(stage, run, full=True)
    assert stage.study.findings == []


@pytest.mark.parametrize(("published", "refused"), [(False, True), (True, False)])
def test_first_model_without_a_step_is_refused_in_words_a_later_one_is_a_finding(
    tmp_path: Path, published: bool, refused: bool
) -> None:
    stage = session(tmp_path / "s", 60.0, used=58.0)
    if published:
        stage.study.ledger.write("published", run="before", select=0.5)
    run = candidate(tmp_path, "a", 0.1, True, pricer(1e-3)(Recipe(), stage.data)).run
    result = run.result()
    assert result is not None
    run.close(replace(result, steps=0, stopped="deadline"))
    if refused:
        with pytest.raises(BudgetError, match="58 s used.*60 s.*--budget"):
            candidates.say_if_cut(stage, run, full=True)
    else:
        candidates.say_if_cut(stage, run, full=True)
        assert [f.code for f in stage.study.findings] == ["GF-P004"]


def test_candidates_beyond_the_targets_limits_are_dropped_and_said(tmp_path: Path, price: Any) -> None:
    price(1e-3)
    stage = session(tmp_path / "s", asked=Recipe().with_("target.size_mb", 2))
    size = {name: 2.0**i for i, name in enumerate(rung.name for rung in rungs(stage))}
    task = replace(
        stage.data.task,
        cost=lambda recipe, *_: {"latency_ms": 1.0, "size_bytes": size[recipe.model.name] * 1e6, "memory_mb": 10.0},
    )
    stage.data.task = task
    kept = climb.within_limits(stage, rungs(stage))
    assert [size[rung.name] for rung in kept] == [1.0, 2.0]
    lines = stage.study.ledger.events("decision")
    assert [line["why"] for line in lines] == ["limits.kept", "limits.kept", "limits.dropped"]
    for line in lines:
        spoken(line)


def test_limits_that_nothing_keeps_are_refused_with_the_limits(tmp_path: Path, price: Any) -> None:
    price(1e-3)
    stage = session(tmp_path / "s", asked=Recipe().with_("target.latency_ms", 0.5))
    stage.data.task = replace(
        stage.data.task, cost=lambda *_: {"latency_ms": 1.0, "size_bytes": 1e6, "memory_mb": 10.0}
    )
    with pytest.raises(UsageError, match="target.latency_ms=0.5"):
        climb.climb(stage)


def test_without_limits_nothing_is_measured(tmp_path: Path) -> None:
    stage = session(tmp_path)
    whole = rungs(stage)
    assert climb.within_limits(stage, whole) == whole
    assert stage.study.ledger.lines == []


def test_answers_are_priced_for_the_training_samples_that_are_there(tmp_path: Path, price: Any) -> None:
    price(0.1)
    stage = session(tmp_path, 600.0, train=60, select=10, confirm=10, test=20)
    line = lengths.final_length(stage, rungs(stage)[1], {})
    plan = pricer(0.1)(Recipe(), stage.data)
    training = line["numbers"]["seconds"] + line["numbers"]["again"]
    assert line["numbers"]["planned"] == pytest.approx(training + plan.predict_seconds(2 * 60 + 40))
