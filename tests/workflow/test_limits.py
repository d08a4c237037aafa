"""The target's limits: what `plan` says of each candidate, and what `train` refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from goodfit.cli.answers import plan_lines
from goodfit.core.errors import UsageError
from goodfit.core.messages import LANGUAGES, say
from goodfit.core.recipe import Recipe
from goodfit.train.batch_size import NothingFits
from goodfit.workflow import plan as plan_room
from goodfit.workflow.limits import against, limits_of, nothing_keeps
from goodfit.workflow.planning import Plan
from goodfit.workflow.train import _keep_limits

from .stage import data, pricer, session
from .tiny import QUICK, Shell, class_folders

COSTS = {"latency_ms": 2.0, "size_bytes": 3e6, "memory_mb": 40.0, "parameters": 1e5, "macs": 1e6}
SIZES = {"small_xs": 1e6, "small_s": 2e6, "small_m": 4e6}


def asked(**limits: float) -> Recipe:
    recipe = Recipe()
    for key, value in limits.items():
        recipe = recipe.with_(f"target.{key}", value)
    return recipe


def too_large() -> Any:
    raise NothingFits(200.0, 90.0)


@pytest.mark.parametrize(
    ("limits", "kept"),
    [({"latency_ms": 2.0}, True), ({"latency_ms": 1.9}, False), ({"size_mb": 3.0, "memory_mb": 39.0}, False)],
)
def test_candidate_keeps_the_limits_where_no_figure_is_above_its_own(limits: dict[str, float], kept: bool) -> None:
    line = against("small_s", lambda: COSTS, limits_of(asked(**limits)))
    assert line["value"] is kept
    assert line["numbers"]["size_mb"] == 3.0
    for lang in LANGUAGES:
        assert "small_s" in say(f"ledger.{line['why']}", lang, **line["numbers"])


def test_candidate_that_fits_no_memory_keeps_no_limit() -> None:
    line = against("small_s", too_large, {"memory_mb": 100.0})
    assert (line["value"], line["why"]) == (False, "limits.no_memory")
    assert "memory_mb 200 at least" in str(nothing_keeps({"memory_mb": 100.0}, [line]))


def test_refusal_names_what_is_needed_and_what_is_allowed() -> None:
    limits = {"latency_ms": 0.5, "size_mb": 9.0}
    lines = [against(name, lambda n=n: {**COSTS, "latency_ms": n}, limits) for name, n in (("a", 2.0), ("b", 1.0))]  # type: ignore[misc]
    error = nothing_keeps(limits, lines)
    assert (error.exit_code, error.allowed) == (1, "target.latency_ms=0.5, target.size_mb=9")
    assert "latency_ms 1," in str(error.got)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`plan` on data without pictures, where small_m fits no memory if asked."""

    def plan(recipe: Recipe, fits: float = 4e6) -> dict[str, Any]:
        prepared = data()
        size = lambda r, *_: {**COSTS, "size_bytes": SIZES[r.model.name]}  # noqa: E731
        prepared.task = replace(prepared.task, cost=size)

        def make_plan(r: Recipe, prepared: Any) -> Plan:
            return pricer(1e-3)(r, prepared) if SIZES[r.model.name] <= fits else too_large()

        monkeypatch.setattr(plan_room, "prepare", lambda *_: prepared)
        monkeypatch.setattr(plan_room, "make_plan", make_plan)
        return plan_room.plan(recipe)

    return plan


def test_plan_says_of_each_candidate_whether_it_keeps_the_limits(planned: Any) -> None:
    answer = planned(asked(size_mb=2.0))
    assert [(row["rung"], row["keeps_limits"]) for row in answer["candidates"]] == [
        ("small_xs", True),
        ("small_s", True),
        ("small_m", False),
    ]
    assert answer["recipe"]["model.name"] == "small_xs"
    for lang in LANGUAGES:
        beyond = [text for text, _ in plan_lines(answer, lang) if say("cli.over_limits", lang) in text]
        assert len(beyond) == 1
        assert "small_m" in beyond[0]


def test_plan_without_limits_has_none_beyond_them(planned: Any) -> None:
    assert all(row["keeps_limits"] for row in planned(Recipe())["candidates"])


def test_plan_goes_on_past_a_candidate_of_which_no_sample_fits(planned: Any) -> None:
    rows = planned(Recipe(), fits=2e6)["candidates"]
    assert [row.get("fits_memory", True) for row in rows] == [True, True, False]
    assert "fits" not in rows[-1] and "keeps_limits" not in rows[-1]  # neither is its fault
    assert rows[-1]["memory_mb"] == 200.0
    with pytest.raises(NothingFits):
        planned(Recipe(), fits=0.0)


def test_train_weighs_its_model_against_the_limits_once(tmp_path: Path) -> None:
    calls: list[str] = []
    for latency in (2.0, 9.0):  # slower when asked again: the decision stands
        stage = session(tmp_path, asked=asked(latency_ms=5.0))

        def cost(recipe: Recipe, *_: Any, latency: float = latency) -> dict[str, float]:
            calls.append(recipe.model.name)
            return {**COSTS, "latency_ms": latency}

        stage.data.task = replace(stage.data.task, cost=cost)
        _keep_limits(stage, pricer(1e-3)(stage.asked, stage.data))
    assert calls == ["small_s"]


def test_train_without_limits_measures_nothing(tmp_path: Path) -> None:
    stage = session(tmp_path)
    _keep_limits(stage, pricer(1e-3)(Recipe(), stage.data))
    assert stage.study.ledger.lines == []


def test_train_refuses_a_model_beyond_the_limits_before_training(tmp_path: Path) -> None:
    stage = session(tmp_path, asked=asked(latency_ms=1.0))
    stage.data.task = replace(stage.data.task, cost=lambda *_: COSTS)
    with pytest.raises(UsageError, match=r"got latency_ms 2, .*allowed: target.latency_ms=1"):
        _keep_limits(stage, pricer(1e-3)(stage.asked, stage.data))


def test_train_beyond_a_limit_exits_1_and_within_it_0(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 12})
    said = goodfit("train", data, *QUICK, "target.size_mb=0.001", code=1)
    assert "allowed: target.size_mb=0.001" in said.err.splitlines()[-1]
    assert not list((tmp_path / "runs").glob("*/runs/*"))
    goodfit("train", data, *QUICK, "target.size_mb=100")
