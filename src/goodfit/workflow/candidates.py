"""A rung made a candidate: trained at a rate that holds, cut or not, published where it is the best so far."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..core.errors import BudgetError
from ..core.finding import Finding
from ..core.run import Run
from .examine import examine
from .planning import Plan
from .session import Candidate, Session
from .story import note_findings


def trained(session: Session, name: str, plan: Plan, deadline: float, full: bool) -> Candidate:
    """A run that gave a model: one that diverges is said, and repeated at a tenth of the rate.

    Raises: BudgetError if it diverges again, or if there was no time for a single step of a first model.
    """
    plan = session.with_rate(name, plan)
    for rate in (1.0, 0.1, 0.01):
        slower = replace(plan, recipe=plan.recipe.with_("train.lr", float(plan.recipe.train.lr) * rate))
        run = session.train(name, slower, deadline=deadline)
        candidate = Candidate(name=name, plan=slower, run=run, full=full)
        result = run.result()
        assert result is not None
        say_if_cut(session, run, full)
        if result.scores:
            return candidate
        examine(session, candidate)
    raise BudgetError(
        "training diverges even at a hundredth of the learning rate",
        got=f"train.lr={slower.recipe.train.lr:g}",
        do="look at the inputs and targets for values that are not finite, or set train.lr",
    )


def say_if_cut(session: Session, run: Run, full: bool) -> None:
    """A Finding for a full training that the budget cut.

    Raises: BudgetError if not a single step was taken and there is no other model.
    """
    result = run.result()
    assert result is not None
    if result.stopped != "deadline":
        return
    if not result.steps and not session.study.ledger.events("published"):
        raise BudgetError(
            "the budget was used up before the first training step",
            got=f"{session.study.clock.used:.0f} s used",
            allowed=f"{session.study.clock.budget or 0:g} s",
            do="give a larger --budget; what was decoded is kept for the next command",
        )
    if full:
        step, steps = (run.records[-1].step, run.records[-1].steps) if run.records else (result.steps, 0)
        warn(session, "GF-P004", "warning", run=run.id, step=step, steps=steps)


def publish_if_better(session: Session, candidate: Candidate, first: bool) -> None:
    """A usable model lies in the study from the first rung on; a better one replaces it."""
    held = session.study.ledger.events("published")
    better = session.metric.higher_is_better
    value = session.score(candidate.run, "select")
    if not held or (value > held[-1]["select"] if better else value < held[-1]["select"]):
        session.publish(candidate.run)
        if not any(line["run"] == candidate.run.id for line in held):
            session.study.ledger.write("published", run=candidate.run.id, select=value)
    result = candidate.run.result()
    score = result.score("select") if result else None
    if score is not None:
        session.tell(
            "score",
            part="first" if first else "select",
            metric=score.metric,
            is_share=session.metric.is_share,
            value=score.value,
            low=score.low,
            high=score.high,
            n=score.n,
        )


def suited(session: Session, plan: Plan, stage: str) -> Plan:
    """The plan of a stage with the augmentation that suits its length, where nothing else was asked for."""
    if session.data.task.suited is None:
        return plan
    recipe, epochs = plan.recipe, float(plan.recipe.train.epochs)
    asked = session.asked.augment
    found = {k: v for k, v in session.data.task.suited(recipe, epochs).items() if asked.get(k, "auto") == "auto"}
    if not found:
        return plan
    why = {"value": found, "why": "augment.longer", "numbers": {"epochs": epochs, **found}}
    for key, value in dict(session.decide(f"{stage}.augment", lambda: why)["value"]).items():
        recipe = recipe.with_(f"augment.{key}", value)
    return replace(plan, recipe=recipe)


def warn(session: Session, code: str, severity: str, **numbers: Any) -> None:
    """A planning fallback, as a Finding."""
    note_findings(session.study, [Finding(code=code, severity=severity, numbers=numbers)], session.tell)  # type: ignore[arg-type]
