"""`plan`: what `fit` would try, with costs, limits and reasons; trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.recipe import Recipe, flatten
from ..core.task import Rung
from ..core.telling import Tell, silent
from ..models.candidates import traits_of
from ..train.batch_size import NothingFits
from .limits import against, limits_of
from .planning import Plan, make_plan
from .prepare import Prepared, about, prepare
from .scoring import primary

ROUGH = 2.0  # times the budget that a rung may cost by its share of work and still be probed


def plan(
    asked: Recipe,
    *,
    runs: Path = Path("runs"),
    budget: float | None = None,
    lang: str = "en",
    tell: Tell = silent,
) -> dict[str, Any]:
    """Each candidate with its predicted cost, and every value of the first one that keeps the limits with its reason.

    Returns: data, candidates (rung, why, model, epochs, seconds, fits the budget, keeps_limits of the target,
        parameters, macs, latency_ms, memory_mb, size_bytes, known traits), recipe (dotted key -> value), reasons.
        A candidate far beyond the budget by its share of work is not probed and has its seconds alone. One of which not
        one sample fits the memory has fits_memory = False and its memory_mb alone.
    Raises: NothingFits if that is so of every candidate; RecipeError for a metric that the task does not have.
    """
    data = prepare(asked, tell)
    primary(asked, data.task, data.schema)
    tell("stage", name="plan")
    rows: list[dict[str, Any]] = []
    plans: list[tuple[bool, Plan]] = []
    measured: tuple[float, float] | None = None  # (work, seconds) of the first rung that was priced
    for rung in data.task.ladder(asked, data.schema, data.counts):
        if measured is not None and budget is not None and rung.work:
            seconds = measured[1] * rung.work / measured[0]
            if 2 * seconds > ROUGH * budget:  # beyond doubt: a probe of such a rung would take minutes
                rows.append(_row(rung, rung.apply(asked), seconds=seconds, fits=False, keeps_limits=True))
                continue
        try:
            found = make_plan(rung.apply(asked), data)
        except NothingFits as error:
            too_large = error
            rows.append(_row(rung, rung.apply(asked), fits_memory=False, memory_mb=error.needed_mb))
            continue
        rows.append(_priced(rung, found, data, budget, limits_of(asked)))
        plans.append((rows[-1]["keeps_limits"], found))
        if measured is None and rung.work:
            measured = (rung.work, rows[-1]["seconds"])
    if not plans:
        raise too_large
    shown = next((found for keeps, found in plans if keeps), plans[0][1])
    return {
        "data": about(data),
        "candidates": rows,
        "recipe": flatten(shown.recipe),
        "reasons": [asdict(r) for r in shown.reasons],
        "budget": budget,
    }


def _priced(
    rung: Rung, found: Plan, data: Prepared, budget: float | None, limits: Mapping[str, float]
) -> dict[str, Any]:
    seconds = found.seconds(data.counts["train"], predicted=data.counts["select"])
    costs = data.task.cost(found.recipe, data.schema, found.engine)
    keeps = against(rung.name, lambda: costs, limits)["value"]
    fits = budget is None or 2 * seconds < budget
    epochs = found.recipe.train.epochs
    return _row(rung, found.recipe, epochs=epochs, seconds=seconds, fits=fits, keeps_limits=keeps, **costs)


def _row(rung: Rung, recipe: Recipe, **figures: Any) -> dict[str, Any]:
    return {"rung": rung.name, "why": rung.why, "model": recipe.model.name, **figures, **traits_of(recipe.model.name)}
