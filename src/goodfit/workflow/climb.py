"""Climb the ladder: a quick first answer from the smallest rung, then larger ones as long as capacity is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..core.errors import BudgetError
from ..core.finding import Finding
from ..core.task import Rung
from ..diagnose import chance_score
from ..search.ladder import Step, decide
from ..train.batch_size import NothingFits
from .examine import examine
from .lengths import cost_of_final, final_length, grown, plan_of, trial_length, with_epochs
from .planning import Plan
from .session import Candidate, Session
from .story import note_findings


def climb(session: Session) -> Candidate:
    """Train rungs from small to large, each decision in the ledger, and return the winner at full length."""
    rungs = list(session.data.task.ladder(session.asked, session.data.schema, session.data.counts))
    rungs = _within_limits(session, rungs)
    changes: dict[str, Any] = {}
    tried: list[tuple[Candidate, Step]] = []
    for number, rung in enumerate(rungs):
        candidate = _trial(session, rung, number, changes)
        step = _measure(session, candidate)
        tried.append((candidate, step))
        _show(session, candidate, first=number == 0)
        if number == 0:
            changes = _safe_changes(session, candidate)
        before = tried[-2][1] if number and candidate.full else None
        following = rungs[number + 1] if number + 1 < len(rungs) else None
        if not _go_on(session, number, step, following, before, changes):
            break
        assert following is not None
        if not candidate.full and _is_last_affordable(session, rungs, number + 1, changes):
            return _crowned(session, tried, following, changes)
    winner = _best(session, tried)
    if winner.full and all(winner.plan.recipe.augment.get(k) == v for k, v in changes.items()):
        return winner
    return _crowned(session, tried, next(r for r in rungs if r.name == winner.name), changes)


def _within_limits(session: Session, rungs: list[Rung]) -> list[Rung]:
    """Rungs that keep the target's latency, size and memory; dropped ones are said with their figures."""
    target = session.asked.target
    limits = {k: v for k, v in target.model_dump().items() if v is not None}
    if not limits:
        return rungs
    kept = []
    for rung in rungs:
        line = session.decide(f"limits.{rung.name}", lambda rung=rung: _against(session, rung, limits))
        if line["value"]:
            kept.append(rung)
    if not kept:
        raise BudgetError(
            "no candidate keeps the limits of the target",
            got=", ".join(f"target.{k}={v:g}" for k, v in limits.items()),
            do="loosen the limits; the ledger shows what each candidate needs",
        )
    return kept


def _against(session: Session, rung: Rung, limits: dict[str, float]) -> dict[str, Any]:
    """What a rung costs against the limits of the target."""
    try:
        plan = session.plan(rung.apply(session.asked))
    except NothingFits as error:
        numbers = {"rung": rung.name, "memory_mb": error.needed_mb, "memory_mb_limit": error.limit_mb}
        return {"value": False, "why": "limits.no_memory", "numbers": numbers}
    costs = session.data.task.cost(plan.recipe, session.data.schema, plan.engine)
    has = {"latency_ms": costs["latency_ms"], "size_mb": costs["size_bytes"] / 1e6, "memory_mb": costs["memory_mb"]}
    fits = all(has[k] <= v for k, v in limits.items())
    numbers = {"rung": rung.name, **has, **{f"{k}_limit": limits.get(k) for k in has}}
    return {"value": fits, "why": "limits.kept" if fits else "limits.dropped", "numbers": numbers}


def _trial(session: Session, rung: Rung, number: int, changes: dict[str, Any]) -> Candidate:
    """One rung, trained in full where that is cheap, else briefly."""
    first = {"flip": False} if number == 0 and session.data.task.label_safe is not None else {}
    line = session.decide(f"rung.{number}.plan", lambda: trial_length(session, rung, {**first, **changes}))
    plan = plan_of(session, rung, {**first, **changes})
    plan = with_epochs(plan, float(line["value"]))
    deadline = session.study.clock.used + session.left
    return _trained(session, rung.name, plan, deadline, full=bool(line["numbers"]["full"]))


def _trained(session: Session, name: str, plan: Plan, deadline: float, full: bool) -> Candidate:
    """A run that gave a model: one that diverges is said, and repeated at a tenth of the rate.

    Raises: BudgetError if it diverges again.
    """
    plan = session.with_rate(name, plan)
    for rate in (1.0, 0.1, 0.01):
        slower = replace(plan, recipe=plan.recipe.with_("train.lr", float(plan.recipe.train.lr) * rate))
        run = session.train(name, slower, deadline=deadline)
        candidate = Candidate(name=name, plan=slower, run=run, full=full)
        result = run.result()
        assert result is not None
        if result.stopped == "deadline" and full:
            last = run.records[-1] if run.records else None
            warn(
                session,
                "GF-P004",
                "warning",
                run=run.id,
                step=last.step if last else 0,
                steps=last.steps if last else 0,
            )
        if result.scores:
            return candidate
        examine(session, candidate)
    raise BudgetError(
        "training diverges even at a hundredth of the learning rate",
        got=f"train.lr={slower.recipe.train.lr:g}",
        do="look at the inputs and targets for values that are not finite, or set train.lr",
    )


def _measure(session: Session, candidate: Candidate) -> Step:
    run = candidate.run
    result = run.result()
    assert result is not None
    target = session.data.dataset.index.target
    chance = chance_score(session.metric, target[session.data.split.train], target[session.data.split.select])
    return Step(
        rung=candidate.name,
        train=session.score(run, "train"),
        select=session.score(run, "select"),
        higher_is_better=session.metric.higher_is_better,
        worst=chance,
        records=run.history,
        seconds=result.cost.seconds,
    )


