"""An experiment: one question, arms that are recipes, paired results, a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["better", "no effect", "worse", "cannot tell"]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm against the base.

    Attributes:
        name: remedy or recipe name.
        changes: recipe key -> new value.
        runs: run ids, one a seed, paired with the base's by position.
        values: leading metric on confirm, one a seed.
        effect: mean paired difference to the base, signed so that positive is better.
        low: lower end of the interval, corrected for the number of arms.
        high: upper end.
        p: two-sided p-value after Holm's correction.
        verdict: better, no effect, worse, cannot tell.
        seconds: training time of one run of this arm, mean.
    """

    name: str
    changes: Mapping[str, Any]
    runs: tuple[str, ...]
    values: tuple[float, ...]
    effect: float
    low: float
    high: float
    p: float
    verdict: Verdict
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A controlled comparison on the confirm half of val.

    Attributes:
        question: message key, filled with `finding`.
        finding: code that gave rise to it, "" for a plain comparison.
        metric: what was compared.
        n: samples of confirm.
        seeds: seeds of each arm.
        base: the do-nothing arm; its effect is 0 by definition.
        arms: the arms tried.
        kept: name of the arm that is kept; the base's where nothing was proven.
        equivalence: difference below which two arms count as the same, in metric units.
    """

    question: str
    finding: str
    metric: str
    n: int
    seeds: tuple[int, ...]
    base: Arm
    arms: tuple[Arm, ...]
    kept: str
    equivalence: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Experiment:
        arm = lambda a: Arm(**{**a, "runs": tuple(a["runs"]), "values": tuple(a["values"])})  # noqa: E731
        return cls(
            **{
                **tree,
                "seeds": tuple(tree["seeds"]),
                "base": arm(tree["base"]),
                "arms": tuple(arm(a) for a in tree["arms"]),
            }
        )
