"""Remedies for uneven classes, and the way back: what the plan chose by rule is weighed against doing nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...core.finding import Remedy
from ...core.recipe import Recipe

UNEVEN = frozenset({"GF-D013"})


def rebalance_by(way: str, recipe: Recipe) -> Recipe:
    """Another way of rebalancing, where the model can take it: a way that needs no gradient is open to all."""
    now = recipe.train.rebalance
    return recipe if now in ("auto", way) or recipe.train.loss not in ("ce", "focal") else _with(recipe, way)


def focal(recipe: Recipe) -> Recipe:
    """The focal loss instead of cross-entropy, and no rebalancing beside it."""
    if recipe.train.loss != "ce" or recipe.train.rebalance == "auto":
        return recipe
    return _with(recipe, "none").with_("train.loss", "focal")


def _with(recipe: Recipe, way: str) -> Recipe:
    return recipe.with_("train.rebalance", way)


def _remedy(name: str, apply: Callable[[Recipe], Recipe], source: str) -> Remedy:
    return Remedy(name=name, treats=UNEVEN, apply=apply, cost=1.0, source=source)


NO_REBALANCING = _remedy(
    "no_rebalancing", partial(rebalance_by, "none"), "the arm that does nothing, as in Buda et al. 2018"
)
LOGIT_ADJUSTMENT = _remedy(
    "logit_adjustment", partial(rebalance_by, "logit_adjustment"), "Menon et al. 2021, arXiv:2007.07314"
)
BALANCED_SAMPLER = _remedy("balanced_sampler", partial(rebalance_by, "sampler"), "Kang et al. 2020, arXiv:1910.09217")
CLASS_WEIGHTS = _remedy("class_weights", partial(rebalance_by, "weights"), "King and Zeng 2001")
FOCAL = _remedy("focal_loss", focal, "Lin et al. 2017, arXiv:1708.02002")
