"""Weighing an experiment: arms against the base, paired by seed on confirm, one verdict each.

The rules: an arm is better only if its interval, corrected for the number of arms (Holm), lies above 0; worse if below;
without effect if within the equivalence band; anything else cannot be told. An arm with a run that was cut or diverged
is lost: it is told, not weighed. Nothing here trains or reads files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import DataError
from ..core.experiment import Arm, Experiment, Verdict
from ..core.outcome import Predictions
from ..core.task import Metric
from ..stats.intervals import known
from ..stats.paired import Effect, corrected_intervals, paired_effect

SAME_SHARE = 0.003  # 0.3 points: twice the run-to-run deviation of CIFAR-10 nets, Jordan 2024, arXiv:2304.01910
SAME_RELATIVE = 0.01  # of the base's value, for metrics that are no share
CHEAPER = 0.9  # seconds over the base's below which an arm counts as cheaper; less is timing noise


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One finished run of one arm, as an experiment needs it.

    Attributes:
        run_id: the run.
        seed: its seed; runs of two arms with one seed are a pair.
        seconds: training time.
        confirm: predictions on confirm.
    """

    run_id: str
    seed: int
    seconds: float
    confirm: Predictions


def weigh(
    question: str,
    finding: str,
    base: Sequence[Trial],
    arms: Mapping[str, Sequence[Trial]],
    metric: Metric,
    *,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    equivalence: float | None = None,
    level: float = 0.95,
) -> Experiment:
    """The experiment, judged.

    Args:
        question: message key under `experiment.`, for example "remedy".
        finding: code that gave rise to it, "" for none.
        base: the do-nothing runs.
        arms: name -> its runs; an arm is compared over the seeds that it shares with the base.
        metric: what is compared.
        changes: arm -> recipe key -> new value.
        equivalence: difference that counts as none; None = SAME_SHARE, or SAME_RELATIVE of the base's value.
        level: confidence of all arms together.
    Raises: DataError if there is no base run, or an arm shares no seed or not the same samples with the base.
    """
    if not base:
        raise DataError("an experiment needs a base run", do="run the base first")
    ours = {t.seed: t for t in base}
    pairs = {name: _pairs(name, ours, trials) for name, trials in arms.items()}
    effects = [paired_effect([b.confirm for b, _ in p], [a.confirm for _, a in p], metric) for p in pairs.values()]
    judged_effects = zip(*corrected_intervals(effects, level), strict=True)
    nothing = _base_arm(base, metric)
    band = _band(metric, nothing) if equivalence is None else equivalence
    judged = tuple(
        _arm(name, [a for _, a in pairs[name]], effect, metric, (changes or {}).get(name, {}), judgement, band)
        for name, effect, judgement in zip(pairs, effects, judged_effects, strict=True)
    )
    return Experiment(
        question=question,
        finding=finding,
        metric=metric.name,
        n=len(base[0].confirm),
        seeds=tuple(t.seed for t in base),
        base=nothing,
        arms=judged,
        kept=keep(nothing, judged),
        equivalence=band,
    )


def lost_arm(
    name: str, runs: Sequence[str], seconds: Sequence[float], metric: Metric, changes: Mapping[str, Any]
) -> Arm:
    """An arm of which a run was cut or diverged: nothing of it is weighed, so nothing can be told.

    Args:
        name: of the arm.
        runs: ids of those that were begun.
        seconds: what each of them took.
        metric: what the others are compared by.
        changes: recipe key -> new value.
    """
    widest = _widest(metric)
    return Arm(
        name=name,
        changes=dict(changes),
        runs=tuple(runs),
        values=(),
        effect=0.0,
        low=-widest,
        high=widest,
        p=1.0,
        verdict="cannot tell",
        seconds=math.fsum(seconds) / len(seconds),
    )


def keep(base: Arm, arms: Sequence[Arm]) -> str:
    """Name of the arm to go on with.

    The best of those proven better; else the cheapest of the base and the arms that cost clearly less and are without
    effect, or whose effect cannot be told and is not against them; ties stay with the base.
    """
    better = [a for a in arms if a.verdict == "better"]
    if better:
        return max(better, key=lambda a: a.effect).name
    thrifty = [a for a in arms if a.seconds < CHEAPER * base.seconds and _harmless(a)]
    return min(thrifty, key=lambda a: a.seconds, default=base).name


def verdict(low: float, high: float, equivalence: float) -> Verdict:
    """The verdict on an interval of the effect, positive is better."""
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "no effect" if -equivalence <= low and high <= equivalence else "cannot tell"


def _harmless(arm: Arm) -> bool:
    return arm.verdict == "no effect" or (arm.verdict == "cannot tell" and arm.effect >= 0)


def _pairs(name: str, ours: Mapping[int, Trial], theirs: Sequence[Trial]) -> list[tuple[Trial, Trial]]:
    pairs = [(ours[t.seed], t) for t in theirs if t.seed in ours]
    if not pairs:
        wrong = f"arm '{name}' shares no seed with the base"
        raise DataError(wrong, got=[t.seed for t in theirs], allowed=list(ours), do="run it with the base's seeds")
    return pairs


def _base_arm(base: Sequence[Trial], metric: Metric) -> Arm:
    return Arm(
        name="base",
        changes={},
        runs=tuple(t.run_id for t in base),
        values=_values(base, metric),
        effect=0.0,
        low=0.0,
        high=0.0,
        p=1.0,
        verdict="no effect",
        seconds=_mean_seconds(base),
    )


def _arm(
    name: str,
    trials: Sequence[Trial],
    effect: Effect,
    metric: Metric,
    changes: Mapping[str, Any],
    judged: tuple[float, float, float],
    band: float,
) -> Arm:
    p, low, high = (float(x) for x in judged)
    widest = _widest(metric)
    return Arm(
        name=name,
        changes=dict(changes),
        runs=tuple(t.run_id for t in trials),
        values=_values(trials, metric),
        effect=effect.effect,
        low=max(low, -widest),
        high=min(high, widest),
        p=p,
        verdict=verdict(low, high, band),
        seconds=_mean_seconds(trials),
    )


def _widest(metric: Metric) -> float:
    """An interval without end is written as the whole scale."""
    return 1.0 if metric.is_share else 1e300


def _values(trials: Sequence[Trial], metric: Metric) -> tuple[float, ...]:
    return tuple(float(metric.value(*known(t.confirm))) for t in trials)


def _mean_seconds(trials: Sequence[Trial]) -> float:
    return math.fsum(t.seconds for t in trials) / len(trials)


def _band(metric: Metric, base: Arm) -> float:
    return SAME_SHARE if metric.is_share else SAME_RELATIVE * abs(math.fsum(base.values) / len(base.values))
