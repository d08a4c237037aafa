"""How long to train: a rung's trial, the winner's final training, and what a rung would cost, against the budget."""

from __future__ import annotations

from dataclasses import replace
from math import floor, log10
from typing import Any

from ..core.errors import BudgetError
from ..core.recipe import Recipe
from ..core.task import Reason, Rung
from .planning import Plan
from .session import Session
from .work import looked_at

FULL_SHARE = 0.35  # train + refit of a rung may take so much of what is left for the trial to be the full training
FULL_SECONDS = 30.0  # a training that takes no longer is worth making in full even if a larger rung wins
FULL_TRIAL = 0.05  # and one that takes no more of the budget
LEAST_LEFT = 2.0  # seconds that must be left for a trial to begin
TRIAL_SHARE = 0.04  # else a trial takes at most about so much of the budget
TRIAL_PART = 1 / 6  # and at most so much of a full training: enough to see whether train loss lags behind
TRIAL_EPOCHS = 1.0  # but at least so many passes
LEAST_EPOCHS = 12.0  # a rung is affordable if its final training has so many passes; below, a smaller net is as good
LEAST_STEPS = 360  # and so many steps: small_xl with 40 steps on 5,000 pictures lost 3 points to small_s with 112
LONGER = 2.0  # final training may be so many times longer than the volume alone asks for, if there is time
WARM_PART = 0.2  # a warm refit goes on for such a share of the winner's steps; benchmarks/refit.py
WARM_RATE = 0.4  # from such a share of train.lr
HOLD = 0.98  # share of the remaining time that is planned for; the rest absorbs what the prediction missed
PACE = 1.25  # a ratio within it is noise; decisions should not hang on it
SCENE = "augment.scene"  # of the decision on what the scene allows
STEADY = 5.0  # seconds of training below which its pace is a start-up's


def plan_of(session: Session, rung: Rung, changes: dict[str, Any]) -> Plan:
    recipe = rung.apply(session.asked)
    measured = any(line["key"] == SCENE for line in session.study.ledger.events("decision"))
    reasons = []
    for key, value in changes.items():
        if recipe.augment.get(key, "auto") == "auto":
            recipe = recipe.with_(f"augment.{key}", value)
            why = "augment.scene_measured" if measured else "augment.scene_first"
            reasons.append(Reason(key=f"augment.{key}", value=value, why=why))
    plan = session.plan(recipe)
    return replace(plan, reasons=(*plan.reasons, *reasons))


def trial_length(session: Session, rung: Rung, changes: dict[str, Any]) -> dict[str, Any]:
    if session.left < LEAST_LEFT:
        raise BudgetError(
            "the budget is used up before the first model",
            got=f"{session.study.clock.used:.0f} s used",
            allowed=f"{session.study.clock.budget:g} s",
            do="give a larger --budget",
        )
    plan = plan_of(session, rung, changes)
    counts, left = session.data.counts, session.left
    wanted = float(plan.recipe.train.epochs)
    one = plan.seconds(counts["train"], 1.0, predicted=counts["select"])
    budget = session.study.clock.budget or left
    full = 2 * wanted * one <= FULL_SHARE * left and wanted * one <= max(FULL_SECONDS, FULL_TRIAL * budget)
    epochs = wanted if full else max(TRIAL_EPOCHS, min(TRIAL_PART * wanted, TRIAL_SHARE * budget / one))
    epochs = rounded_down(epochs)
    full = full or epochs >= wanted  # some models are fitted in one pass
    if epochs * one > left:
        epochs = max(0.2, rounded_down(left / one * 0.8))
    return {
        "value": epochs,
        "why": "trial.full" if full else "trial.short",
        "numbers": {
            "rung": rung.name,
            "full": full,
            "epochs": epochs,
            "wanted": wanted,
            "seconds": epochs * one,
            "left": left,
            "planned": session.study.clock.used + (2 * epochs * one if full else left),
        },
    }


def final_length(session: Session, rung: Rung, changes: dict[str, Any]) -> dict[str, Any]:
    plan = plan_of(session, rung, changes)
    wanted = float(plan.recipe.train.epochs)
    real = pace(session, rung, noise=1.0)
    answers = real * _answers(session, plan)
    room = HOLD * (session.left - answers)
    tight = room < LONGER * wanted * real * sum(_pass(session, plan, anew=True))
    chosen = grown(session, plan) if tight else plan
    one, again = (real * seconds for seconds in _pass(session, chosen, anew=not tight))
    most = wanted if session.asked.train.epochs != "auto" else wanted * LONGER if tight else wanted
    epochs = rounded_down(max(0.3, min(most, room / (one + again))))
    numbers = {
        "rung": rung.name,
        "epochs": epochs,
        "wanted": wanted,
        "seconds": epochs * one,
        "again": epochs * again,
        "left": session.left,
        "grown": chosen is not plan,
        "pace": real,
        "planned": session.study.clock.used + epochs * (one + again) + answers,
    }
    if session.left <= 0:
        return {"value": 0, "why": "final.no_time", "numbers": numbers}
    before = _trial_epochs(session, rung)
    if epochs < before:
        return {"value": 0, "why": "final.shorter", "numbers": {**numbers, "trial": before}}
    return {"value": epochs, "why": "final.length", "numbers": numbers}


