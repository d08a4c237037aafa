"""Remedies tried on tiny data: what helps is kept, what diverges or is cut is lost, the refit keeps its time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.core.experiment import Experiment
from goodfit.core.finding import Finding, Remedy
from goodfit.core.messages import LANGUAGES, say
from goodfit.core.outcome import Predictions
from goodfit.core.recipe import Recipe, build
from goodfit.core.task import Record
from goodfit.core.telling import silent
from goodfit.workflow import remedy
from goodfit.workflow.clock import Clock
from goodfit.workflow.prepare import prepare
from goodfit.workflow.scoring import primary
from goodfit.workflow.session import Candidate, Session
from goodfit.workflow.study import Study

from .stage import candidate, pricer, session
from .tiny import QUICK, Shell, class_folders

KEYS: dict[str, Any] = {
    "split": {"val": 0.5, "test": 0.1},
    "model": {"name": "small_xs"},
    "train": {"epochs": 4, "batch_size": 12, "patience": 10_000, "optimizer": "sgd", "lr": 1e-9},  # learns nothing
    "engine": {"device": "cpu", "precision": "fp32", "layout": "contiguous", "threads": 1},
}
OVERFITTING = Finding(code="GF-F001", severity="warning")


def stub(name: str, treats: str = "GF-F001", cost: float = 1.0, **changes: Any) -> Remedy:
    """A remedy that sets keys, as in `train__lr`."""

    def apply(recipe: Recipe) -> Recipe:
        for key, value in changes.items():
            recipe = recipe.with_(key.replace("__", "."), value)
        return recipe

    return Remedy(name=name, treats=frozenset({treats}), apply=apply, cost=cost, source="2026")


HELPFUL = stub("helpful", train__optimizer="muon", train__lr=0.1)
DIVERGING = stub("diverging", train__optimizer="sgd", train__lr=1e9, train__schedule="constant")


@pytest.fixture
def ward(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what is found and which remedies are known."""

    def admit(*remedies: Remedy, findings: tuple[Finding, ...] = (OVERFITTING,)) -> None:
        monkeypatch.setattr(remedy, "examine", lambda *_: list(findings))
        monkeypatch.setattr(remedy, "remedies_for", lambda *_, **__: list(remedies))

    return admit


def opened(folder: Path, budget: float = 600.0, tick: float = 0.0) -> Session:
    """A session on 120 tiny pictures, nothing trained yet; each look at its clock takes `tick`, if given."""
    pictures = folder / "pictures"
    if not pictures.exists():
        class_folders(pictures, {"": 40})
    asked = build({**KEYS, "data": {"path": str(pictures)}})
    data = prepare(asked, silent)
    study = Study(folder / "study", budget)
    if tick:
        study.clock = Clock(study.folder / "clock.json", budget, now=ticking(tick).__next__)
    return Session(study=study, asked=asked, data=data, tell=silent, metric=primary(asked, data.task, data.schema))


def ticking(tick: float) -> Iterator[float]:
    now = 0.0
    while True:
        now += tick
        yield now


def weak(stage: Session) -> Candidate:
    """A winner that has learnt nothing."""
    plan = stage.plan(stage.asked)
    return Candidate(name="small_xs", plan=plan, run=stage.train("small_xs", plan), full=True)


def lost(stage: Session) -> list[tuple[str, str]]:
    """(arm, reason) of each that the ledger calls lost, each in words of every language."""
    found = []
    for line in stage.study.ledger.events("decision"):
        if line["key"].startswith("remedies.lost."):
            assert all(say(f"ledger.{line['why']}", lang, **line["numbers"]) for lang in LANGUAGES)
            found.append((line["numbers"]["arm"], line["value"]))
    return found


def begun(stage: Session) -> set[str]:
    return {run.id.rpartition("-")[0] for run in stage.study.runs()}


# on real trainings -------------------------------------------------------------------------------------------------


def test_remedy_that_helps_is_proven_better_and_its_model_is_the_studys(tmp_path: Path, ward: Any) -> None:
    ward(HELPFUL)
    stage = opened(tmp_path)
    winner = weak(stage)
    better = remedy.try_remedies(stage, winner)
    (experiment,) = stage.study.experiments
    (arm,) = experiment.arms
    assert (arm.name, arm.verdict, experiment.kept, better.name) == ("helpful", "better", "helpful", "helpful")
    assert better.run.id == arm.runs[0]
    assert better.run.recipe.seed == winner.run.recipe.seed
    assert better.run.recipe.diff(winner.run.recipe).keys() == {"train.lr", "train.optimizer"}
    assert (stage.study.model / "model.safetensors").read_bytes() == (
        better.run.model / "model.safetensors"
    ).read_bytes()


