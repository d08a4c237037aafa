"""How far each source can be trusted: does it look different from the others, are more of its samples doubtful?

Facts are compared within a class, so that a source of dark animals is not taken for a dark camera, and every comparison
pays for all others (Holm 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import printable
from ..core.finding import Finding
from ..core.target_kinds import KINDS
from ..stats.intervals import wilson
from ..stats.paired import holm
from ..stats.ranks import Area, area
from ..stats.special import hypergeometric_tail
from .check import Check, Outcome, View, finding
from .facts import Facts, facts_of
from .origins import FEWEST, Origin, origins_of
from .worlds import Worlds, told_apart

ALPHA = 0.01  # chance of any false claim about the sources of a data set
APART = 0.2  # of the area under the ROC curve from one half; less is real and harmless
TIMES = 2.0  # share of doubtful samples over that of the others
MOST_TOLD = 12  # sources of one kind that a classifier is asked about: each costs a second
MOST_STRATA = 200  # quantile bins or classes within which facts are compared
_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One fact of one source against the other sources.

    Attributes:
        origin: which way of telling sources apart, its place in the list.
        source: its place in the names.
        fact: name.
        area: pooled over classes.
        p: corrected for all comparisons.
    """

    origin: int
    source: int
    fact: str
    area: Area
    p: float


def drift(view: View) -> Outcome:
    """Sources whose samples look different from those of the others, class by class."""
    origins = origins_of(view)
    by_source: dict[tuple[int, int], list[Drift]] = {}
    for found in drifts(view, origins):
        if found.p < ALPHA and abs(found.area.value - 0.5) >= APART:
            by_source.setdefault((found.origin, found.source), []).append(found)
    findings = []
    for (o, s), apart in by_source.items():
        apart.sort(key=lambda d: -abs(d.area.value - 0.5))
        where = np.flatnonzero((origins[o].of == s) & view.kept)
        shown = "; ".join(
            f"{printable(d.fact, 40)} {d.area.value:.2f} [{d.area.low:.2f}, {d.area.high:.2f}]" for d in apart[:_SHOWN]
        )
        name = printable(origins[o].names[s], 60)
        numbers = {"origin": origins[o].kind, "source": name, "facts": shown, "area": apart[0].area.value}
        findings.append(finding("GF-D095", "warning", view, where, **numbers))
    return Outcome(findings=tuple(findings))


def unlike_sources(
    view: View, origins: Sequence[Origin], features: np.ndarray, at: np.ndarray, facts: Facts
) -> list[Finding]:
    """Sources that a classifier tells from the others, class by class, by all features together.

    Args:
        view: of the whole data set.
        origins: ways of telling sources apart; of each at most MOST_TOLD sources are asked for.
        features: (M, D) of a network, or what is known without one.
        at: (M,) positions that the features belong to.
        facts: of the same M samples.
    """
    strata, every = _strata(view)[at], np.ones(len(at), dtype=bool)
    tried: list[tuple[Origin, int, Worlds]] = []
    for origin in origins:
        for s in range(1 if len(origin.names) == 2 else min(MOST_TOLD, len(origin.names))):
            here = origin.of[at] >= 0
            found = told_apart(features, facts, origin.of[at] == s, every & here, strata)
            tried += [] if found is None else [(origin, s, found)]
    p = holm([found.area.p for *_, found in tried]) if tried else np.empty(0)
    said = []
    for (origin, s, found), q in zip(tried, p, strict=True):
        if q < ALPHA and found.area.low >= 0.5 + APART / 2:
            told = [f"{printable(n, 40)} {a.value:.2f} [{a.low:.2f}, {a.high:.2f}]" for n, a in found.facts[:_SHOWN]]
            numbers: dict[str, Any] = {"origin": origin.kind, "source": printable(origin.names[s], 60)}
            numbers |= {
                "facts": "; ".join(told) or "–",
                "area": found.area.value,
                "low": found.area.low,
                "high": found.area.high,
            }
            where = at[origin.of[at] == s]
            said.append(finding("GF-D101", "warning", view, where, **numbers))
    return said


