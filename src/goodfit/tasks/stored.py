"""A stored model's recipe and schema out of its model.json, and the learner that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..core.errors import CheckpointError
from ..core.recipe import Recipe, build
from ..core.samples import Schema

L = TypeVar("L")


def rebuilt(tree: Mapping[str, Any], make: Callable[[Recipe, Schema], L]) -> tuple[L, Recipe, Schema]:
    """Learner (weights still to be loaded), recipe and schema of a stored model.

    Args:
        tree: model.json.
        make: (recipe, schema) -> learner.
    Raises: CheckpointError if something is missing in the tree.
    """
    try:
        recipe, stored = build(tree["recipe"]), dict(tree["schema_of_data"])
        schema = Schema(**{**stored, "classes": tuple(stored["classes"])})
        return make(recipe, schema), recipe, schema
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError("this model.json is incomplete", got=error, do="train again") from None


def without_weights(recipe: Recipe) -> Recipe:
    """The recipe of a net whose own weights follow, so that no pretrained ones are looked for."""
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"weights": None})})