def _show(session: Session, candidate: Candidate, first: bool) -> None:
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
            value=score.value,
            low=score.low,
            high=score.high,
            n=score.n,
        )


def _safe_changes(session: Session, candidate: Candidate) -> dict[str, Any]:
    """What the first model, trained without mirrors, says of their safety."""
    task = session.data.task
    if task.label_safe is None or session.asked.augment.get("flip", "auto") != "auto":
        return {}

    def ask() -> dict[str, Any]:
        learner, loader = load_learner(session, candidate)
        target = session.data.dataset.index.target[loader.positions]
        changes, numbers = task.label_safe(learner, loader, target)  # type: ignore[misc]
        return {
            "value": changes,
            "why": "augment.safe" if changes.get("flip") else "augment.unsafe",
            "numbers": numbers,
        }

    return dict(session.decide("augment.label_safe", ask)["value"])


def load_learner(session: Session, candidate: Candidate) -> tuple[Any, Any]:
    """The learner of a finished run with its weights, and a plain loader over select."""
    from ..engine.modelfolder import read_model

    task, data, recipe = session.data.task, session.data, candidate.run.recipe
    state, _ = read_model(candidate.run.model)
    learner = task.learner(recipe, data.schema, candidate.plan.engine, None)
    learner.load_weights(state)
    return learner, task.loader(data.dataset, data.split.select, recipe, candidate.plan.engine, False)


def _go_on(
    session: Session, number: int, step: Step, following: Rung | None, before: Step | None, changes: dict[str, Any]
) -> bool:
    def compute() -> dict[str, Any]:
        cost = cost_of_final(session, following, changes) if following is not None else 0.0
        decision = decide(step, following.name if following else None, cost, session.left, before)
        return {"value": decision.climb, "why": decision.why, "numbers": decision.numbers}

    return bool(session.decide(f"rung.{number}.climb", compute)["value"])


def _is_last_affordable(session: Session, rungs: list[Rung], number: int, changes: dict[str, Any]) -> bool:
    """Whether the rung above `number` is out of reach, so that `number` needs no trial of its own."""

    def compute() -> dict[str, Any]:
        if number + 1 >= len(rungs):
            return {"value": True, "why": "ladder.top", "numbers": {"rung": rungs[number].name, "next": ""}}
        cost = cost_of_final(session, rungs[number + 1], changes)
        last = cost > session.left
        numbers = {"rung": rungs[number].name, "next": rungs[number + 1].name, "cost": cost, "left": session.left}
        return {"value": last, "why": "ladder.straight" if last else "ladder.trial", "numbers": numbers}

    return bool(session.decide(f"rung.{number}.straight", compute)["value"])


def _best(session: Session, tried: list[tuple[Candidate, Step]]) -> Candidate:
    """The best rung on select; among short trials the largest one climbed to, since capacity was what was missing."""

    def compute() -> dict[str, Any]:
        pool = tried if all(c.full for c, _ in tried) else tried[-1:]
        sign = 1.0 if session.metric.higher_is_better else -1.0
        top = max(pool, key=lambda pair: sign * pair[1].select)
        scores = {c.name: s.select for c, s in tried}
        return {"value": top[0].name, "why": "ladder.winner", "numbers": {"rung": top[0].name, "scores": scores}}

    name = session.decide("ladder.winner", compute)["value"]
    return next(c for c, _ in tried if c.name == name)


def _crowned(session: Session, tried: list[tuple[Candidate, Step]], rung: Rung, changes: dict[str, Any]) -> Candidate:
    """The final training's model, or the best trial's where no time was left for one or it came out clearly worse."""
    sign = 1.0 if session.metric.higher_is_better else -1.0
    trial, step = max(tried, key=lambda pair: sign * pair[1].select)
    final = _final(session, rung, changes)
    if final is None:
        return trial

    def compute() -> dict[str, Any]:
        result, value = trial.run.result(), session.score(final.run, "select")
        score = result.score("select") if result else None
        worse = score is not None and not sign * value >= sign * (score.low if sign > 0 else score.high)
        numbers = {"rung": trial.name if worse else final.name, "final": value, "trial": step.select}
        kept, why = ("trial", "final.worse") if worse else ("final", "final.kept")
        return {"value": kept, "why": why, "numbers": numbers}

    return trial if session.decide("final.kept", compute)["value"] == "trial" else final


def _final(session: Session, rung: Rung, changes: dict[str, Any]) -> Candidate | None:
    """The winner's full training: as long as the volume asks for and the time allows, with room for the refit."""
    line = session.decide("final.plan", lambda: final_length(session, rung, changes))
    plan = plan_of(session, rung, changes)
    if not line["value"]:
        return None
    plan = with_epochs(grown(session, plan) if line["numbers"]["grown"] else plan, float(line["value"]))
    deadline = session.study.clock.used + session.left
    candidate = _trained(session, rung.name, plan, deadline, full=True)
    _show(session, candidate, first=False)
    return candidate


def warn(session: Session, code: str, severity: str, **numbers: Any) -> None:
    """A planning fallback, as a Finding."""
    note_findings(session.study, [Finding(code=code, severity=severity, numbers=numbers)], session.tell)  # type: ignore[arg-type]
