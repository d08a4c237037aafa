"""Climb the ladder: a quick first answer from the smallest rung, then larger ones as long as capacity is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.task import Rung
from ..diagnose import chance_score
from ..search.ladder import Step, decide
from ..train.batch_size import NothingFits
from .candidates import publish_if_better, suited, trained
from .crown import best, crowned
from .lengths import cost_of_final, plan_of, rough_cost, trial_length, with_epochs
from .limits import against, limits_of, nothing_keeps
from .scene import asks_about_mirrors, safe_changes
from .session import Candidate, Session

ROUGH = 1.0  # times what is left that a rung may cost by its share of work and still be probed


def climb(session: Session) -> Candidate:
    """Train rungs from small to large, each decision in the ledger, and return the winner at full length."""
    session.tell("stage", name="ladder")
    rungs = list(session.data.task.ladder(session.asked, session.data.schema, session.data.counts))
    judged = _against_limits(session, rungs)
    rungs = [rung for rung, line in judged if line["value"]]
    if not rungs:
        raise nothing_keeps(limits_of(session.asked), [line for _, line in judged])
    changes: dict[str, Any] = {}
    tried: list[tuple[Candidate, Step]] = []
    number = 0
    while True:
        rung = rungs[number]
        candidate = _trial(session, rung, number, changes)
        tried.append((candidate, _measure(session, candidate)))
        publish_if_better(session, candidate, first=len(tried) == 1)
        if len(tried) == 1:
            changes = safe_changes(session, candidate)
        above = _next(session, rungs, number, tried, changes)
        if above is None:
            break
        same = rungs[above].family == rung.family
        number = above
        if same and not candidate.full and _is_last_affordable(session, rungs, number, changes):
            return crowned(session, tried, rungs, rungs[number].name, changes)
    winner = best(session, tried, rungs)
    if winner.full and all(winner.plan.recipe.augment.get(k) == v for k, v in changes.items()):
        return winner
    return crowned(session, tried, rungs, winner.name, changes)


def _next(
    session: Session,
    rungs: list[Rung],
    number: int,
    tried: list[tuple[Candidate, Step]],
    changes: dict[str, Any],
) -> int | None:
    """The rung to try after `number`: the one above where capacity is missing, else the first of another family."""
    candidate, step = tried[-1]
    same = number + 1 < len(rungs) and rungs[number + 1].family == rungs[number].family
    others = (k for k in range(number + 1, len(rungs)) if rungs[k].family != rungs[number].family)
    other = next(others, None)
    if same or other is None:
        held = same and len(tried) > 1 and candidate.full and rungs[number - 1].family == rungs[number].family
        before = tried[-2][1] if held else None
        following = rungs[number + 1] if number + 1 < len(rungs) else None
        rough = _rough(session, candidate, rungs[number], following)
        if _go_on(session, f"rung.{number}.climb", step, following, before, changes, rough=rough)["value"]:
            return number + 1
    while other is not None:
        rough = _rough(session, candidate, rungs[number], rungs[other])
        line = _go_on(session, f"rung.{number}.other.{other}", step, rungs[other], None, changes, True, rough)
        if line["value"]:
            return other
        other = next(others, None) if line["why"] != "ladder.perfect" else None
    return None


def _rough(session: Session, candidate: Candidate, rung: Rung, following: Rung | None) -> float:
    """What a rung would cost by its share of work alone; 0 where that is not known."""
    if following is None or not rung.work or not following.work:
        return 0.0
    return rough_cost(session, candidate.plan, following.work / rung.work)


def within_limits(session: Session, rungs: list[Rung]) -> list[Rung]:
    """Rungs that keep the target's latency, size and memory; dropped ones are said with their figures."""
    return [rung for rung, line in _against_limits(session, rungs) if line["value"]]


def _against_limits(session: Session, rungs: list[Rung]) -> list[tuple[Rung, Mapping[str, Any]]]:
    """Each rung with the decision on it."""
    limits = limits_of(session.asked)
    if not limits:
        return [(rung, {"value": True}) for rung in rungs]

    def price(rung: Rung) -> Mapping[str, float]:
        plan = session.plan(rung.apply(session.asked))
        return session.data.task.cost(plan.recipe, session.data.schema, plan.engine)

    decide = lambda rung: session.decide(  # noqa: E731
        f"limits.{rung.name}", lambda: against(rung.name, lambda: price(rung), limits)
    )
    return [(rung, decide(rung)) for rung in rungs]


def _trial(session: Session, rung: Rung, number: int, changes: dict[str, Any]) -> Candidate:
    """One rung, trained in full where that is cheap, else briefly."""
    first = {"flip": False} if number == 0 and asks_about_mirrors(session) else {}
    line = session.decide(f"rung.{number}.plan", lambda: trial_length(session, rung, {**first, **changes}))
    plan = plan_of(session, rung, {**first, **changes})
    plan = with_epochs(plan, float(line["value"]), session.asked)
    if line["numbers"]["full"]:
        plan = suited(session, plan, f"rung.{number}")
    deadline = session.study.clock.used + session.left
    return trained(session, rung.name, plan, deadline, full=bool(line["numbers"]["full"]))


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
        full=candidate.full,
    )


def _go_on(
    session: Session,
    key: str,
    step: Step,
    following: Rung | None,
    before: Step | None,
    changes: dict[str, Any],
    other: bool = False,
    rough: float = 0.0,
) -> dict[str, Any]:
    """Whether to go on to `following`, as the ledger has it.

    Args:
        rough: its cost by its share of work alone, 0 where that is not known.
    """

    def compute() -> dict[str, Any]:
        if following is not None and session.left <= 0:  # a probe alone may take seconds
            return {"value": False, "why": "ladder.no_time", "numbers": {"rung": step.rung, "next": following.name}}
        if rough > ROUGH * max(session.left, 0.0):
            assert following is not None
            numbers = {"rung": step.rung, "next": following.name, "cost": rough, "left": session.left}
            return {"value": False, "why": "ladder.unaffordable", "numbers": numbers}
        try:
            cost = cost_of_final(session, following, changes) if following is not None else 0.0
        except NothingFits as error:
            assert following is not None
            numbers = {"rung": step.rung, "next": following.name}
            return {"value": False, "why": "ladder.no_memory", "numbers": numbers | _needs(error)}
        decision = decide(step, following.name if following else None, cost, session.left, before, other)
        return {"value": decision.climb, "why": decision.why, "numbers": decision.numbers}

    return session.decide(key, compute)


def _is_last_affordable(session: Session, rungs: list[Rung], number: int, changes: dict[str, Any]) -> bool:
    """Whether the rung above `number` is out of reach, so that `number` needs no trial of its own."""

    def compute() -> dict[str, Any]:
        if number + 1 >= len(rungs):
            return {"value": True, "why": "ladder.top", "numbers": {"rung": rungs[number].name, "next": ""}}
        numbers: dict[str, Any] = {"rung": rungs[number].name, "next": rungs[number + 1].name}
        try:
            cost = cost_of_final(session, rungs[number + 1], changes)
        except NothingFits as error:
            return {"value": True, "why": "ladder.straight_memory", "numbers": numbers | _needs(error)}
        last = cost > session.left
        numbers |= {"cost": cost, "left": session.left}
        return {"value": last, "why": "ladder.straight" if last else "ladder.trial", "numbers": numbers}

    return bool(session.decide(f"rung.{number}.straight", compute)["value"])


def _needs(error: NothingFits) -> dict[str, float]:
    return {"memory_mb": error.needed_mb, "memory_mb_limit": error.limit_mb}
