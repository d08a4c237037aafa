"""Remedies that change the size of the model, by a step on the ladder that the task hands in."""

from __future__ import annotations

from collections.abc import Callable

from ...core.finding import Remedy
from ...core.recipe import Recipe

LARGER_COST, SMALLER_COST = 2.5, 0.4  # neighbours on the ladder differ about so much in time


def larger(step_up: Callable[[Recipe], Recipe]) -> Remedy:
    """The next rung up.

    Args:
        step_up: recipe -> recipe with the next larger model; an equal recipe where there is none.
    """
    return Remedy(
        name="larger_model",
        treats=frozenset({"GF-F002"}),
        apply=step_up,
        cost=LARGER_COST,
        source="Ng 2018, Machine Learning Yearning, chapter 25",
    )


def smaller(step_down: Callable[[Recipe], Recipe]) -> Remedy:
    """The next rung down.

    Args:
        step_down: recipe -> recipe with the next smaller model; an equal recipe where there is none.
    """
    return Remedy(
        name="smaller_model",
        treats=frozenset({"GF-F001"}),
        apply=step_down,
        cost=SMALLER_COST,
        source="Ng 2018, Machine Learning Yearning, chapter 27",
    )
