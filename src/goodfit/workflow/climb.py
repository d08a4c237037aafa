"""Climb the ladder: a quick first answer from the smallest rung, then larger ones as long as capacity is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..core.errors import BudgetError
from ..core.finding import Finding
from ..core.run import Run
from ..core.task import Rung
from ..diagnose import chance_score
from ..search.ladder import Step, decide
from ..train.batch_size import NothingFits
from .examine import examine
from .lengths import cost_of_final, final_length, grown, plan_of, rough_cost, trial_length, with_epochs
from .limits import against, limits_of, nothing_keeps
from .planning import Plan
from .session import Candidate, Session
from .story import note_findings

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
        _show(session, candidate, first=len(tried) == 1)
        if len(tried) == 1:
            changes = _safe_changes(session, candidate)
        above = _next(session, rungs, number, tried, changes)
        if above is None:
            break
        same = rungs[above].family == rung.family
        number = above
        if same and not candidate.full and _is_last_affordable(session, rungs, number, changes):
            return _crowned(session, tried, rungs, rungs[number].name, changes)
    winner = _best(session, tried, rungs)
    if winner.full and all(winner.plan.recipe.augment.get(k) == v for k, v in changes.items()):
        return winner
    return _crowned(session, tried, rungs, winner.name, changes)


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
    first = {"flip": False} if number == 0 and session.data.task.label_safe is not None else {}
    line = session.decide(f"rung.{number}.plan", lambda: trial_length(session, rung, {**first, **changes}))
    plan = plan_of(session, rung, {**first, **changes})
    plan = with_epochs(plan, float(line["value"]), session.asked)
    if line["numbers"]["full"]:
        plan = _suited(session, plan, f"rung.{number}")
    deadline = session.study.clock.used + session.left
    return _trained(session, rung.name, plan, deadline, full=bool(line["numbers"]["full"]))


def _trained(session: Session, name: str, plan: Plan, deadline: float, full: bool) -> Candidate:
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
            is_share=session.metric.is_share,
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
        changes, why, numbers = task.label_safe(learner, loader, session.data.dataset.index.target)  # type: ignore[misc]
        return {"value": changes, "why": why, "numbers": numbers}

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


def _best(session: Session, tried: list[tuple[Candidate, Step]], rungs: list[Rung]) -> Candidate:
    """The best rung on select.

    Of a family that had short trials only the largest rung climbed to counts, since capacity was what was missing. A
    short trial of one family says little against a full training of another: the best of them is trained out, and
    only then compared.
    """
    family = {rung.name: rung.family for rung in rungs}

    def compute() -> dict[str, Any]:
        last = {family[c.name]: (c, s) for c, s in tried}
        short = [pair for pair in last.values() if not pair[0].full]
        pool = short or tried
        sign = 1.0 if session.metric.higher_is_better else -1.0
        top = max(pool, key=lambda pair: sign * pair[1].select)
        scores = {c.name: s.select for c, s in tried}
        return {"value": top[0].name, "why": "ladder.winner", "numbers": {"rung": top[0].name, "scores": scores}}

    name = session.decide("ladder.winner", compute)["value"]
    return next(c for c, _ in tried if c.name == name)


def _crowned(
    session: Session, tried: list[tuple[Candidate, Step]], rungs: list[Rung], name: str, changes: dict[str, Any]
) -> Candidate:
    """The final training's model, or the best trial's where no time was left for one or it came out clearly worse.

    Against a full training of another family it must be better.
    """
    sign = 1.0 if session.metric.higher_is_better else -1.0
    trial, step = max(tried, key=lambda pair: sign * pair[1].select)
    of = {rung.name: rung for rung in rungs}
    rival = trial.full and of[trial.name].family != of[name].family
    final = _final(session, of[name], changes)
    if final is None:
        return trial

    def compute() -> dict[str, Any]:
        result, value = trial.run.result(), session.score(final.run, "select")
        score = result.score("select") if result else None
        least = step.select if rival or score is None else score.low if sign > 0 else score.high
        worse = score is not None and not sign * value >= sign * least
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
    plan = grown(session, plan) if line["numbers"]["grown"] else plan
    plan = with_epochs(plan, float(line["value"]), session.asked)
    if session.asked.train.epochs != "auto" and line["value"] < line["numbers"]["wanted"]:
        warn(session, "GF-P001", "warning", epochs=line["value"], wanted=line["numbers"]["wanted"])
    plan = _suited(session, plan, "final")
    deadline = session.study.clock.used + session.left
    candidate = _trained(session, rung.name, plan, deadline, full=True)
    _show(session, candidate, first=False)
    return candidate


def _suited(session: Session, plan: Plan, stage: str) -> Plan:
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
