"""`train`: one model as asked, in a study with one run; the test split stays sealed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.errors import UsageError
from ..core.recipe import Recipe
from ..core.telling import Tell, silent
from .candidates import say_if_cut, warn
from .clock import command_start
from .examine import examine
from .finish import finish
from .limits import against, limits_of, nothing_keeps
from .planning import Plan
from .prepare import Prepared, prepare
from .session import Candidate, Session
from .story import open_story
from .study import Study, open_study


def train(
    asked: Recipe,
    *,
    budget: float | None = None,
    runs: Path = Path("runs"),
    new: bool = False,
    lang: str = "en",
    tell: Tell = silent,
) -> Study:
    """Train one model as asked.

    Args:
        asked: what is set stays; what is `auto` is planned.
        budget: seconds of wall clock; None = no deadline.
        runs: folder of studies.
        new: start another study even if this one exists.
        lang: language that the report shows first.
        tell: hears what happens.
    Returns: the finished study.
    Raises: DataError; UsageError, also where the model breaks a limit of the target, which is said before training, or
        training diverged before its first model; Interrupted after a signal.
    """
    began = command_start()
    data = prepare(asked, tell, ends=float("inf") if budget is None else began + budget)
    study, continued = open_study(runs, "train", asked, data.dataset.fingerprint, budget, new, began)
    try:
        if study.result is None:
            _train(Session.open(study, asked, data, tell, continued), data, lang)
    finally:
        study.release()
    return study


def _train(session: Session, data: Prepared, lang: str) -> None:
    open_story(session.study, "train", session.asked, data)
    session.tell("stage", name="train")
    plan = _plan(session)
    _keep_limits(session, plan)
    plan = session.with_rate(plan.recipe.model.name, plan)
    deadline = session.study.clock.used + session.left
    run = session.train(plan.recipe.model.name, plan, deadline=deadline)
    candidate = Candidate(name=plan.recipe.model.name, plan=plan, run=run, full=True)
    say_if_cut(session, run, full=True)
    if not run.model.exists():
        examine(session, candidate)
        raise UsageError(
            "training diverged before its first model",
            got=f"train.lr={plan.recipe.train.lr:g}",
            do=f"set train.lr ten times lower; `goodfit diagnose {session.study.folder}` shows the loss",
            where=run.folder,
        )
    finish(session, candidate, lang=lang, refits=session.asked.train.refit in (True, "warm"), open_test=False)


def _keep_limits(session: Session, plan: Plan) -> None:
    """Refuse a model that breaks the target's limits, as `fit` does where no candidate is left.

    Raises: UsageError with what the model needs and what is allowed.
    """
    limits = limits_of(session.asked)
    if not limits:
        return
    data = session.data
    price = lambda: data.task.cost(plan.recipe, data.schema, plan.engine)  # noqa: E731
    line = session.decide("limits", lambda: against(plan.recipe.model.name, price, limits))
    if not line["value"]:
        raise nothing_keeps(limits, [line])


def _plan(session: Session) -> Plan:
    """The plan of the one run; the number of epochs is a decision, since a clock may have made it."""
    plan = session.plan(session.asked)
    if session.asked.train.epochs != "auto":
        return plan

    def compute() -> dict[str, Any]:
        counts, wanted = session.data.counts, float(plan.recipe.train.epochs)
        one = plan.seconds(counts["train"], 1.0, predicted=counts["select"])
        epochs = min(wanted, max(0.2, session.left / one * 0.95))
        numbers = {"rung": plan.recipe.model.name, "epochs": epochs, "seconds": epochs * one, "wanted": wanted}
        return {"value": epochs, "why": "train.length", "numbers": numbers}

    line = session.decide("train.plan", compute)
    if line["value"] < line["numbers"]["wanted"]:
        warn(session, "GF-P001", "warning", epochs=line["value"], wanted=line["numbers"]["wanted"])
    return replace(plan, recipe=plan.recipe.with_("train.epochs", line["value"]))
