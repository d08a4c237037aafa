"""A stage for the workflow's tests: small data in memory, plans with a known price, a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from goodfit.core.outcome import Cost, Result, Score
from goodfit.core.recipe import EngineSection, Recipe
from goodfit.core.run import Run
from goodfit.core.samples import Schema, SealedTest, Split
from goodfit.core.telling import silent
from goodfit.engine.engine import Engine
from goodfit.tasks import TASKS
from goodfit.tasks.metrics import ACCURACY
from goodfit.workflow.planning import Plan
from goodfit.workflow.session import Candidate, Session
from goodfit.workflow.study import Study

COUNTS = {"train": 1000, "select": 100, "confirm": 100, "test": 200}
ENGINE = Engine.start(EngineSection(device="cpu", threads=1))


def schema(side: int = 32) -> Schema:
    facts = {"height": side, "width": side, "same_size": True, "max_side": side, "channels": 3}
    classes = ("a", "b")
    return Schema(
        task="image_classification", format="f", target_kind="class", classes=classes, target_name="label", facts=facts
    )


def data(side: int = 32, **counts: int) -> Any:
    """What the workflow asks of prepared data, without pictures."""
    sizes = {**COUNTS, **counts}
    ends = np.cumsum([0, *sizes.values()])
    train, select, confirm, test = (np.arange(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True))
    split = Split(train=train, select=select, confirm=confirm, test=SealedTest(test), how=("drawn",), seed=0)
    target = np.arange(ends[-1]) % 2
    dataset = SimpleNamespace(fingerprint="f00d", index=SimpleNamespace(target=target), schema=schema(side))
    task = TASKS["image_classification"]
    return SimpleNamespace(dataset=dataset, schema=schema(side), split=split, task=task, counts=sizes, findings=[])


class StillClock:
    """A clock of a study that shows what it was set to."""

    def __init__(self, budget: float | None, used: float = 0.0) -> None:
        self.budget, self.used, self.before = budget, used, 0.0

    @property
    def left(self) -> float:
        return float("inf") if self.budget is None else self.budget - self.used

    def note(self, every: float = 1.0) -> None:
        """Nothing to remember."""


def session(
    folder: Path, budget: float | None = 600.0, used: float = 0.0, asked: Recipe | None = None, **more: Any
) -> Session:
    study = Study(folder, budget)
    study.clock = StillClock(budget, used)  # type: ignore[assignment]
    tell = more.pop("tell", silent)
    return Session(study=study, asked=asked or Recipe(), data=data(**more), tell=tell, metric=ACCURACY)


def pricer(sample_seconds: float) -> Callable[[Recipe, Any], Plan]:
    """A `make_plan` that measures nothing: each sample costs so many seconds."""

    def make_plan(recipe: Recipe, prepared: Any) -> Plan:
        settled, reasons = prepared.task.settle(recipe, prepared.schema, prepared.counts)
        return Plan(recipe=settled, reasons=reasons, engine=ENGINE, sample_seconds=sample_seconds, probe={})

    return make_plan


def candidate(folder: Path, name: str, select: float, full: bool, plan: Plan) -> Candidate:
    """A finished run with a select score."""
    run = Run(folder / name, Recipe(), plan.recipe)
    score = Score(metric="accuracy", value=select, low=select - 0.05, high=min(1.0, select + 0.05), n=100)
    run.close(
        Result(
            run_id=name,
            task="image_classification",
            family="resnet",
            primary="accuracy",
            scores={"select": {"accuracy": score}, "train": {"accuracy": replace(score, value=0.9)}},
            cost=Cost(seconds=12.0),
            steps=30,
        )
    )
    return Candidate(name=name, plan=plan, run=run, full=full)
