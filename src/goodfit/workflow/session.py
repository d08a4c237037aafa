"""A session of work on a study: its data, clock, ledger and listener, and the runs and models it makes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import UsageError
from ..core.interrupt import asked_to_stop
from ..core.recipe import Recipe
from ..core.run import Run, identity
from ..core.task import Learner, Metric
from ..core.telling import Tell, log_to, tell_all
from ..engine.engine import Engine
from ..engine.modelfolder import read_model, write_model
from ..train.range_test import Prober, find_lr
from .one_run import train_one
from .overflow import within_memory
from .planning import Plan, make_plan, memory_of, recall
from .prepare import Prepared
from .scoring import primary
from .story import note_findings
from .study import Study, sibling_with_other_data
from .trusted import with_trusted_labels
from .watch import stop_if_asked, watched
from .work import LOOK, Goal, Work

CLOSING = 6.0  # seconds kept for the report and the last files, at least
CLOSING_SHARE = 0.02  # and as a share of the budget


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A finished run that may become the model.

    Attributes:
        name: rung or remedy.
        plan: what it ran by.
        run: its folder.
        full: whether it was trained at full length, not as a short trial.
    """

    name: str
    plan: Plan
    run: Run
    full: bool


@dataclass(frozen=True, kw_only=True)
class Session:
    """All that the pages of `fit`, `train` and `improve` share; it holds nothing that the folders do not.

    Attributes:
        study: the folder, locked.
        asked: the recipe as asked.
        data: ready to train on.
        tell: hears what happens.
        metric: that leads.
        scope: stands before the key of each decision, so that a second command in a study decides anew.
    """

    study: Study
    asked: Recipe
    data: Prepared
    tell: Tell
    metric: Metric
    scope: str = ""

    @classmethod
    def open(cls, study: Study, asked: Recipe, data: Prepared, tell: Tell, continued: bool) -> Session:
        """Start or go on, and say which."""
        tell = tell_all(tell, log_to(study.folder / "log.txt"))
        if continued:
            tell("note", key="note.continued", study=study.folder.name, used=study.clock.before)
        elif (other := sibling_with_other_data(study, asked)) is not None:
            tell("note", key="note.data_changed", study=other)
        if study.recovered is not None:
            tell("note", key="note.lock_recovered", **study.recovered)
        return cls(study=study, asked=asked, data=data, tell=tell, metric=primary(asked, data.task, data.schema))

    @property
    def left(self) -> float:
        """Seconds of the budget that may still go to training; infinite without a budget."""
        clock = self.study.clock
        closing = max(CLOSING, CLOSING_SHARE * (clock.budget or 0.0))
        return clock.left - closing

    def decide(self, key: str, compute: Any) -> dict[str, Any]:
        """A decision of the ledger, said aloud."""
        line = self.study.ledger.decide(self.scope + key, compute)
        self.tell("decision", line=line)
        return dict(line)

    def plan(self, recipe: Recipe) -> Plan:
        """The plan of a recipe; what was measured for it is kept in the study, so that a resume repeats it."""
        ledger, of = self.study.ledger, identity(recipe, "")
        for line in ledger.events("plan"):
            if line["of"] == of:
                return recall(recipe, self.data, line)
        plan = make_plan(recipe, self.data)
        stop_if_asked()
        ledger.write("plan", of=of, **memory_of(plan))
        return plan

    def work(self, plan: Plan, deadline: float = float("inf")) -> Work:
        """What a run of this plan needs; its engine is started here, since the last plan made set its own threads."""
        return Work(
            data=self.data,
            engine=Engine.start(plan.recipe.engine),
            clock=self.study.clock,
            tell=self.tell,
            deadline=deadline,
        )

    def with_rate(self, name: str, plan: Plan) -> Plan:
        """The plan with its learning rate found by a range test, where the recipe asks for one."""
        if plan.recipe.train.lr != "auto":
            return plan

        def sweep() -> dict[str, Any]:
            task, data = self.data.task, self.data
            self.warm(plan)
            loader = task.loader(data.dataset, data.split.train, plan.recipe, plan.engine, True)
            examples = task.loader(data.dataset, data.split.train[:LOOK], plan.recipe, plan.engine, False)
            learner = task.learner(plan.recipe, data.schema, plan.engine, examples)
            if not isinstance(learner, Prober):
                raise UsageError("no rate to search for here", got=learner.family, do="set train.range_test=false")
            try:
                found = find_lr(learner, loader, should_stop=lambda: bool(asked_to_stop()))
            finally:
                stop_if_asked()  # also where too few rates were seen for want of time
            return {"value": found.lr, "why": "range_test", "numbers": {"run": name, "lr": found.lr}}

        line = self.decide(f"range_test.{name}", sweep)
        return replace(plan, recipe=plan.recipe.with_("train.lr", line["value"]))

    def train(self, name: str, plan: Plan, goal: Goal | None = None, deadline: float = float("inf")) -> Run:
        """The run of a plan inside this study, finished."""
        goal = goal or Goal(positions=self.data.split.train)
        self.warm(plan)
        plan = replace(plan, recipe=plan.recipe.with_("train.refit", "warm" if goal.start is not None else goal.refit))

        left = min(self.left, deadline - self.study.clock.used)
        data, goal, findings = with_trusted_labels(self.study.folder, plan.recipe, self.data, goal, left, self.tell)
        note_findings(self.study, findings, self.tell)

        def start(folder: Path, plan: Plan) -> Run:
            work = replace(self.work(plan, deadline), data=data)
            return train_one(folder, self.asked, plan.recipe, plan.reasons, work, goal)

        run = within_memory(self.study, self.tell, name, plan, self.data.dataset.fingerprint, start)
        note_findings(self.study, run.findings(), self.tell)
        return run

    def warm(self, plan: Plan) -> None:
        """Bring the data close, saying what could not be done."""
        has_model = bool(self.study.ledger.events("published"))  # which an end for want of time would waste
        progress = watched(self.tell, "decode", lambda: float("inf") if has_model else self.left)
        findings = self.data.task.warm(self.data.dataset, plan.recipe, plan.sample_seconds, progress)
        note_findings(self.study, findings, self.tell)

    def engine_of(self, run: Run) -> Engine:
        """The engine that a run's recipe names."""
        return Engine.start(run.recipe.engine)

    def learner_of(self, run: Run, engine: Engine) -> Learner:
        """The learner of a finished run with its weights."""
        learner = self.data.task.learner(run.recipe, self.data.schema, engine, None)
        learner.load_weights(read_model(run.model)[0])
        return learner

    def publish(self, run: Run, temperature: float = 1.0) -> None:
        """Make a run's model the study's model."""
        state, tree = read_model(run.model)
        write_model(self.study.model, state, {**tree, "temperature": temperature})

    def score(self, run: Run, split: str) -> float:
        """Leading metric of a run on a split; NaN where it was not scored."""
        result = run.result()
        found = result.scores.get(split, {}).get(self.metric.name) if result else None
        return found.value if found is not None else float("nan")

    @property
    def everything_but_test(self) -> np.ndarray:
        """Positions of train and val together."""
        return np.sort(np.concatenate([self.data.split.train, self.data.split.val]))
