"""Sources as a piece of the audit's page: how doubtful each is, and how well train and test can be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import quality
from .story import number
from .words import Words, both, digits, named, percent, same

MOST_BARS = 30


def piece(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the macro `sources` shows; None where there is nothing to say.

    Args:
        told: sources and worlds, as `workflow.sources` gives them.
    """
    rows = sorted(told.get("sources") or [], key=lambda row: -float(row["share"]))
    worlds = told.get("worlds")
    if not rows and not isinstance(worlds, Mapping):
        return None
    shares = [_share(row) for row in rows[:MOST_BARS]]
    return {
        "figure": quality.class_bars(shares, None, "cap-sources") if shares else None,
        "rows": [
            (named("origin", str(row["origin"])), same(row["source"]), digits(row["samples"]), digits(row["doubtful"]),
             percent(row["share"]), f"{percent(row['low'])} – {percent(row['high'])}")
            for row in rows
        ],
        "worlds": _worlds(worlds) if isinstance(worlds, Mapping) else None,
        "facts": _facts(worlds.get("facts") or []) if isinstance(worlds, Mapping) else [],
    }  # fmt: skip


def _share(row: Mapping[str, Any]) -> quality.Share:
    value, low, high = (float(row[key]) for key in ("share", "low", "high"))
    return quality.Share(name=str(row["source"]), value=value, low=low, high=high, n=int(row["samples"]))


def _worlds(worlds: Mapping[str, Any]) -> Words:
    shown = {key: f"{number(worlds.get(key)) or 0.0:.3f}" for key in ("area", "low", "high")}
    return both("sources.worlds", n=digits(number(worlds.get("n"))), **shown)


def _facts(facts: Sequence[Mapping[str, Any]]) -> list[tuple[Words, str, str]]:
    return [(named("measured", str(f["fact"])), f"{f['area']:.3f}", f"{f['low']:.3f} – {f['high']:.3f}") for f in facts]
