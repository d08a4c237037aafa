"""What findings about the data cost: each fix as a controlled experiment beside a random removal of equal size.

A quick model is trained on the training samples as they are, without those that a finding names, and without as many
others of the same classes. Each seed has a split of its own, the same for all arms, and is judged on its held-out
samples, none of them named by a finding. The quick model is linear on the features of a pretrained network where the
audit has them, else the cheapest rung of the ladder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..audit.pricing import LEAST, PRICED, control, removal
from ..core.experiment import Arm, Experiment
from ..core.finding import Finding
from ..core.outcome import Predictions
from ..core.recipe import Recipe
from ..core.task import Metric
from ..core.telling import Tell, silent
from ..data.splits import make_split
from ..stats.embedding import compact
from ..train.logistic import logistic
from .clock import Clock
from .embedding import Embedding
from .experiments import Trial, weigh
from .lengths import plan_of
from .planning import Plan
from .prepare import Prepared, about, prepare
from .scoring import primary
from .session import Session
from .study import Study
from .work import Goal

HELD_OUT, JUDGED = 0.3, 0.8  # share of the training side that judges, and of that the part that chooses nothing
SEEDS = (5, 4, 3)  # the most that fit; fewer than three show no spread
MOST = 4  # findings that are priced, the weightiest
SHARE = 0.8  # of the budget that trainings are planned for
STRENGTH = 0.1  # of the penalty of the linear model; the middle of those that the look for wrong labels tries
WITHOUT, AS_IT_IS, RANDOM = "without", "as_it_is", "random"

Judge = Callable[[str, Prepared, np.ndarray, int], Trial]  # (arm, data with its split, training positions, seed)


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
    asked: Recipe,
    found: Prepared,
    findings: Sequence[Finding],
    folder: Path,
    clock: Clock,
    tell: Tell,
    seen: Embedding | None = None,
) -> dict[str, dict[str, Any]]:
    """Experiments on the weightiest findings whose fix leaves training samples out, as many as the budget holds.

    Args:
        asked: names the data.
        found: the data as the audit sees them.
        findings: of the audit, the weightiest first.
        folder: of the audit; runs lie in its `price` folder and are found there again.
        clock: of the command, with its budget.
        tell: hears what happens.
        seen: features of a pretrained network, of samples of `found`.
    Returns: code of a finding -> gain over a random removal of equal size, low, high, verdict, metric, is_share,
        removed, seeds, n, and the mean score without, random and as_it_is.
    """
    if found.schema.target_kind != "class":
        return {}
    wanted = asked.with_("split.val", HELD_OUT).with_("split.confirm", JUDGED)
    data = prepare(wanted, silent)
    ids = data.dataset.index.id.astype(str).tolist()
    priced = [
        _Priced(finding=finding, removed=removed)
        for finding in findings
        if finding.code in PRICED and len(removed := removal(finding, ids, data.split.train)) >= LEAST
    ][:MOST]
    if not priced:
        return {}
    metric = primary(wanted, data.task, data.schema)
    grave = [finding for finding in findings if finding.severity != "info"]
    spared = {name for finding in grave for name in (*finding.ids, *finding.others)}
    study = Study(folder / "price", clock.budget, lock=True)
    study.clock = clock
    try:
        study.write("study.json", {"asked": wanted.model_dump(mode="json"), **about(data)})
        tell("stage", name="price")
        judge, priced, seeds = _quick_model(study, wanted, data, priced, seen, tell)
        splits = [_split_anew(data, wanted, seed) for seed in range(seeds)]
        experiments = _experiments(splits, judge, priced, spared, metric)
        for experiment in experiments:
            study.add_experiment(experiment)
    finally:
        study.release()
    return {e.finding: _as_json(e, metric.is_share) for e in experiments}


def _quick_model(
    study: Study, wanted: Recipe, data: Prepared, priced: list[_Priced], seen: Embedding | None, tell: Tell
) -> tuple[Judge, list[_Priced], int]:
    """How an arm is judged, the findings that are priced and the number of seeds."""
    if seen is not None:
        return _linear(seen, len(data.schema.classes)), priced, SEEDS[0]
    session = Session.open(study, wanted, data, tell, continued=False)
    plan = plan_of(session, data.task.ladder(wanted, data.schema, data.counts)[0], {})
    return _rung(session, plan), *_affordable(session, plan, priced)


def _affordable(session: Session, plan: Plan, priced: list[_Priced]) -> tuple[list[_Priced], int]:
    """(the findings, the weightiest first, seeds) that fit into the budget: more findings before more seeds."""
    counts = session.data.counts
    one = plan.seconds(counts["train"], predicted=counts["select"]) + plan.predict_seconds(counts["confirm"])

    def compute() -> dict[str, Any]:
        left = max(0.0, session.left)
        for many in range(len(priced), 0, -1):
            for seeds in SEEDS:
                trainings = seeds * (1 + 2 * many)
                if trainings * one <= SHARE * left:
                    numbers = {"trainings": trainings, "findings": many, "seconds": trainings * one, "left": left}
                    return {"value": [many, seeds], "why": "price.plan", "numbers": numbers}
        return {"value": [0, 0], "why": "price.no_time", "numbers": {"seconds": SEEDS[-1] * 3 * one, "left": left}}

    many, seeds = session.decide("price", compute)["value"]
    return priced[:many], seeds


def _split_anew(data: Prepared, asked: Recipe, seed: int) -> Prepared:
    """The data with the training side split by another seed; test stays as it was, sealed."""
    index, kind = data.dataset.index, data.schema.target_kind
    return replace(data, split=make_split(index, kind, asked.split, asked.seed + seed, data.audit.groups))


def _experiments(
    splits: Sequence[Prepared], judge: Judge, priced: Sequence[_Priced], spared: set[str], metric: Metric
) -> list[Experiment]:
    found: list[Experiment] = []
    as_it_is: list[Trial] = []
    for one in priced:
        code = one.finding.code
        arms: dict[str, list[Trial]] = {RANDOM: [], WITHOUT: []}
        for seed, data in enumerate(splits):
            train, index = data.split.train, data.dataset.index
            if len(as_it_is) == seed:
                as_it_is.append(_unnamed(judge(AS_IT_IS, data, train, seed), spared))
            removed = removal(one.finding, index.id.astype(str).tolist(), train)
            for name, gone in ((RANDOM, control(removed, train, index.target, seed)), (WITHOUT, removed)):
                arms[name].append(_unnamed(judge(f"{code}.{name}", data, np.setdiff1d(train, gone), seed), spared))
        against, changes = {WITHOUT: arms[WITHOUT], AS_IT_IS: as_it_is}, {WITHOUT: {"removed": len(one.removed)}}
        found.append(weigh("price", code, arms[RANDOM], against, metric, changes=changes))
    return found


def _rung(session: Session, plan: Plan) -> Judge:
    """Train a rung anew for each arm."""

    def judge(name: str, data: Prepared, positions: np.ndarray, seed: int) -> Trial:
        seeded = replace(plan, recipe=plan.recipe.with_("seed", seed))
        run = replace(session, data=data).train(f"{name}.s{seed}", seeded, Goal(positions=positions))
        result, confirm = run.result(), run.predictions("confirm")
        assert result is not None and confirm is not None
        return Trial(run_id=run.id, seed=seed, seconds=result.cost.seconds, confirm=confirm)

    return judge


def _linear(seen: Embedding, classes: int) -> Judge:
    """Fit a linear model on features anew for each arm."""
    row = {int(position): k for k, position in enumerate(seen.positions)}

    def judge(name: str, data: Prepared, positions: np.ndarray, seed: int) -> Trial:
        target, ids = data.dataset.index.target, data.dataset.index.id.astype(str)
        learnt = np.array([i for i in positions if int(i) in row])
        judged = np.array([i for i in data.split.confirm if int(i) in row])
        known = np.isin(seen.positions, np.concatenate([data.split.train, data.split.select]))
        x = compact(seen.features.astype(np.float64), known)
        predict = logistic(STRENGTH, classes)(x[[row[int(i)] for i in learnt]], target[learnt])
        probabilities = predict(x[[row[int(i)] for i in judged]])
        outputs = np.log(np.maximum(probabilities, 1e-9)).astype(np.float32)
        confirm = Predictions(ids=ids[judged], target=target[judged], outputs=outputs, split="confirm", run_id=name)
        return Trial(run_id=f"{name}.s{seed}", seed=seed, seconds=0.0, confirm=confirm)

    return judge


def _unnamed(trial: Trial, spared: set[str]) -> Trial:
    """The trial, judged by the held-out samples that no finding names."""
    confirm = trial.confirm
    kept = np.array([str(name) not in spared for name in confirm.ids])
    kept = kept if kept.any() else np.ones(len(kept), dtype=bool)
    some = replace(confirm, ids=confirm.ids[kept], target=confirm.target[kept], outputs=confirm.outputs[kept])
    return replace(trial, confirm=some)


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
