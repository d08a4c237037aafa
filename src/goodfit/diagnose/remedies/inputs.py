"""Remedies for an input that cannot keep up; they change seconds, not scores."""

from __future__ import annotations

from ...core.finding import Remedy
from ...core.recipe import Recipe


def decode_once(recipe: Recipe) -> Recipe:
    """The decoded cache instead of decoding in every epoch."""
    return recipe.with_("engine.loader", "cached") if recipe.engine.loader == "stream" else recipe


DECODE_ONCE = Remedy(
    name="decode_once",
    treats=frozenset({"GF-S001"}),
    apply=decode_once,
    cost=0.7,
    source="Mohan et al. 2021, arXiv:2007.06775; the study's own probe of both loaders",
)
