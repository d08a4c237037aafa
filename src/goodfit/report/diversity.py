"""Diversity as a piece of the audit's page: the effective number of unlike samples of each class and source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import quality
from .words import both, digits, named, percent, same

MOST_BARS = 30


def piece(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What the macro `diversity` shows; None where nothing was compared.

    Args:
        rows: kind, name, samples, drawn, effective and redundant, as `audit.coverage.diversity` gives them.
    """
    if not rows:
        return None
    ordered = sorted(rows, key=lambda row: float(row["effective"]))
    bars = [(str(row["name"]), float(row["effective"]) / max(1, int(row["drawn"]))) for row in ordered[:MOST_BARS]]
    return {
        "sentence": both("diversity.sentence", n=digits(int(ordered[0]["drawn"]))),
        "figure": quality.inputs(bars, "cap-diversity"),
        "rows": [
            (
                named("origin", str(row["kind"])),
                same(row["name"]),
                digits(row["samples"]),
                f"{row['effective']:.1f}",
                percent(row["redundant"]),
            )
            for row in ordered
        ],
    }
