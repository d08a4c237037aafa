"""Remedies that change how far and how fast training walks."""

from __future__ import annotations

from ...core.finding import Remedy
from ...core.recipe import Recipe

TENTH = 10.0  # a rate that shows is off by a power of ten; the range test finds the rest
SHORTER, LONGER = 0.6, 2.0
LEAST_EPOCHS = 1.0


def lower_lr(recipe: Recipe) -> Recipe:
    """A tenth of the learning rate."""
    return recipe if recipe.train.lr == "auto" else recipe.with_("train.lr", recipe.train.lr / TENTH)


def raise_lr(recipe: Recipe) -> Recipe:
    """Ten times the learning rate."""
    return recipe if recipe.train.lr == "auto" else recipe.with_("train.lr", recipe.train.lr * TENTH)


def triple_lr(recipe: Recipe) -> Recipe:
    """Three times the learning rate: for a fit that is merely slow."""
    return recipe if recipe.train.lr == "auto" else recipe.with_("train.lr", recipe.train.lr * 3)


def clip(recipe: Recipe) -> Recipe:
    """Gradient norm clipped at 1 and a tenth of the steps for warm-up, where these are weaker."""
    if recipe.train.clip is None or recipe.train.clip > 1:
        recipe = recipe.with_("train.clip", 1.0)
    if recipe.train.warmup == "auto" or recipe.train.warmup >= 0.1:
        return recipe
    return recipe.with_("train.warmup", 0.1)


def lengthen(recipe: Recipe) -> Recipe:
    """Twice the epochs, and twice the patience with them."""
    if recipe.train.epochs == "auto":
        return recipe
    recipe = recipe.with_("train.epochs", recipe.train.epochs * LONGER)
    return recipe if recipe.train.patience == "auto" else recipe.with_("train.patience", recipe.train.patience * 2)


def shorten(recipe: Recipe) -> Recipe:
    """Three fifths of the epochs: the schedule ends before the training samples are learned by heart."""
    if recipe.train.epochs == "auto" or recipe.train.epochs * SHORTER < LEAST_EPOCHS:
        return recipe
    return recipe.with_("train.epochs", round(recipe.train.epochs * SHORTER, 2))


LR_DOWN = Remedy(
    name="lr_down",
    treats=frozenset({"GF-F003", "GF-F005"}),
    apply=lower_lr,
    cost=1.0,
    source="Bengio 2012, arXiv:1206.5533",
)
LR_UP = Remedy(
    name="lr_up",
    treats=frozenset({"GF-F004"}),
    apply=raise_lr,
    cost=1.0,
    source="Smith 2017, arXiv:1506.01186",
)
LR_TRIPLED = Remedy(
    name="lr_tripled",
    treats=frozenset({"GF-F002"}),
    apply=triple_lr,
    cost=1.0,
    source="Smith 2017, arXiv:1506.01186; half a decade is the usual step of a search, Bengio 2012, arXiv:1206.5533",
)
CLIP = Remedy(
    name="clip",
    treats=frozenset({"GF-F003", "GF-F005"}),
    apply=clip,
    cost=1.02,
    source="Pascanu et al. 2013, arXiv:1211.5063; warm-up: Goyal et al. 2017, arXiv:1706.02677",
)
LONGER_TRAINING = Remedy(
    name="longer",
    treats=frozenset({"GF-F002", "GF-F004"}),
    apply=lengthen,
    cost=LONGER,
    source="Hoffer et al. 2017, arXiv:1705.08741",
)
SHORTER_TRAINING = Remedy(
    name="shorter",
    treats=frozenset({"GF-F001", "GF-F006"}),
    apply=shorten,
    cost=SHORTER,
    source="Prechelt 1998, Early Stopping; Arpit et al. 2017, arXiv:1706.05394",
)
