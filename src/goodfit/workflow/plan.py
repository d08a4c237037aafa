"""`plan`: what `fit` would try, with costs and reasons; trains nothing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.recipe import Recipe, flatten
from ..core.telling import Tell, silent
from .planning import make_plan
from .prepare import about, prepare


def plan(
    asked: Recipe,
    *,
    runs: Path = Path("runs"),
    budget: float | None = None,
    lang: str = "en",
    tell: Tell = silent,
) -> dict[str, Any]:
    """Each candidate with its predicted cost, and every value of the first one with its reason.

    Returns: data, candidates (rung, family, epochs, seconds, parameters, macs, latency_ms, memory_mb, size_bytes),
        recipe (dotted key -> value), reasons.
    """
    data = prepare(asked, tell)
    tell("stage", name="plan")
    rows, first = [], None
    for rung in data.task.ladder(asked, data.schema, data.counts):
        found = make_plan(rung.apply(asked), data)
        first = first or found
        seconds = found.seconds(data.counts["train"], predicted=data.counts["select"])
        costs = data.task.cost(found.recipe, data.schema, found.engine)
        rows.append(
            {
                "rung": rung.name,
                "why": rung.why,
                "model": found.recipe.model.name,
                "epochs": found.recipe.train.epochs,
                "seconds": seconds,
                "fits": budget is None or 2 * seconds < budget,
                **costs,
            }
        )
    assert first is not None
    return {
        "data": about(data),
        "candidates": rows,
        "recipe": flatten(first.recipe),
        "reasons": [asdict(r) for r in first.reasons],
        "budget": budget,
    }
