"""Where memory runs out, training goes on with the same samples a step in smaller batches, and a resume knows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from goodfit.core.errors import UsageError
from goodfit.core.messages import LANGUAGES, say
from goodfit.core.recipe import Recipe, build
from goodfit.core.run import Run
from goodfit.core.telling import silent
from goodfit.train.learners import TorchLearner
from goodfit.workflow.clock import command_start
from goodfit.workflow.one_run import train_one
from goodfit.workflow.overflow import within_memory
from goodfit.workflow.planning import Plan
from goodfit.workflow.prepare import prepare
from goodfit.workflow.session import Session
from goodfit.workflow.story import open_story
from goodfit.workflow.study import open_study
from goodfit.workflow.work import Goal

from .stage import pricer, session
from .tiny import same

OVERFLOW = "CUDA out of memory. Tried to allocate 20.00 MiB."


def asked(batch_size: int) -> Recipe:
    return Recipe().with_("train.batch_size", batch_size)


class Trainer:
    """Trains batches up to `most` samples and notes what it was asked for."""

    def __init__(self, most: int, error: Exception | None = None) -> None:
        self.most, self.error, self.asked = most, error or RuntimeError(OVERFLOW), list[tuple[int, int]]()

    def __call__(self, folder: Path, plan: Plan) -> Run:
        size = int(plan.recipe.train.batch_size)
        self.asked.append((size, plan.recipe.train.accumulate))
        if size > self.most:
            raise self.error
        return Run(folder, Recipe(), plan.recipe, plan.reasons)


def test_batch_is_halved_until_it_fits_and_a_step_keeps_its_samples(tmp_path: Path) -> None:
    stage = session(tmp_path)
    heard: list[Any] = []
    tell = lambda event, /, **values: heard.append(values["finding"])  # noqa: E731
    trainer = Trainer(30)
    plan = pricer(0.01)(asked(100), stage.data)
    run = within_memory(stage.study, tell, "small_s", plan, "f00d", trainer)
    assert trainer.asked == [(100, 1), (50, 2), (25, 4)]
    assert run.folder == stage.study.run_folder("small_s", run.recipe, "f00d")
    assert [f.numbers for f in heard] == [{"batch_size": 50, "accumulate": 2}, {"batch_size": 25, "accumulate": 4}]
    assert heard[-1].run_id == run.id
    assert [f.code for f in stage.study.findings] == ["GF-P007", "GF-P007"]
    for lang in LANGUAGES:
        assert "25" in say("finding.GF-P007.body", lang, **heard[-1].numbers)
        assert "100" in say("plan.batch_after_overflow", lang, wanted=100)
    reasons = (run.folder / "plan.yaml").read_text("utf-8")
    assert reasons.count("batch_after_overflow") == 2


def test_resume_begins_with_the_batch_that_fitted(tmp_path: Path) -> None:
    plan = pricer(0.01)(asked(100), session(tmp_path).data)
    first = within_memory(session(tmp_path).study, silent, "small_s", plan, "f00d", Trainer(30))
    again = Trainer(1000)
    resumed = within_memory(session(tmp_path).study, silent, "small_s", plan, "f00d", again)
    assert again.asked == [(25, 4)]
    assert resumed.folder == first.folder


def test_overflow_at_one_sample_says_what_to_choose(tmp_path: Path) -> None:
    stage = session(tmp_path)
    with pytest.raises(UsageError, match=r"one sample at a time; got CUDA out of memory.*smaller model\.name"):
        within_memory(stage.study, silent, "s", pricer(0.01)(asked(4), stage.data), "f00d", Trainer(0))


def test_other_faults_pass_through(tmp_path: Path) -> None:
    stage = session(tmp_path)
    trainer = Trainer(0, RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match="shapes differ"):
        within_memory(stage.study, silent, "s", pricer(0.01)(asked(4), stage.data), "f00d", trainer)
    assert trainer.asked == [(4, 1)]


def test_run_after_an_overflow_is_bit_identical_to_one_planned_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: dict[str, Any] = {
        "data": {"path": "digits", "limit": 120},
        "model": {"name": "small_xs"},
        "train": {"epochs": 2, "batch_size": 24},
        "engine": {"device": "cpu", "precision": "fp32", "layout": "contiguous", "threads": 1},
    }
    recipe = build(keys)
    data = prepare(recipe, silent)
    study, continued = open_study(tmp_path, "train", recipe, data.dataset.fingerprint, None, False, command_start())
    stage = Session.open(study, recipe, data, silent, continued)
    open_story(study, "train", recipe, data)
    plan = stage.plan(recipe)
    stage.warm(plan)

    def start(folder: Path, plan: Plan) -> Run:
        goal = Goal(positions=data.split.train)
        return train_one(folder, recipe, plan.recipe, plan.reasons, stage.work(plan), goal)

    fit: Callable[..., Any] = TorchLearner.fit

    def small_memory(self: Any, loader: Any, *rest: Any) -> Any:
        if loader.batch_size <= 12:
            yield from fit(self, loader, *rest)
            return
        for record in fit(self, loader, *rest):  # late: after an epoch, with a checkpoint behind it
            yield record
            raise RuntimeError(OVERFLOW)

    monkeypatch.setattr(TorchLearner, "fit", small_memory)
    run = within_memory(study, silent, "small_xs", plan, data.dataset.fingerprint, start)
    assert (run.recipe.train.batch_size, run.recipe.train.accumulate) == (12, 2)
    planned = plan.recipe.with_("train.batch_size", 12).with_("train.accumulate", 2)
    alone = train_one(tmp_path / "alone", recipe, planned, (), stage.work(plan), Goal(positions=data.split.train))
    assert same(*(load_file(r.model / "model.safetensors") for r in (run, alone)))
    study.release()
