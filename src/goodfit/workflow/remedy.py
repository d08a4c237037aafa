"""Try remedies as controlled experiments: same split, same seeds, judged on confirm, kept only when proven.

Each run has a deadline that leaves the time to refit whatever is kept. An arm that it cuts, or that diverges before
there is a model, is lost: it cannot be told, and the experiment goes on without it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.experiment import Arm, Experiment
from ..core.finding import Finding, Remedy
from ..core.recipe import Recipe
from ..core.run import Run
from ..core.task import Metric
from ..diagnose import remedies_for, treatable
from .climb import within_limits
from .examine import examine
from .experiments import Trial, lost_arm, weigh
from .limits import Change, size_steps
from .planning import Plan
from .scene import guarded
from .session import Candidate, Session
from .work import looked_at

SEEDS = 3  # seeds of each arm where the budget allows; 2 at the least, since one seed has no spread
LEAST_SEEDS = 2
MOST_ARMS = 3  # more arms cost power: each is corrected for the others
SHARE = 0.6  # of what is left after the refit that experiments are planned for; their deadline stands at its end
SLOWER = 1.1  # a refit may take so much longer than the training did


@dataclass(frozen=True, kw_only=True)
class _Tried:
    """An arm that was begun.

    Attributes:
        plan: what it ran by, with the winner's seed.
        runs: finished, one a seed, or fewer where the last was lost.
    """

    plan: Plan
    runs: Sequence[Run]


def try_remedies(session: Session, winner: Candidate) -> Candidate:
    """Diagnose the winner, try what promises most, and go on with what is proven better."""
    seen = [*examine(session, winner), *treatable(session.data.findings)]
    findings = [f for f in seen if f.severity != "info"]
    ranked = remedies_for(
        findings, winner.run.recipe, *_steps(session, winner.run.recipe), bears=session.data.task.bears
    )
    ranked = guarded(session, winner.run.recipe, ranked)
    line = session.decide("remedies", lambda: _which(session, winner, findings, ranked))
    chosen = [r for name in line["value"] for r in ranked if r.name == name]
    if not chosen:
        return winner
    session.tell("stage", name="improve")
    until = session.study.clock.used + session.left - float(line["numbers"]["end"])
    base = _base(session, winner, int(line["numbers"]["seeds"]), until)
    if len(base) < LEAST_SEEDS:
        return winner
    tried = _try(session, winner, chosen, [trial.seed for trial in base], until)
    cause = next(f.code for f in findings if f.code in chosen[0].treats)
    experiment = _judged(session.metric, cause, winner, base, tried)
    session.study.add_experiment(experiment)
    session.tell("experiment", experiment=experiment, is_share=session.metric.is_share)
    kept = session.decide("remedies.kept", lambda: _kept(experiment))["value"]
    if kept == "base":
        return winner
    run = tried[kept].runs[0]
    session.publish(run)
    return Candidate(name=kept, plan=_seeded(tried[kept].plan, run.recipe.seed), run=run, full=True)


def _steps(session: Session, recipe: Recipe) -> tuple[Change | None, Change | None]:
    """Recipe -> recipe one model up and one down the ladder, where it has another that keeps the target's limits."""
    ladder = session.data.task.ladder(session.asked, session.data.schema, session.data.counts)
    return size_steps(within_limits(session, list(ladder)), recipe)


def _which(
    session: Session, winner: Candidate, findings: Sequence[Finding], ranked: Sequence[Remedy]
) -> dict[str, Any]:
    """As many arms and seeds as the time allows, most promising first."""
    counts, left = session.data.counts, session.left
    # samples that each run predicts when it has ended
    answers = looked_at(counts["train"]) + counts["select"] + counts["confirm"]
    one = _full_seconds(session, winner) + winner.plan.predict_seconds(answers)
    end = SLOWER * one + winner.plan.predict_seconds(answers + counts["test"])  # refit, a cut arm's answers, test
    numbers = {"run": winner.run.id, "findings": [f.code for f in findings], "one": one, "left": left, "seeds": 0}
    if not ranked:
        why = "remedies.none_needed" if not findings else "remedies.none_known"
        return {"value": [], "why": why, "numbers": numbers}
    for seeds in range(SEEDS, LEAST_SEEDS - 1, -1):
        arms: list[Remedy] = []
        for remedy in ranked[:MOST_ARMS]:
            more = [*arms, remedy]
            if _seconds(one, seeds, more) <= SHARE * (left - end * _costliest(more)):
                arms = more
        if arms:
            names = [r.name for r in arms]
            numbers |= {"seeds": seeds, "seconds": _seconds(one, seeds, arms), "end": end * _costliest(arms)}
            return {"value": names, "why": "remedies.try", "numbers": {**numbers, "arms": ", ".join(names)}}
    least = _seconds(one, LEAST_SEEDS, ranked[:1])
    return {"value": [], "why": "remedies.no_time", "numbers": {**numbers, "seconds": least}}


