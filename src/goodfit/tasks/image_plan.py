"""What a picture task plans by itself: model, side, batch, length and optimiser, each with its reason.

Sources: Jordan 2024, arXiv:2404.00498 (own small nets); Goyal et al. 2017, arXiv:1706.02677 (SGD); Howard and Ruder
2018, arXiv:1801.06146, and the guides (frozen head first, lower lr below it); BENCHMARKS.md for figures measured here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..augment.options import ImageAugment, settle
from ..augment.scene import settled_by
from ..core.recipe import Recipe
from ..core.samples import Schema
from ..core.task import Reason
from ..models.small import SMALL
from ..models.vision import full_name
from ..models.weights import inspect_weights
from ..train.optim import defaults
from .planned import Planned
from .rebalancing import PICTURE_NETS, settle_rebalance

SMALL_SIDE = 64  # pixels up to which a picture is a thumbnail, an icon or a digit
LEAST_SIDE = 16  # smaller pictures are enlarged, so that three stages have something to pool
PHOTO_SIDE = 96  # side at which photographs are learnt from scratch: the most that minutes on a CPU can buy
STEPS_AN_EPOCH = 12  # a batch is chosen so that an epoch has about so many steps, within BATCHES
BATCHES = (32, 1000)
PRETRAINED_EPOCHS = 24.0
STEPS, EPOCHS = 800, (16, 40)  # 16 epochs of CIFAR-10 at batch 1,000 are 800 steps: 91.2 %, see BENCHMARKS.md
PROBE_SAMPLES = 256  # of a probed step at most, so that two steps stay short
PROBE_PIXELS = 1 << 20  # about so many pixels in a probed step of large pictures
PROBE_LEAST = 16  # but no fewer samples, which would leave the cores idle
GROW_FROM = 28  # pixels from which training starts on smaller pictures; Howard 2018
MOVED, BLANKED = 12, 20  # passes from which augmentation grows; see `suited`
Counts = Mapping[str, int]


def settle_images(recipe: Recipe, schema: Schema, counts: Counts) -> tuple[Recipe, tuple[Reason, ...]]:
    """Each `auto` of a picture recipe turned into a value.

    Args:
        recipe: as asked, or as a rung left it.
        schema: of the data.
        counts: samples of train, select, confirm, test.
    """
    plan = Planned(recipe)
    n = max(1, counts["train"])
    _model(plan, schema, n)
    for said in settled_by(recipe.scene, recipe.augment, _number(plan.recipe.model.size)):
        plan.set(said.key, said.value, said.why, **said.numbers)
    asked, mirrors = ImageAugment(**plan.recipe.augment), schema.target_kind != "number"
    settled, reasons = settle(asked, schema.facts, _number(plan.recipe.model.size), mirrors)
    plan.recipe = plan.recipe.model_copy(update={"augment": settled.model_dump()})
    plan.reasons += reasons
    _training(plan, schema, n)
    return plan.recipe, tuple(plan.reasons)


def is_thumbnail(schema: Schema) -> bool:
    """Whether the pictures are small and of one size."""
    return bool(schema.facts.get("same_size")) and schema.facts.get("max_side", 1 << 30) <= SMALL_SIDE


def is_pretrained(recipe: Recipe) -> bool:
    return recipe.model.weights is not None


def _model(plan: Planned, schema: Schema, n: int) -> None:
    if is_pretrained(plan.recipe):
        known = inspect_weights(str(plan.recipe.model.weights))
        plan.auto(
            "model.name", full_name(plan.recipe.model.name, known), "model_from_weights", file=Path(known.path).name
        )
        plan.auto("model.size", known.size or 224, "size_from_weights", size=known.size or 224)
        return
    plan.auto("model.name", "small_s" if n < 20_000 else "small_m", "model_by_volume", n=n)
    side = int(min(schema.facts["height"], schema.facts["width"]))
    if plan.recipe.model.name not in SMALL:
        plan.auto("model.size", 224 if side > SMALL_SIDE else max(32, side), "size_of_architecture", side=side)
    elif is_thumbnail(schema):
        plan.auto("model.size", max(LEAST_SIDE, side), "size_as_is", side=side)
    else:
        plan.auto("model.size", min(PHOTO_SIDE, max(LEAST_SIDE, side)), "size_affordable", side=side)


def _training(plan: Planned, schema: Schema, n: int) -> None:
    own = plan.recipe.model.name in SMALL and not is_pretrained(plan.recipe)
    pretrained = is_pretrained(plan.recipe)
    wanted = 2 ** round(math.log2(max(1, n / STEPS_AN_EPOCH)))
    batch = int(min(max(wanted, BATCHES[0]), 64 if pretrained else BATCHES[1] if own else 128, n))
    plan.auto("train.batch_size", batch, "batch_by_volume", n=n, steps=n // batch)
    batch = _number(plan.recipe.train.batch_size)
    plan.auto("train.epochs", epochs_for(n, batch, pretrained), "epochs_by_volume", n=n)
    plan.auto("train.optimizer", "muon" if own else "adamw" if pretrained else "sgd", "optimizer_of_family")
    start = defaults(str(plan.recipe.train.optimizer), batch, own=own)
    if own and plan.recipe.train.optimizer == "muon":
        start["lr"] = small_lr(batch, float(plan.recipe.train.epochs))
    if plan.recipe.train.lr == "auto" and plan.recipe.train.range_test is True:
        pass  # the range test sets it before training
    else:
        plan.auto("train.lr", start["lr"], "lr_default", batch=batch)
    plan.auto("model.dropout", 0.0, "of_family")
    plan.auto("train.range_test", False, "range_test_not_needed")
    plan.auto("train.momentum", start["momentum"], "optimizer_default")
    plan.auto("train.weight_decay", start["weight_decay"], "optimizer_default")
    loss = {"class": "ce", "multilabel": "bce", "number": "huber"}[schema.target_kind]
    plan.auto("train.loss", loss, "loss_of_target", kind=schema.target_kind)
    smoothing = (0.2 if own else 0.1) if schema.target_kind == "class" else 0.0
    plan.auto("train.label_smoothing", smoothing, "smoothing_default")
    settle_rebalance(plan, schema, PICTURE_NETS)
    plan.auto("train.schedule", "linear" if own else "cosine", "schedule_of_family")
    plan.auto("train.warmup", 0.0 if own else 0.05, "warmup_of_family")
    plan.auto("train.patience", max(5, round(float(plan.recipe.train.epochs) / 3)), "patience_third")
    plan.auto("train.freeze", 0.0, "whole_net")
    plan.auto("train.backbone_lr", 1.0, "whole_net")
    plan.auto("train.unfreeze", 0.0, "whole_net")
    plan.auto("train.layer_decay", 1.0, "whole_net")
    plan.auto("train.refit", False, "refit_later")


def epochs_for(n: int, batch: int, pretrained: bool) -> float:
    """Passes that are enough: about STEPS optimiser steps, since it is steps that teach, within EPOCHS."""
    if pretrained:
        return PRETRAINED_EPOCHS
    return float(min(max(round(STEPS * batch / max(n, batch)), EPOCHS[0]), EPOCHS[1]))


def suited(recipe: Recipe, epochs: float) -> dict[str, Any]:
    """Augmentation of a long training of one of our own nets on thumbnails of things that may be mirrored.

    Args:
        recipe: resolved.
        epochs: passes that are planned.
    Returns: changes under `augment.`: crops move twice as far from MOVED passes on, and from BLANKED on a square of a
        quarter of the side is blanked.
    Source: Jordan 2024, arXiv:2404.00498: moves of 2 pixels of 32 at 10 epochs, 4 at 15, a blank of 12 as well at 37;
        8 pixels at 14 epochs were part of the best figure of the research notes on JPEG copies (91.7 %).
    """
    side = _number(recipe.model.size)
    augment = recipe.augment
    if recipe.model.name not in SMALL or not augment.get("flip") or augment.get("scale") is not None:
        return {}
    return ({"crop_pad": side // 8} if epochs >= MOVED else {}) | ({"erase": side // 4} if epochs >= BLANKED else {})


def probe_samples(recipe: Recipe) -> int:
    """Pictures of a probed step at most."""
    return min(PROBE_SAMPLES, max(PROBE_LEAST, PROBE_PIXELS // _number(recipe.model.size) ** 2))


def grow(recipe: Recipe) -> tuple[tuple[float, int], ...]:
    """The first half of training on pictures of three quarters of the side."""
    side = _number(recipe.model.size)
    return () if side < GROW_FROM or is_pretrained(recipe) else ((0.0, round(side * 0.75)), (0.5, side))


def small_lr(batch: int, epochs: float) -> float:
    """Rate of Muon for our own nets: 0.20 at batch 1,000 and few epochs, 0.15 from 16 on; square root of the batch.

    Source: the two rates were measured on CIFAR-10 (BENCHMARKS.md); the root is the scaling rule of normalised updates,
        Malladi et al. 2022, arXiv:2205.10287.
    """
    return float((0.20 if epochs < 10 else 0.15) * math.sqrt(min(1.0, batch / 1000)))


def _number(value: Any) -> int:
    return int(value)
