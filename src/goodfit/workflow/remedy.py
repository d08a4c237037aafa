"""Try remedies as controlled experiments: same split, same seeds, judged on confirm, kept only when proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..core.experiment import Experiment
from ..core.finding import Finding, Remedy
from ..core.recipe import Recipe
from ..core.run import Run
from ..core.task import Rung
from ..diagnose import remedies_for
from .examine import examine
from .experiments import Trial, weigh
from .planning import Plan
from .session import Candidate, Session

SEEDS = 3  # seeds of each arm where the budget allows; 2 at the least, since one seed has no spread
LEAST_SEEDS = 2
MOST_ARMS = 3  # more arms cost power: each is corrected for the others
SHARE = 0.6  # of what is left after the refit that experiments may take


def try_remedies(session: Session, winner: Candidate) -> Candidate:
    """Diagnose the winner, try what promises most, and go on with what is proven better."""
    findings = [f for f in examine(session, winner) if f.severity != "info"]
    ranked = remedies_for(findings, winner.run.recipe, *_steps(session, winner))
    line = session.decide("remedies", lambda: _which(session, winner, findings, ranked))
    chosen = [r for name in line["value"] for r in ranked if r.name == name]
    if not chosen:
        return winner
    experiment, plans = _experiment(session, winner, findings[0], chosen, int(line["numbers"]["seeds"]))
    session.study.add_experiment(experiment)
    session.tell("experiment", experiment=experiment)
    kept = session.decide("remedies.kept", lambda: _kept(experiment))["value"]
    if kept == "base":
        return winner
    run = session.train(kept, plans[kept])
    session.publish(run)
    return Candidate(name=kept, plan=plans[kept], run=run, full=True)


def _steps(session: Session, winner: Candidate) -> tuple[Any, Any]:
    """Recipe -> recipe one rung up and one down, where the ladder has such rungs."""
    rungs = session.data.task.ladder(session.asked, session.data.schema, session.data.counts)
    names = [r.name for r in rungs]
    if winner.name not in names:
        return None, None
    at = names.index(winner.name)
    step = lambda rung: lambda recipe: _on_rung(rung, recipe)  # noqa: E731
    return (step(rungs[at + 1]) if at + 1 < len(rungs) else None, step(rungs[at - 1]) if at else None)


def _on_rung(rung: Rung, recipe: Recipe) -> Recipe:
    """A resolved recipe with another rung's model, everything else as it was."""
    return recipe.with_(
        "model.name", rung.apply(Recipe(model=recipe.model.model_copy(update={"name": "auto"}))).model.name
    )


def _which(
    session: Session, winner: Candidate, findings: Sequence[Finding], ranked: Sequence[Remedy]
) -> dict[str, Any]:
    """As many arms and seeds as the time allows, most promising first."""
    result = winner.run.result()
    assert result is not None
    one = result.cost.seconds
    room = SHARE * max(0.0, session.left - 1.1 * one)
    numbers = {
        "run": winner.run.id,
        "findings": [f.code for f in findings],
        "one": one,
        "left": session.left,
        "seeds": 0,
    }
    if not ranked:
        return {
            "value": [],
            "why": "remedies.none_needed" if not findings else "remedies.none_known",
            "numbers": numbers,
        }
    for seeds in range(SEEDS, LEAST_SEEDS - 1, -1):
        arms: list[Remedy] = []
        for remedy in ranked[:MOST_ARMS]:
            if _seconds(one, seeds, [*arms, remedy]) <= room:
                arms.append(remedy)
        if arms:
            names = [r.name for r in arms]
            return {
                "value": names,
                "why": "remedies.try",
                "numbers": {**numbers, "seeds": seeds, "seconds": _seconds(one, seeds, arms), "arms": ", ".join(names)},
            }
    return {
        "value": [],
        "why": "remedies.no_time",
        "numbers": {**numbers, "seconds": _seconds(one, LEAST_SEEDS, ranked[:1])},
    }


def _seconds(one: float, seeds: int, arms: Sequence[Remedy]) -> float:
    return one * (seeds - 1 + sum(seeds * r.cost for r in arms))


def _experiment(
    session: Session, winner: Candidate, finding: Finding, chosen: Sequence[Remedy], seeds: int
) -> tuple[Experiment, dict[str, Plan]]:
    first = winner.run.recipe.seed
    base = [_trial(winner.run)]
    for seed in range(first + 1, first + seeds):
        plan = replace(winner.plan, recipe=winner.plan.recipe.with_("seed", seed))
        base.append(_trial(session.train(f"base-s{seed}", plan)))
    arms, plans, changes = {}, {}, {}
    for remedy in chosen:
        changed = remedy.apply(winner.plan.recipe)
        plan = replace(session.plan(changed), recipe=changed)
        plans[remedy.name] = plan
        changes[remedy.name] = {k: new for k, (_, new) in winner.plan.recipe.diff(changed).items()}
        arms[remedy.name] = [
            _trial(session.train(remedy.name, replace(plan, recipe=changed.with_("seed", seed))))
            for seed in range(first, first + seeds)
        ]
    return weigh("remedy", finding.code, base, arms, session.metric, changes=changes), plans


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
