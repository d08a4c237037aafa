"""What findings about the data cost: each fix as a controlled experiment beside a random removal of equal size.

The cheapest rung is trained on the training samples as they are, without those that a finding names, and without as
many others of the same classes. Each seed has a split of its own, the same for all arms, and is judged on its held-out
samples, none of them named by a finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..audit.pricing import LEAST, PRICED, control, removal
from ..core.experiment import Arm, Experiment
from ..core.finding import Finding
from ..core.outcome import Predictions
from ..core.recipe import Recipe
from ..core.run import Run
from ..core.telling import Tell, silent
from ..data.splits import make_split
from .clock import Clock
from .experiments import Trial, weigh
from .lengths import plan_of
from .planning import Plan
from .prepare import Prepared, about, prepare
from .session import Session
from .study import Study
from .work import Goal

HELD_OUT, JUDGED = 0.3, 0.8  # share of the training side that judges, and of that the part that chooses no epoch
SEEDS = (5, 4, 3)  # the most that fit; fewer than three show no spread
MOST = 4  # findings that are priced, the weightiest
SHARE = 0.8  # of the budget that trainings are planned for
WITHOUT, AS_IT_IS = "without", "as_it_is"


@dataclass(frozen=True, kw_only=True)
class _Priced:
    """A finding with its fix.

    Attributes:
        finding: that is priced.
        removed: training positions that the fix leaves out.
    """

    finding: Finding
    removed: np.ndarray


def price(
    asked: Recipe, found: Prepared, findings: Sequence[Finding], folder: Path, clock: Clock, tell: Tell
) -> dict[str, dict[str, Any]]:
    """Experiments on the weightiest findings whose fix leaves training samples out, as many as the budget holds.

    Args:
        asked: names the data.
        found: the data as the audit sees them.
        findings: of the audit, the weightiest first.
        folder: of the audit; runs lie in its `price` folder and are found there again.
        clock: of the command, with its budget.
        tell: hears what happens.
    Returns: code of a finding -> gain over a random removal of equal size, low, high, verdict, metric, is_share,
        removed, seeds, n, and the mean score without, random and as_it_is.
    """
    if found.schema.target_kind != "class":
        return {}
    wanted = asked.with_("split.val", HELD_OUT).with_("split.confirm", JUDGED)
    data = prepare(wanted, silent)
    ids = data.dataset.index.id.astype(str)
    priced = [
        _Priced(finding=finding, removed=removed)
        for finding in findings
        if finding.code in PRICED and len(removed := removal(finding, ids.tolist(), data.split.train)) >= LEAST
    ][:MOST]
    if not priced:
        return {}
    study = Study(folder / "price", clock.budget, lock=True)
    study.clock = clock
    try:
        study.write("study.json", {"asked": wanted.model_dump(mode="json"), **about(data)})
        session = Session.open(study, wanted, data, tell, continued=False)
        rung = data.task.ladder(wanted, data.schema, data.counts)[0]
        plan = plan_of(session, rung, {})
        priced, seeds = _affordable(session, plan, priced)
        if not priced:
            return {}
        tell("stage", name="price")
        grave = [finding for finding in findings if finding.severity != "info"]
        spared = {name for finding in grave for name in (*finding.ids, *finding.others)}
        found_prices = _experiments(session, plan, priced, seeds, spared)
        return {e.finding: _as_json(e, session.metric.is_share) for e in found_prices}
    finally:
        study.release()


def _affordable(session: Session, plan: Plan, priced: list[_Priced]) -> tuple[list[_Priced], int]:
    """(the findings, the weightiest first, seeds) that fit into the budget: more findings before more seeds."""
    counts = session.data.counts
    one = plan.seconds(counts["train"], predicted=counts["select"]) + plan.predict_seconds(counts["confirm"])

    def compute() -> dict[str, Any]:
        room = SHARE * session.left
        for many in range(len(priced), 0, -1):
            for seeds in SEEDS:
                trainings = seeds * (1 + 2 * many)
                if trainings * one <= room:
                    numbers = {
                        "trainings": trainings,
                        "findings": many,
                        "seconds": trainings * one,
                        "left": max(0.0, session.left),
                    }
                    return {"value": [many, seeds], "why": "price.plan", "numbers": numbers}
        least = SEEDS[-1] * 3 * one
        return {"value": [0, 0], "why": "price.no_time", "numbers": {"seconds": least, "left": max(0.0, session.left)}}

    many, seeds = session.decide("price", compute)["value"]
    return priced[:many], seeds


def _experiments(
    session: Session, plan: Plan, priced: Sequence[_Priced], seeds: int, spared: set[str]
) -> list[Experiment]:
    target, ids = session.data.dataset.index.target, session.data.dataset.index.id.astype(str).tolist()
    split = [_split_anew(session, seed) for seed in range(seeds)]
    as_it_is = [_trained(each, plan, AS_IT_IS, each.data.split.train, k, spared) for k, each in enumerate(split)]
    found = []
    for one in priced:
        code = one.finding.code
        arms: dict[str, list[Trial]] = {"random": [], WITHOUT: []}
        for seed, each in enumerate(split):
            train = each.data.split.train
            removed = removal(one.finding, ids, train)
            for name, gone in (("random", control(removed, train, target, seed)), (WITHOUT, removed)):
                kept = np.setdiff1d(train, gone)
                arms[name].append(_trained(each, plan, f"{code}.{name}", kept, seed, spared))
        experiment = weigh(
            "price",
            code,
            arms["random"],
            {WITHOUT: arms[WITHOUT], AS_IT_IS: as_it_is},
            session.metric,
            changes={WITHOUT: {"removed": len(one.removed)}},
        )
        session.study.add_experiment(experiment)
        found.append(experiment)
    return found


def _split_anew(session: Session, seed: int) -> Session:
    """The session with the training side split by another seed; test stays as it was, sealed."""
    data, asked = session.data, session.asked
    index, kind = data.dataset.index, data.schema.target_kind
    split = make_split(index, kind, asked.split, asked.seed + seed, data.audit.groups)
    return replace(session, data=replace(data, split=split))


def _trained(session: Session, plan: Plan, name: str, positions: np.ndarray, seed: int, spared: set[str]) -> Trial:
    """One training, judged by the held-out samples that no finding names."""
    seeded = replace(plan, recipe=plan.recipe.with_("seed", seed))
    run = session.train(f"{name}.s{seed}", seeded, Goal(positions=positions))
    return Trial(run_id=run.id, seed=seed, seconds=_seconds(run), confirm=_unnamed(run, spared))


def _seconds(run: Run) -> float:
    result = run.result()
    return result.cost.seconds if result is not None else 0.0


def _unnamed(run: Run, spared: set[str]) -> Predictions:
    confirm = run.predictions("confirm")
    assert confirm is not None
    kept = np.array([str(name) not in spared for name in confirm.ids])
    kept = kept if kept.any() else np.ones(len(kept), dtype=bool)
    return replace(confirm, ids=confirm.ids[kept], target=confirm.target[kept], outputs=confirm.outputs[kept])


def _as_json(experiment: Experiment, is_share: bool) -> dict[str, Any]:
    """What `findings.json` says of a price: gain over the random removal, its interval, and what stood beside it."""
    arms: Mapping[str, Arm] = {arm.name: arm for arm in experiment.arms}
    fixed, given = arms[WITHOUT], arms[AS_IT_IS]
    mean = lambda arm: sum(arm.values) / len(arm.values)  # noqa: E731
    return {
        "metric": experiment.metric,
        "is_share": is_share,
        "removed": int(fixed.changes["removed"]),
        "gain": fixed.effect,
        "low": fixed.low,
        "high": fixed.high,
        "verdict": fixed.verdict,
        "seeds": len(experiment.seeds),
        "n": experiment.n,
        "without": mean(fixed),
        "random": mean(experiment.base),
        "as_it_is": mean(given),
    }