def _trial_epochs(session: Session, rung: Rung) -> float:
    """Passes that the rung's own trial had; 0 where it had none."""
    lines = (line for line in session.study.ledger.events("decision") if line["key"].endswith(".plan"))
    held = [float(line["value"]) for line in lines if line["numbers"].get("rung") == rung.name]
    return max(held, default=0.0)


def _pass(session: Session, plan: Plan, anew: bool) -> tuple[float, float]:
    """Seconds that a pass of the winner costs: in training, where select is scored at its end, and in the refit.

    Args:
        session: asks for a refit or not.
        plan: of the winner.
        anew: whether a refit that may be either is made from scratch.
    """
    counts, refit = session.data.counts, session.asked.train.refit
    one = plan.seconds(counts["train"], 1.0, predicted=counts["select"])
    if refit is False:
        return one, 0.0
    if refit is True or (refit == "auto" and anew):
        return one, plan.seconds(counts["train"], 1.0)
    return one, WARM_PART * plan.at_full_size().seconds(counts["train"], 1.0)


def _answers(session: Session, plan: Plan) -> float:
    """Seconds of the predictions that training, refit and test leave behind."""
    counts = session.data.counts
    return plan.predict_seconds(2 * looked_at(counts["train"]) + counts["select"] + counts["confirm"] + counts["test"])


def cost_of_final(session: Session, rung: Rung, changes: dict[str, Any]) -> float:
    """Least seconds that make a rung worth choosing: its final training and refit at few passes, and its answers."""
    plan = plan_of(session, rung, changes)
    epochs = least_epochs(plan.recipe, session.data.counts["train"])
    training = epochs * sum(_pass(session, grown(session, plan), anew=False))
    return max(2 * LEAST_LEFT, pace(session, rung) * (training + _answers(session, plan)))


def rough_cost(session: Session, plan: Plan, work: float) -> float:
    """Seconds of a rung's final training as the measured speed of another one lets expect, without any probe.

    Args:
        plan: of a rung that was measured.
        work: of the rung in question over that one's.
    """
    samples = session.data.counts["train"]
    return least_epochs(plan.recipe, samples) * plan.seconds(samples, 1.0) * work


def least_epochs(recipe: Recipe, samples: int) -> float:
    """Passes below which a smaller net does better; few samples need more of them to make enough steps.

    Args:
        recipe: resolved.
        samples: of train.
    """
    return min(float(recipe.train.epochs), max(LEAST_EPOCHS, LEAST_STEPS / steps_a_pass(recipe, samples)))


def steps_a_pass(recipe: Recipe, samples: int) -> int:
    """Steps of one pass over so many samples, 1 at least."""
    return max(1, samples // (int(recipe.train.batch_size) * recipe.train.accumulate))


def with_epochs(plan: Plan, epochs: float, asked: Recipe) -> Plan:
    """The plan at another length, with the patience that suits it unless another was asked for or is the task's."""
    recipe = plan.recipe.with_("train.epochs", epochs)
    follows = plan.recipe.train.patience == max(5, round(float(plan.recipe.train.epochs) / 3))
    if asked.train.patience == "auto" and follows:
        recipe = recipe.with_("train.patience", max(5, round(epochs / 3)))
    return replace(plan, recipe=recipe)


def grown(session: Session, plan: Plan) -> Plan:
    """The plan with the beginning of training on smaller inputs, where time is short and nothing was asked."""
    recipe, grow = plan.recipe, session.data.task.grow
    if grow is None or recipe.train.sizes or session.asked.train.sizes:
        return plan
    sizes = grow(recipe)
    return replace(plan, recipe=recipe.with_("train.sizes", sizes)) if sizes else plan


def pace(session: Session, rung: Rung, noise: float = PACE) -> float:
    """Seconds that training really took against what the probe foretold; 1 while the two agree within `noise`.

    Only runs of the rung's own family count: a linear model whose made-up rows were easier than the real ones says
    nothing of trees (a fit of Adult stayed on the linear floor for want of time that trees would not have taken).
    """
    foretold = real = 0.0
    data = session.data
    kin = {r.name for r in data.task.ladder(session.asked, data.schema, data.counts) if r.family == rung.family}
    finished = {run.id.rpartition("-")[0]: run for run in session.study.runs() if run.result() is not None}
    for line in session.study.ledger.events("decision"):
        name = line["numbers"].get("rung", "")
        run = finished.get(name) if name in kin else None
        if line["key"].endswith(".plan") and run is not None and run.records:
            foretold += float(line["numbers"]["seconds"]) * run.records[-1].step / run.records[-1].steps
            real += sum(r.cost.get("seconds", 0.0) for r in run.records)
    ratio = real / foretold if foretold > 0 and real >= STEADY else 1.0
    return 1.0 if 1 / noise <= ratio <= noise else ratio


def rounded_down(epochs: float) -> float:
    """Three significant digits, downwards: more would be a probe's noise; 0 where no time is left."""
    if epochs <= 0:
        return 0.0
    digits = 2 - floor(log10(epochs))
    return floor(epochs * 10**digits) / 10**digits
