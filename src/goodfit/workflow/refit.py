"""The winner trained on train + val: anew for its chosen steps, or from its weights for a part of them.

Anew where the time allows it. Where the budget limits the training, one long training that goes on briefly with all
samples beats two that are half as long (benchmarks/refit.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..core.outcome import Result
from ..core.recipe import Recipe
from ..core.run import Run
from ..engine.modelfolder import read_model
from ..train.schedule import as_it_ran
from .candidates import warn
from .lengths import WARM_PART, WARM_RATE, steps_a_pass
from .session import Candidate, Session
from .work import Goal

ALL_FROZEN = 0.999  # share of a training in which the head alone learns: to its end
OVERRUN = 1.05  # a refit may end at most here, as a share of the budget; the promise is kept at 1.1


def refit(session: Session, winner: Candidate) -> Run | None:
    """The winner's recipe fitted on everything but test; None where there is no time for it, which is a Finding."""
    result = winner.run.result()
    assert result is not None
    samples = session.everything_but_test
    line = session.decide("refit", lambda: _way(session, winner, result, len(samples)))
    if not line["value"]:
        warn(session, "GF-P002", "warning", **line["numbers"])
        return None
    session.tell("stage", name="refit")
    steps = int(line["numbers"]["steps"])
    if line["value"] == "warm":
        recipe = _on(winner, _epochs(winner, len(samples), steps))
        goal = Goal(positions=samples, refit=True, stop_at=steps, start=read_model(winner.run.model)[0])
    else:
        planned = winner.run.records[-1].steps if winner.run.records else steps
        ran = as_it_ran(winner.plan.recipe, winner.run.history)
        recipe = ran.with_("train.epochs", _epochs(winner, len(samples), planned))
        goal = Goal(positions=samples, refit=True, stop_at=steps)
    run = session.train(f"{winner.name}-refit", replace(winner.plan, recipe=recipe), goal, _deadline(session))
    refitted = run.result()
    if refitted is None or refitted.stopped in ("deadline", "diverged"):
        warn(session, "GF-P003", "warning", stopped=refitted.stopped if refitted else "deadline", steps=steps)
        return None
    return run


def _way(session: Session, winner: Candidate, result: Result, samples: int) -> dict[str, Any]:
    """The first way that fits the time, of those that were asked for.

    Going on takes a whole pass at least: 5 steps, an eighth of one, took a detector from 29.2 to 26.5 mAP.
    """
    asked = session.asked.train.refit
    room = _deadline(session) - session.study.clock.used
    anew, warm = result.steps, max(steps_a_pass(winner.plan.recipe, samples), round(WARM_PART * result.steps))
    ways = {"anew": (anew, _seconds(winner, result)), "warm": (warm, warm * _last_pace(winner, result))}
    allowed = ["anew"] if asked is True else ["warm"] if asked == "warm" else ["anew", "warm"]
    for way in allowed:
        steps, seconds = ways[way]
        if seconds <= room:
            numbers = {"steps": steps, "seconds": seconds, "samples": samples, "winner_steps": result.steps}
            why = "refit.yes" if way == "anew" else "refit.asked" if asked == "warm" else "refit.warm"
            return {"value": way, "why": why, "numbers": numbers}
    steps, seconds = ways[allowed[-1]]
    return {"value": "", "why": "refit.no_time", "numbers": {"steps": steps, "seconds": seconds, "samples": samples}}


def _seconds(winner: Candidate, result: Result) -> float:
    """What the winner's chosen steps took."""
    kept = [r for r in winner.run.history if r.step <= result.steps]
    return sum(r.cost.get("seconds", 0.0) for r in kept) if kept else result.cost.seconds


def _last_pace(winner: Candidate, result: Result) -> float:
    """Seconds a step at the end, where inputs have their full size."""
    ends = [0, *(r.step for r in winner.run.history)]
    if len(ends) == 1:
        return result.cost.seconds / max(1, result.steps)
    return winner.run.history[-1].cost.get("seconds", 0.0) / max(1, ends[-1] - ends[-2])


def _on(winner: Candidate, epochs: float) -> Recipe:
    """The recipe of going on: at full size, from a part of train.lr, frozen where the winner's best weights were.

    With muon, train.lr is the rate of our own nets' kernels; their offsets and head start from their own peak again, as
    they did in benchmarks/refit.py.
    """
    recipe, result = winner.plan.recipe, winner.run.result()
    train, last = recipe.train, winner.run.records[-1] if winner.run.records else None
    lr = float(train.lr) * WARM_RATE
    if train.schedule == "plateau" and last is not None:
        lr = min(lr, last.lr)  # to which the winner's own fell for good
    freeze = float(train.freeze)
    planned = last.steps if last is not None else 0
    frozen = freeze >= 1 - WARM_PART or (result is not None and result.steps <= freeze * planned)
    changes = {"epochs": epochs, "lr": lr, "sizes": (), "warmup": 0.0, "freeze": ALL_FROZEN if frozen else 0.0}
    for key, value in changes.items():
        recipe = recipe.with_(f"train.{key}", value)
    return recipe


def _epochs(winner: Candidate, samples: int, steps: int) -> float:
    """Passes over so many samples that make so many steps."""
    return steps / steps_a_pass(winner.plan.recipe, samples)


def _deadline(session: Session) -> float:
    """Clock seconds at which a refit must have ended."""
    return session.study.clock.used + session.left + (OVERRUN - 1) * (session.study.clock.budget or 0.0)