def _full_seconds(session: Session, winner: Candidate) -> float:
    """Seconds of the whole planned training: what ended the winner's early, patience perhaps, need not end an arm's."""
    epochs, counts = winner.run.history, session.data.counts
    if not epochs:
        return winner.plan.seconds(counts["train"], predicted=counts["select"])
    return math.fsum(r.cost.get("seconds", 0.0) for r in epochs) * epochs[-1].steps / epochs[-1].step


def _seconds(one: float, seeds: int, arms: Sequence[Remedy]) -> float:
    return one * (seeds - 1 + sum(seeds * r.cost for r in arms))


def _costliest(arms: Sequence[Remedy]) -> float:
    """How many times the winner's cost that of the kept one may be."""
    return max(1.0, *(r.cost for r in arms))


def _base(session: Session, winner: Candidate, seeds: int, until: float) -> list[Trial]:
    """The winner and its recipe with other seeds; a seed that gave nothing to judge is left out."""
    first = winner.run.recipe.seed
    named = [(f"base-s{seed}", _seeded(winner.plan, seed)) for seed in range(first + 1, first + seeds)]
    runs = [winner.run, *_train(session, named, until)]
    base = [_trial(run) for run in runs if not _lost([run])]
    if len(base) < LEAST_SEEDS:
        _say_lost(session, "base", runs)
    return base


def _try(
    session: Session, winner: Candidate, chosen: Sequence[Remedy], seeds: Sequence[int], until: float
) -> dict[str, _Tried]:
    """The arms, each with the same seeds; none is begun after one that the deadline cut."""
    tried: dict[str, _Tried] = {}
    runs: Sequence[Run] = ()
    for remedy in chosen:
        late = bool(runs) and _lost(runs) == "deadline"
        if not late:
            changed = remedy.apply(winner.plan.recipe)
            plan = replace(session.plan(changed), recipe=changed)
            runs = _train(session, [(remedy.name, _seeded(plan, seed)) for seed in seeds], until)
            tried[remedy.name] = _Tried(plan=plan, runs=runs)
        if _lost(runs):
            _say_lost(session, remedy.name, runs)
    return tried


def _train(session: Session, named: Sequence[tuple[str, Plan]], until: float) -> list[Run]:
    """The run of each plan, up to one that is lost."""
    runs: list[Run] = []
    for name, plan in named:
        runs.append(session.train(name, plan, deadline=until))
        if _lost(runs):
            break
    return runs


def _lost(runs: Sequence[Run]) -> str:
    """Why these runs cannot be judged: one was cut by its `deadline`, or `diverged` with no model; "" if they can."""
    for run in runs:
        result = run.result()
        assert result is not None
        if result.stopped == "deadline":
            return "deadline"
        confirm = run.predictions("confirm")
        if confirm is None or not np.isfinite(confirm.outputs).all():
            return "diverged"
    return ""


def _say_lost(session: Session, arm: str, runs: Sequence[Run]) -> None:
    why = _lost(runs)
    numbers = {"arm": arm, "run": runs[-1].id}
    session.decide(f"remedies.lost.{arm}", lambda: {"value": why, "why": f"remedies.lost.{why}", "numbers": numbers})


def _judged(
    metric: Metric, cause: str, winner: Candidate, base: Sequence[Trial], tried: Mapping[str, _Tried]
) -> Experiment:
    """The experiment: arms that are whole weighed against the base, lost ones told as such."""
    changes = {name: _changes(winner.plan.recipe, arm.plan.recipe) for name, arm in tried.items()}
    arms = {name: [_trial(run) for run in arm.runs] for name, arm in tried.items() if not _lost(arm.runs)}
    weighed = weigh("remedy", cause, base, arms, metric, changes=changes)
    lost = [_lost_arm(name, arm.runs, metric, changes[name]) for name, arm in tried.items() if name not in arms]
    return replace(weighed, arms=(*weighed.arms, *lost))


def _lost_arm(name: str, runs: Sequence[Run], metric: Metric, changes: Mapping[str, Any]) -> Arm:
    seconds = [result.cost.seconds for run in runs if (result := run.result()) is not None]
    return lost_arm(name, [run.id for run in runs], seconds, metric, changes)


def _changes(before: Recipe, after: Recipe) -> dict[str, Any]:
    return {key: new for key, (_, new) in before.diff(after).items()}


def _seeded(plan: Plan, seed: int) -> Plan:
    return replace(plan, recipe=plan.recipe.with_("seed", seed))


def _trial(run: Run) -> Trial:
    result, confirm = run.result(), run.predictions("confirm")
    assert result is not None and confirm is not None
    return Trial(run_id=run.id, seed=run.recipe.seed, seconds=result.cost.seconds, confirm=confirm)


def _kept(experiment: Experiment) -> dict[str, Any]:
    arm = next((a for a in experiment.arms if a.name == experiment.kept), experiment.base)
    numbers = {"arm": arm.name, "effect": arm.effect, "low": arm.low, "high": arm.high, "verdict": arm.verdict}
    return {
        "value": experiment.kept,
        "why": "remedies.keep_base" if experiment.kept == "base" else "remedies.keep",
        "numbers": numbers,
    }
