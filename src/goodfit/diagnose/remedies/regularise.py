"""Remedies against learning the training samples by heart: a gentler target, noise in the net, small weights."""

from __future__ import annotations

from ...core.finding import Remedy
from ...core.recipe import Recipe

DECAY_FACTOR = 5.0  # searches over decay step by half a decade to a decade; Loshchilov and Hutter 2019, figure 1
LARGEST_DECAY = 0.5


def smooth_labels(recipe: Recipe) -> Recipe:
    """Label smoothing 0.1, where the loss is cross-entropy and smoothing is weaker."""
    now = recipe.train.label_smoothing
    if recipe.train.loss not in ("ce", "focal") or now == "auto" or now >= 0.1:
        return recipe
    return recipe.with_("train.label_smoothing", 0.1)


def raise_dropout(recipe: Recipe) -> Recipe:
    """Dropout before the head up by 0.2, at most 0.5."""
    raised = round(min(recipe.model.dropped + 0.2, 0.5), 3)
    return recipe if recipe.model.dropped >= raised else recipe.with_("model.dropout", raised)


def raise_drop_path(recipe: Recipe) -> Recipe:
    """Stochastic depth up by 0.1, at most 0.3."""
    raised = round(min(recipe.model.drop_path + 0.1, 0.3), 3)
    return recipe if recipe.model.drop_path >= raised else recipe.with_("model.drop_path", raised)


def raise_decay(recipe: Recipe) -> Recipe:
    """Weight decay five times as strong; from none to the optimiser's customary value."""
    now = recipe.train.weight_decay
    if now == "auto" or now >= LARGEST_DECAY:
        return recipe
    first = 0.05 if recipe.train.optimizer == "adamw" else 5e-4
    return recipe.with_("train.weight_decay", min(DECAY_FACTOR * now, LARGEST_DECAY) if now else first)


def add_l1(recipe: Recipe) -> Recipe:
    """A small L1 penalty on the kernels, where there is none."""
    return recipe if recipe.train.l1 else recipe.with_("train.l1", 1e-5)


LABEL_SMOOTHING = Remedy(
    name="label_smoothing",
    treats=frozenset({"GF-F001", "GF-F006", "GF-F008"}),
    apply=smooth_labels,
    cost=1.0,
    source="Szegedy et al. 2016, arXiv:1512.00567; against label noise: Lukasik et al. 2020, arXiv:2003.02819",
)
DROPOUT = Remedy(
    name="dropout",
    treats=frozenset({"GF-F001"}),
    apply=raise_dropout,
    cost=1.0,
    source="Srivastava et al. 2014, JMLR 15",
)
DROP_PATH = Remedy(
    name="drop_path",
    treats=frozenset({"GF-F001"}),
    apply=raise_drop_path,
    cost=1.0,
    source="Huang et al. 2016, arXiv:1603.09382",
)
WEIGHT_DECAY_UP = Remedy(
    name="weight_decay_up",
    treats=frozenset({"GF-F001"}),
    apply=raise_decay,
    cost=1.0,
    source="Loshchilov and Hutter 2019, arXiv:1711.05101",
)
L1 = Remedy(name="l1", treats=frozenset({"GF-F001"}), apply=add_l1, cost=1.0, source="Tibshirani 1996")