def drifts(view: View, origins: Sequence[Origin]) -> list[Drift]:
    """Every fact of every source, with p corrected over all of them."""
    facts = facts_of(view.scan)
    strata = _strata(view)
    found: list[tuple[int, int, str, Area]] = []
    for o, origin in enumerate(origins):
        known = np.flatnonzero(view.kept & (origin.of >= 0))
        pairs = range(1) if len(origin.names) == 2 else range(len(origin.names))  # of two, one is the other's mirror
        for f, name in enumerate(facts.names):
            values = facts.values[known, f]
            for s in pairs:
                found.append((o, s, name, area(origin.of[known] == s, values, strata[known])))
    p = holm([a.p for *_, a in found]) if found else np.empty(0)
    return [Drift(origin=o, source=s, fact=n, area=a, p=float(q)) for (o, s, n, a), q in zip(found, p, strict=True)]


def _strata(view: View) -> np.ndarray:
    """(N,) class, or bin of a number; -1 and beyond MOST_STRATA are strata like others."""
    strata = KINDS[view.schema.target_kind].strata(view.index.target)
    return np.minimum(strata, MOST_STRATA)


def doubtful_sources(
    findings: Sequence[Finding], ids: np.ndarray, origins: Sequence[Origin]
) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Sources with far more doubtful samples than the others, finding by finding.

    Args:
        findings: of the audit; those about samples that may cost accuracy count (wrong labels, light, copies, ...).
        ids: (N,) of all samples.
        origins: ways of telling sources apart.
    Returns: findings; and a row a source: origin, source, samples, doubtful (any of the findings), share, low, high.
    """
    row = {str(name): i for i, name in enumerate(ids)}
    counted = [found for found in findings if found.ids and found.code not in _OWN and _costs(found)]
    marks = {found.code: _marked(found, row) for found in counted}
    tests = []
    for o, origin in enumerate(origins):
        known = origin.of >= 0
        for code, mark in marks.items():
            total, marked = int(known.sum()), int((mark & known).sum())
            for s in range(len(origin.names)):
                here = origin.of == s
                n, k = int(here.sum()), int((mark & here).sum())
                others = (marked - k) / max(1, total - n)
                tests.append((o, s, code, k, n, others, hypergeometric_tail(k, n, marked, total)))
    corrected = holm([t[-1] for t in tests]) if tests else np.empty(0)
    said = []
    for (o, s, code, k, n, others, _), p in zip(tests, corrected, strict=True):
        if p < ALPHA and k / n >= TIMES * others:
            where = np.flatnonzero(marks[code] & (origins[o].of == s))
            low, high = wilson(k, n)
            numbers = {"origin": origins[o].kind, "source": printable(origins[o].names[s], 60), "of": code, "n": n}
            numbers |= {"count": k, "share": k / n, "low": low, "high": high, "others": others}
            names = tuple(str(name) for name in ids[where])
            said.append(Finding(code="GF-D096", severity="warning", numbers=numbers, ids=names))
    return said, _table(origins, marks)


_OWN = {"GF-D095", "GF-D096", "GF-D097", "GF-D098", "GF-D099", "GF-D100", "GF-D101"}


def _costs(found: Finding) -> bool:
    return found.severity != "info" or found.code == "GF-D080"


def _marked(found: Finding, row: dict[str, int]) -> np.ndarray:
    mark = np.zeros(len(row), dtype=bool)
    mark[[row[name] for name in found.ids if name in row]] = True
    return mark


def _table(origins: Sequence[Origin], marks: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    rows = []
    for origin in origins:
        any_ = np.zeros(len(origin.of), dtype=bool)
        for mark in marks.values():
            any_ |= mark
        for s, name in enumerate(origin.names):
            here = origin.of == s
            n, k = int(here.sum()), int((any_ & here).sum())
            low, high = wilson(k, n)
            about = {"origin": origin.kind, "source": name, "samples": n, "doubtful": k}
            rows.append({**about, "share": k / n, "low": low, "high": high})
    return rows


CHECKS = (Check(name="drift", codes=("GF-D095",), look=drift, source="van Elteren 1960; Holm 1979"),)

__all__ = ["ALPHA", "CHECKS", "FEWEST", "Drift", "doubtful_sources", "drift", "drifts", "unlike_sources"]