def test_arm_that_diverges_is_lost_while_the_others_go_on_and_a_repeat_says_the_same(tmp_path: Path, ward: Any) -> None:
    ward(DIVERGING, HELPFUL)
    stage = opened(tmp_path)
    winner = weak(stage)
    better = remedy.try_remedies(stage, winner)
    (experiment,) = stage.study.experiments
    assert lost(stage) == [("diverging", "diverged")]
    assert [(a.name, a.verdict) for a in experiment.arms] == [("helpful", "better"), ("diverging", "cannot tell")]
    assert (len(experiment.arms[1].runs), experiment.arms[1].values, better.name) == (1, (), "helpful")
    lines = len(stage.study.ledger.lines)
    again = opened(tmp_path)
    assert remedy.try_remedies(again, winner).run.id == better.run.id
    assert again.study.experiments == [experiment]
    assert len(again.study.ledger.lines) == lines


def test_arm_cut_by_its_deadline_is_lost_no_other_is_begun_and_the_refit_keeps_its_time(
    tmp_path: Path, ward: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward(stub("slow", train__epochs=2000.0), HELPFUL)
    monkeypatch.setattr(remedy, "_full_seconds", lambda *_: 50.0)
    stage = opened(tmp_path, budget=1000.0, tick=2.0)
    winner = weak(stage)
    assert remedy.try_remedies(stage, winner) is winner
    (experiment,) = stage.study.experiments
    assert [(a.name, a.verdict, a.values) for a in experiment.arms] == [("slow", "cannot tell", ())]
    assert experiment.kept == "base"
    assert lost(stage) == [("slow", "deadline"), ("helpful", "deadline")]
    assert "helpful" not in begun(stage)
    assert stage.left > 50 - 2 * 2.0  # a look at the clock takes 2 seconds


def test_base_that_gives_one_run_is_no_base_to_compare_with(tmp_path: Path, ward: Any) -> None:
    ward(HELPFUL)
    stage = opened(tmp_path)
    winner = weak(stage)
    diverging = replace(winner, plan=replace(winner.plan, recipe=DIVERGING.apply(winner.plan.recipe)))
    assert remedy.try_remedies(stage, diverging) is diverging
    assert lost(stage) == [("base", "diverged")]
    assert stage.study.experiments == []
    assert "helpful" not in begun(stage)


def test_fit_tries_the_remedies_for_pictures_though_no_task_was_named(
    tmp_path: Path, goodfit: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remedy, "examine", lambda *_: [OVERFITTING])
    said = goodfit("fit", class_folders(tmp_path / "data", {"": 40}), *QUICK, "--budget", "10m")
    told = json.loads((said.study / "experiments.json").read_text("utf-8"))
    changed = {arm["name"]: set(arm["changes"]) for arm in told[0]["arms"]}
    assert list(changed)[:2] == ["more_augmentation", "mixup"]
    assert changed["mixup"] == {"augment.mixup"}


@pytest.mark.parametrize("batch", [19, 32])  # the loss breaks within the first pass, and at the start of the second
def test_fit_with_a_remedy_that_diverges_ends_well_and_reports_it(
    tmp_path: Path, goodfit: Shell, ward: Any, batch: int
) -> None:
    ward(DIVERGING)
    data = class_folders(tmp_path / "data", {"": 40})
    first = goodfit("fit", data, *QUICK, f"train.batch_size={batch}", "--budget", "10m")
    told = [Experiment.from_json(t) for t in json.loads((first.study / "experiments.json").read_text("utf-8"))]
    assert [(a.name, a.verdict) for e in told for a in e.arms] == [("diverging", "cannot tell")]
    assert "diverging" in (first.study / "report.html").read_text("utf-8")


# prices and deadlines ----------------------------------------------------------------------------------------------


def stopped_early(folder: Path, stage: Session) -> Candidate:
    """A winner that patience stopped after 30 of its 100 steps and 30 seconds."""
    found = candidate(folder, "small_xs", 0.8, True, pricer(1e-4)(Recipe().with_("model.name", "small_xs"), stage.data))
    result = found.run.result()
    assert result is not None
    found.run.close(replace(result, stopped="patience", scores={**result.scores, "confirm": result.scores["select"]}))
    n = stage.data.counts["confirm"]
    ids, outputs = np.array([str(i) for i in range(n)]), np.zeros((n, 2), np.float32)
    found.run.save_predictions(
        Predictions(ids=ids, target=np.zeros(n, np.int64), outputs=outputs, split="confirm", run_id=found.run.id)
    )
    for epoch in (1, 2, 3):
        values: dict[str, Any] = {"train": {"loss": 1.0}, "select": {"accuracy": 0.8}, "cost": {"seconds": 10.0}}
        found.run.append(Record(kind="epoch", step=10 * epoch, steps=100, epoch=epoch, lr=0.1, **values))
    return found


def test_a_run_is_priced_at_its_planned_length_with_what_it_predicts(tmp_path: Path) -> None:
    stage = session(tmp_path / "s", 10_000.0)
    winner = stopped_early(tmp_path, stage)
    line = remedy._which(stage, winner, [OVERFITTING], [stub("a", cost=2.0)])
    one = 100.0 + winner.plan.predict_seconds(1000 + 100 + 100)
    assert line["numbers"]["one"] == pytest.approx(one)
    assert line["numbers"]["seconds"] == pytest.approx((2 + 3 * 2.0) * one)
    assert line["numbers"]["end"] >= 2.0 * 1.1 * one


def test_experiment_that_would_take_the_time_of_the_refit_is_not_begun(tmp_path: Path) -> None:
    for budget, value in ((600.0, []), (1200.0, ["a"])):
        stage = session(tmp_path / str(budget), budget)
        line = remedy._which(stage, stopped_early(tmp_path / f"{budget}r", stage), [OVERFITTING], [stub("a")])
        assert line["value"] == value
        assert all(say(f"ledger.{line['why']}", lang, **line["numbers"]) for lang in LANGUAGES)


def test_every_run_has_the_deadline_that_leaves_the_refit_of_the_costliest_arm(
    tmp_path: Path, ward: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines = {}

    def train(self: Session, name: str, plan: Any, goal: Any = None, deadline: float = float("inf")) -> Any:
        deadlines[f"{name}-{plan.recipe.seed}"] = deadline
        return winner.run

    monkeypatch.setattr(Session, "train", train)
    monkeypatch.setattr(Session, "plan", lambda self, recipe: replace(winner.plan, recipe=recipe))
    ward(stub("a"), stub("b", cost=2.5))
    stage = session(tmp_path / "s", 4000.0, used=100.0)
    winner = stopped_early(tmp_path, stage)
    remedy.try_remedies(stage, winner)
    refit = 2.5 * (100.0 + winner.plan.predict_seconds(1000 + 100 + 100))
    assert deadlines.keys() >= {"base-s1-1", "a-0", "b-0"}
    assert len(set(deadlines.values())) == 1
    assert deadlines["a-0"] <= 100.0 + stage.left - refit


def test_the_cause_is_a_finding_that_the_tried_remedy_treats(
    tmp_path: Path, ward: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward(stub("a"), findings=(Finding(code="GF-F007", severity="warning"), OVERFITTING))
    stage = session(tmp_path / "s", 10_000.0)
    winner = stopped_early(tmp_path, stage)
    monkeypatch.setattr(Session, "plan", lambda self, recipe: replace(winner.plan, recipe=recipe))
    monkeypatch.setattr(Session, "train", lambda *_, **__: winner.run)
    remedy.try_remedies(stage, winner)
    assert [e.finding for e in stage.study.experiments] == ["GF-F001"]


# the ladder --------------------------------------------------------------------------------------------------------


def stepped(stage: Session, name: str) -> list[str | None]:
    """Models one step up and one down from a model."""
    recipe = stage.asked.with_("model.name", name)
    return [step(recipe).model.name if step else None for step in remedy._steps(stage, recipe)]


def test_size_steps_go_to_the_neighbours_on_the_ladder(tmp_path: Path) -> None:
    stage = session(tmp_path)
    assert stepped(stage, "small_s") == ["small_m", "small_xs"]
    assert stepped(stage, "small_xs") == ["small_s", None]


def test_pretrained_weights_and_named_models_have_no_size_steps(tmp_path: Path) -> None:
    weights = session(tmp_path / "w", asked=Recipe().with_("model.weights", "resnet.safetensors"))
    assert stepped(weights, "timm/resnet18") == [None, None]
    named = session(tmp_path / "n", asked=Recipe().with_("model.name", "small_s"))
    assert stepped(named, "small_s") == [None, None]


def test_size_steps_leave_out_what_the_climb_found_beyond_the_targets_limits(tmp_path: Path) -> None:
    stage = session(tmp_path, asked=Recipe().with_("target.size_mb", 2))
    for name, kept in (("small_xs", True), ("small_s", False), ("small_m", True)):
        stage.decide(f"limits.{name}", lambda kept=kept: {"value": kept, "why": "limits.kept", "numbers": {}})
    assert stepped(stage, "small_xs") == ["small_m", None]
    assert stepped(stage, "small_m")[1] == "small_xs"
