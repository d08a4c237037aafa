"""Candidates against the limits of the target (latency, size, memory), and the steps between those that keep them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..core.errors import UsageError
from ..core.recipe import Recipe
from ..core.task import Rung
from ..train.batch_size import NothingFits

Costs = Mapping[str, float]
Change = Callable[[Recipe], Recipe]


def limits_of(recipe: Recipe) -> dict[str, float]:
    """The limits that were asked for: latency_ms, size_mb, memory_mb."""
    return {key: value for key, value in recipe.target.model_dump().items() if value is not None}


def against(rung: str, price: Callable[[], Costs], limits: Mapping[str, float]) -> dict[str, Any]:
    """Whether a candidate keeps the limits, as a decision of the ledger.

    Args:
        rung: its name.
        price: gives its costs, as `Task.cost` does; may raise NothingFits.
        limits: as `limits_of` gives them.
    """
    try:
        costs = price()
    except NothingFits as error:
        numbers = {"rung": rung, "memory_mb": error.needed_mb, "memory_mb_limit": error.limit_mb}
        return {"value": False, "why": "limits.no_memory", "numbers": numbers}
    has = {"latency_ms": costs["latency_ms"], "size_mb": costs["size_bytes"] / 1e6, "memory_mb": costs["memory_mb"]}
    fits = all(has[key] <= limit for key, limit in limits.items())
    numbers = {"rung": rung, **has, **{f"{key}_limit": limits.get(key) for key in has}}
    return {"value": fits, "why": "limits.kept" if fits else "limits.dropped", "numbers": numbers}


def nothing_keeps(limits: Mapping[str, float], decisions: Sequence[Mapping[str, Any]]) -> UsageError:
    """The error where no candidate is left.

    Args:
        limits: as `limits_of` gives them.
        decisions: what `against` said of each candidate.
    """
    figures = [line["numbers"] for line in decisions]
    keys = [key for key in (*limits, "memory_mb") if any(key in numbers for numbers in figures)]
    least = {key: min(numbers[key] for numbers in figures if key in numbers) for key in keys}
    return UsageError(
        "no candidate keeps the limits of the target",
        got=", ".join(f"{key} {value:.3g}" for key, value in least.items()) + " at least",
        allowed=", ".join(f"target.{key}={value:g}" for key, value in limits.items()),
        do="loosen the limits or choose a smaller model.name or model.size",
    )


def size_steps(rungs: Sequence[Rung], recipe: Recipe) -> tuple[Change | None, Change | None]:
    """(recipe -> recipe with the next larger model, the same with the next smaller); None where there is none.

    Args:
        rungs: small to large; those of pretrained weights train one and the same net, so there is no step among them.
        recipe: resolved.
    """
    models = [rung.apply(Recipe()).model.name for rung in rungs]
    if recipe.model.name not in models:
        return None, None
    at = models.index(recipe.model.name)
    step = lambda name: lambda recipe: recipe.with_("model.name", name)  # noqa: E731
    return (step(models[at + 1]) if at + 1 < len(models) else None, step(models[at - 1]) if at else None)
