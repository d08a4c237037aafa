"""The end of the climb: which rung is the best, its full training, and whether that came out better than the trial."""

from __future__ import annotations

from typing import Any

from ..core.task import Rung
from ..search.ladder import Step
from .candidates import publish_if_better, suited, trained, warn
from .lengths import final_length, grown, plan_of, with_epochs
from .session import Candidate, Session


def best(session: Session, tried: list[tuple[Candidate, Step]], rungs: list[Rung]) -> Candidate:
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


def crowned(
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
    plan = suited(session, plan, "final")
    deadline = session.study.clock.used + session.left
    candidate = trained(session, rung.name, plan, deadline, full=True)
    publish_if_better(session, candidate, first=False)
    return candidate
