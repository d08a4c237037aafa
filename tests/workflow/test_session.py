"""A session: time kept for the end, decisions said aloud and replayed, scores of runs."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from goodfit.core.errors import DataError, Interrupted
from goodfit.core.recipe import Recipe
from goodfit.core.task import Reason, State
from goodfit.core.telling import sentence
from goodfit.engine.modelfolder import read_model, write_model
from goodfit.workflow import session as session_room
from goodfit.workflow import watch
from goodfit.workflow.planning import Plan
from goodfit.workflow.session import CLOSING, CLOSING_SHARE, Session
from goodfit.workflow.study import Study

from .stage import candidate, data, pricer, session


@pytest.mark.parametrize(("budget", "kept"), [(60.0, CLOSING), (300.0, CLOSING), (6000.0, 6000 * CLOSING_SHARE)])
def test_time_for_the_report_is_kept_back(tmp_path: Path, budget: float, kept: float) -> None:
    assert session(tmp_path, budget, used=10.0).left == pytest.approx(budget - 10.0 - kept)
    assert math.isinf(session(tmp_path, None).left)


def test_decision_is_said_each_time_and_computed_once(tmp_path: Path) -> None:
    heard: list[tuple[str, Any]] = []
    calls: list[int] = []

    def compute() -> dict[str, Any]:
        calls.append(1)
        return {"value": 3, "why": "because", "numbers": {}}

    for _ in range(2):
        stage = session(tmp_path, tell=lambda event, /, **values: heard.append((event, values)))
        assert stage.decide("k", compute)["value"] == 3
    assert len(calls) == 1
    assert [event for event, _ in heard] == ["decision", "decision"]
    assert heard[0][1]["line"]["key"] == "k"


def test_opening_says_whether_it_goes_on_or_the_data_have_changed(tmp_path: Path) -> None:
    heard: list[str] = []
    tell = lambda event, /, **values: heard.append(values["key"])  # noqa: E731
    (tmp_path / "flowers-fit-b").mkdir()
    now = session(tmp_path / "flowers-fit-b", tell=tell)
    Session.open(now.study, now.asked, now.data, tell, continued=True)
    Session.open(now.study, now.asked, now.data, tell, continued=False)
    before = session(tmp_path / "flowers-fit-a")
    before.study.write("study.json", {"asked": now.asked.model_dump(mode="json")})
    Session.open(now.study, now.asked, now.data, tell, continued=False)
    assert heard == ["note.continued", "note.data_changed"]


def test_remembered_plan_keeps_what_was_measured_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Reason(key="engine.precision", value="bf16", why="fastest_by_probe", numbers={"bf16": 0.1})

    def make_plan(recipe: Recipe, prepared: Any) -> Plan:
        plan = pricer(0.02)(recipe.with_("engine.precision", "bf16"), prepared)
        return replace(plan, reasons=(*plan.reasons, measured))

    monkeypatch.setattr(session_room, "make_plan", make_plan)
    first = session(tmp_path).plan(Recipe())
    monkeypatch.setattr(session_room, "make_plan", None)
    again = session(tmp_path).plan(Recipe())
    assert again.reasons == first.reasons
    assert measured in again.reasons
    assert (again.recipe, again.sample_seconds) == (first.recipe, 0.02)


@pytest.mark.parametrize(("lang", "said"), [("en", "ended without giving this study back"), ("zh", "已接管")])
def test_lock_of_a_process_that_died_is_said_when_it_is_taken_over(tmp_path: Path, lang: str, said: str) -> None:
    (tmp_path / "lock.json").write_text(json.dumps({"pid": 2**22 - 1, "host": "elsewhere", "since": 0.0}))
    heard: list[str] = []
    tell = lambda event, /, **values: heard.append(sentence(event, lang, values) or "")  # noqa: E731
    for _ in range(2):  # given back in between, the second finds nothing to say
        study = Study(tmp_path, lock=True)
        Session.open(study, Recipe(), data(), tell, continued=False)
        study.release()
    assert len(heard) == 1
    assert said in heard[0] and str(2**22 - 1) in heard[0] and "elsewhere" in heard[0]


def test_score_of_a_run_is_its_leading_metric_and_nan_where_there_is_none(tmp_path: Path) -> None:
    stage = session(tmp_path)
    run = candidate(tmp_path, "a", 0.8, True, pricer(0.01)(Recipe(), stage.data)).run
    assert stage.score(run, "select") == 0.8
    assert math.isnan(stage.score(run, "confirm"))


def test_published_model_bears_its_temperature_and_the_older_one_is_replaced(tmp_path: Path) -> None:
    stage = session(tmp_path / "s")
    for value, temperature in ((1.0, 1.0), (2.0, 0.7)):
        run = candidate(tmp_path, f"run{value:g}", 0.8, True, pricer(0.01)(Recipe(), stage.data)).run
        write_model(run.model, State(tensors={"w": torch.full((2,), value)}, meta={}), {"task": "t"})
        stage.publish(run, temperature)
        state, tree = read_model(stage.study.model)
        np.testing.assert_array_equal(np.asarray(state.tensors["w"]), [value, value])
        assert tree["temperature"] == temperature


def test_refit_takes_everything_but_the_sealed_part(tmp_path: Path) -> None:
    stage = session(tmp_path, train=5, select=2, confirm=2, test=3)
    assert stage.everything_but_test.tolist() == list(range(9))


def test_signal_in_the_range_test_interrupts_even_where_too_few_rates_were_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_lr(learner: Any, loader: Any, should_stop: Any) -> Any:
        asked.append(15)
        assert should_stop()
        raise DataError("only 2 rates were tried", do="set train.lr yourself")

    asked: list[int] = []
    for room in (session_room, watch):
        monkeypatch.setattr(room, "asked_to_stop", lambda: asked[0] if asked else 0)
    monkeypatch.setattr(session_room, "find_lr", find_lr)
    stage = session(tmp_path)
    prober = SimpleNamespace(prober=None, state=None, restore=None, family="f")
    stage.data.task = replace(stage.data.task, warm=lambda *_: [], loader=lambda *_: None, learner=lambda *_: prober)
    monkeypatch.setattr(session_room, "Prober", SimpleNamespace)
    plan = pricer(0.01)(Recipe(), stage.data)
    plan = replace(plan, recipe=plan.recipe.with_("train.lr", "auto"))
    with pytest.raises(Interrupted):
        stage.with_rate("a", plan)
