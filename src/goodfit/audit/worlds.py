"""Do train and test come from one world? A classifier that must tell them apart, and the facts by which it does.

Sources: Lopez-Paz and Oquab 2017, "Revisiting Classifier Two-Sample Tests", arXiv:1610.06545; Rabanser, Günnemann and
Lipton 2019, "Failing Loudly", arXiv:1810.11953; Hanley and McNeil 1982 (interval).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import printable
from ..core.finding import Finding
from ..core.randomness import uniform
from ..core.target_kinds import KINDS
from ..stats.embedding import compact
from ..stats.label_noise import folds_of, out_of_sample
from ..stats.ranks import Area, area
from ..train.logistic import logistic
from .check import Check, Outcome, View, finding
from .facts import Facts, facts_of, light_features

FEWEST, MOST = 40, 3000  # samples of each side that are asked for, and taken
APART = 0.60  # lower end of the interval from which it is said: a random split of CIFAR-10 stays below 0.53
FOLDS, STRENGTH = 5, 30.0  # of the penalty, in samples: a shift that matters does not hide in small weights
_SHOWN = 4
_STREAM = 0x574F


@dataclass(frozen=True, kw_only=True)
class Worlds:
    """How well train and test can be told apart.

    Attributes:
        area: of the classifier, out of sample; 0.5 = one world.
        facts: (name, area) of single facts, the most telling first; above 0.5 = larger in test.
        n: samples of each side.
    """

    area: Area
    facts: tuple[tuple[str, Area], ...]
    n: int

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        shown = [{"fact": name, "area": a.value, "low": a.low, "high": a.high} for name, a in self.facts[:10]]
        return {"area": self.area.value, "low": self.area.low, "high": self.area.high, "n": self.n, "facts": shown}


def shift(view: View) -> Outcome:
    """A given test part that a simple classifier tells from the rest by light, shape, words or cells."""
    found = worlds_of(view)
    return Outcome(findings=tuple(said(found, view)) if found is not None else ())


def worlds_of(view: View, features: np.ndarray | None = None, at: np.ndarray | None = None) -> Worlds | None:
    """The given test part, or val where no test is given, against train; None where neither is given.

    Args:
        view: of the audit.
        features: (M, D) of a network; None = what is known without one.
        at: (M,) positions that the features belong to.
    """
    held = view.test if view.test.any() else view.index.part == "val"
    usable = np.flatnonzero(view.kept & view.scan.ok) if at is None else at
    if int(held[usable].sum()) < FEWEST:
        return None
    seen = light_features(view.scan)[usable] if features is None else compact(features, ~held[usable])
    every = np.ones(len(usable), dtype=bool)
    return told_apart(seen, facts_of(view.scan).take(usable), held[usable], every, _strata(view)[usable])


def told_apart(
    features: np.ndarray, facts: Facts, test: np.ndarray, kept: np.ndarray, strata: np.ndarray, seed: int = 0
) -> Worlds | None:
    """The classifier's area, out of sample; None for too few samples.

    As many samples of each class are taken of both sides, so that other shares of classes are no other world; where
    test has no labels all count as one class.

    Args:
        features: (N, D), each direction of like weight.
        facts: of the same samples.
        test: (N,) bool.
        kept: (N,) bool, samples that count.
        strata: (N,) int64 class.
        seed: of the draw.
    """
    side, held = matched(test, kept, strata, seed)
    if len(held) < FEWEST:
        return None
    rows = np.concatenate([side, held])
    is_test = np.concatenate([np.zeros(len(side), np.int64), np.ones(len(held), np.int64)])
    x = features[rows].astype(np.float64)
    spread = x.std(axis=0)
    x = (x[:, spread > 0] - x[:, spread > 0].mean(0)) / spread[spread > 0]
    fold = folds_of(np.arange(len(rows)), is_test, FOLDS, seed)
    probs = out_of_sample(x, is_test, fold, np.ones(len(rows), bool), logistic(STRENGTH, 2), 2)
    single = [(name, area(is_test == 1, facts.values[rows, f])) for f, name in enumerate(facts.names)]
    single.sort(key=lambda pair: -abs(pair[1].value - 0.5))
    return Worlds(area=area(is_test == 1, _centred(probs[:, 1], fold)), facts=tuple(single), n=len(held))


def said(found: Worlds, view: View) -> list[Finding]:
    """The finding, where the sides are clearly apart; its samples are those of test."""
    if found.area.low < APART:
        return []
    told = [(name, a) for name, a in found.facts if a.p < 0.01][:_SHOWN]
    shown = "; ".join(f"{printable(n, 40)} {a.value:.2f} [{a.low:.2f}, {a.high:.2f}]" for n, a in told) or "–"
    held = view.test if view.test.any() else view.index.part == "val"
    numbers = {"area": found.area.value, "low": found.area.low, "high": found.area.high, "n": found.n, "facts": shown}
    return [finding("GF-D097", "warning", view, np.flatnonzero(view.kept & held), **numbers)]


def matched(test: np.ndarray, kept: np.ndarray, strata: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(positions outside test, positions of test), as many of each class on both sides, MOST at most."""
    luck = uniform(seed, 0, np.arange(len(test)), 1, _STREAM)[:, 0]
    alike = strata if (strata[test & kept] >= 0).any() else np.zeros(len(test), np.int64)
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    pools = {k: [np.flatnonzero(kept & (alike == k) & side) for side in (~test, test)] for k in np.unique(alike)}
    common = {k: min(map(len, pool)) for k, pool in pools.items()}
    share = min(1.0, MOST / max(1, sum(common.values())))
    for k, pool in pools.items():
        for part, rows in zip(sides, pool, strict=True):
            part.append(rows[np.argsort(luck[rows], kind="stable")[: int(round(share * common[k]))]])
    return tuple(np.sort(np.concatenate([*part, np.empty(0, np.int64)])) for part in sides)  # type: ignore[return-value]


def _centred(probs: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Log odds less their mean in the fold: each fold's model has its own offset, which pooling would count."""
    odds = np.log(np.clip(probs, 1e-9, 1) / np.clip(1 - probs, 1e-9, 1))
    for k in np.unique(fold):
        odds[fold == k] -= odds[fold == k].mean()
    return odds


def _strata(view: View) -> np.ndarray:
    kind = KINDS[view.schema.target_kind]
    return np.where(kind.known(view.index.target), kind.strata(view.index.target), -1)


CHECKS = (Check(name="shift", codes=("GF-D097",), look=shift, source="Lopez-Paz and Oquab 2017"),)
