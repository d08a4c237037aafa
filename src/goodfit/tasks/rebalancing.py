"""Whether and how uneven classes are rebalanced: the rule of the plan, and the metric that leads where it matters.

Sources: Buda et al. 2018, arXiv:1710.05381 (harm from about 10 to 1); Menon et al. 2021, arXiv:2007.07314 (logit
adjustment is consistent for the balanced error, and at its best in the loss); benchmarks/long_tail.py.
"""

from __future__ import annotations

from ..core.errors import RecipeError
from ..core.recipe import Recipe
from ..core.samples import Schema
from ..stats.imbalance import UNEVEN, unevenness
from .planned import Planned
from .scaled import class_counts

BALANCED = "balanced_accuracy"  # leads where classes are very uneven: by accuracy the largest class answers for all
_CLASS_METRICS = (BALANCED, "f1_macro")  # weigh classes alike, so that rebalancing serves them
WHOLE = ("none", "weights", "effective", "posthoc")  # learners that see all samples at once
NETS = (*WHOLE, "oversample", "undersample", "sampler", "logit_adjustment")
PICTURE_NETS = (*NETS, "interpolate")


def leading(plain: str, recipe: Recipe, schema: Schema) -> str:
    """Name of the metric that leads where the recipe names none.

    Args:
        plain: of even classes.
        recipe: not looked at: unevenness alone decides.
        schema: of the data, with the counts of its classes.
    """
    return BALANCED if unevenness(class_counts(schema)) >= UNEVEN else plain


def settle_rebalance(plan: Planned, schema: Schema, ways: tuple[str, ...]) -> None:
    """Turn `train.rebalance` into a value.

    Args:
        plan: with the model and the loss settled.
        schema: of the data.
        ways: that the model can be rebalanced in.
    Raises: RecipeError for a way that is none of these.
    """
    asked = plan.recipe.train.rebalance
    if schema.target_kind != "class":
        ways = ("none",)
    if asked != "auto" and asked not in ways:
        raise RecipeError(
            f"{plan.recipe.model.name} cannot be rebalanced so on this target",
            got=asked,
            allowed=", ".join(ways),
            do="choose one of these",
            where="train.rebalance",
        )
    if schema.target_kind != "class":
        plan.auto("train.rebalance", "none", "rebalance_no_classes")
        return
    ratio = unevenness(class_counts(schema))
    if ratio < UNEVEN:
        plan.auto("train.rebalance", "none", "rebalance_even", ratio=ratio, least=UNEVEN)
    elif plan.recipe.metric not in ("auto", *_CLASS_METRICS):
        plan.auto("train.rebalance", "none", "rebalance_by_share", ratio=ratio, metric=plan.recipe.metric)
    else:
        way = "logit_adjustment" if "logit_adjustment" in ways else "posthoc"
        plan.auto("train.rebalance", way, "rebalance_uneven", ratio=ratio)
