"""What detection plans by itself: model, side, batch, length and optimiser, each with its reason; and its ladder.

Figures without a source were measured on the two real sets of BENCHMARKS.md (blood cells, pedestrians).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..augment.box_options import BoxAugment
from ..core.recipe import Recipe, build_part
from ..core.samples import Schema
from ..core.task import Reason, Rung
from ..models.detector import DETECTORS, ON
from ..models.hub import PREFIX
from ..models.hub_boxes import HUB_DETECTORS, RECIPE, config_of, is_hub_folder, is_hub_name
from ..models.hub_boxes import WORK as HUB_WORK
from ..models.torch_detectors import TORCH_DETECTORS
from ..models.torch_detectors import WORK as LIBRARY_WORK
from ..models.vision import full_name
from ..models.weights import inspect_weights
from ..train.optim import defaults
from .image_plan import Counts
from .planned import Planned
from .rebalancing import settle_rebalance

SIDE, SMALL_SIDE = 320, 416  # input side on this kind of machine; the larger one where most things are small
MOSTLY_SMALL = 0.5  # share of boxes below a tenth of the picture's side from which the larger side is taken
BATCH = 8  # mAP 41 against 40 at 16 after 8 passes over the blood cells; twice the steps for the same work
WORK = {"det_xs": 1.0, "det_s": 1.9, "det_m": 3.6}  # training on one picture of 320 pixels, one core
STEPS = {"scratch": 2000, "pretrained": 1000}  # that a detector needs to settle
EPOCHS = {"scratch": (24, 150), "pretrained": (16, 80)}
LR = {"muon": 0.05, "adamw": 1e-3}  # 8 passes over the blood cells, det_xs at 256 px: muon 49 mAP, adamw 33
CLIP = 10.0  # gradient norm that single pictures full of boxes may not exceed; YOLO trainers' value
ZOOM = (0.7, 1.5)
DIVISOR = 32  # sides are multiples of the coarsest stride


def settle(recipe: Recipe, schema: Schema, counts: Counts) -> tuple[Recipe, tuple[Reason, ...]]:
    """Each `auto` of a detection recipe turned into a value.

    Args:
        recipe: as asked, or as a rung left it.
        schema: of the data.
        counts: samples of train, select, confirm, test.
    """
    plan = Planned(recipe)
    n = max(1, counts["train"])
    _model(plan, schema)
    _augment(plan)
    start = start_of(plan.recipe)
    batch = min(BATCH, n)
    plan.auto("train.batch_size", batch, "detection.batch", batch=batch)
    batch = int(plan.recipe.train.batch_size)
    low, high = EPOCHS[start]
    epochs = float(min(max(round(STEPS[start] * batch / n), low), high))
    plan.auto("train.epochs", epochs, "epochs_by_volume", n=n)
    own = is_own(plan.recipe)
    if is_hub_name(str(plan.recipe.model.name)):
        _as_published(plan)
    plan.auto("train.optimizer", "muon" if own else "sgd", "optimizer_of_family")
    plan.unasked("train.clip", CLIP, "detection.clip")
    optimizer = str(plan.recipe.train.optimizer)
    usual = defaults(optimizer, batch)
    plan.auto(
        "train.lr",
        0.02 * batch / 16 if optimizer == "sgd" else LR.get(optimizer, usual["lr"]),
        "lr_default",
        batch=batch,
    )
    plan.auto("train.momentum", usual["momentum"], "optimizer_default")
    plan.auto("train.weight_decay", 1e-4 if optimizer == "sgd" else usual["weight_decay"], "optimizer_default")
    plan.auto("train.loss", "focal", "detection.loss")
    settle_rebalance(plan, schema, ("none",))
    plan.auto("train.label_smoothing", 0.0, "optimizer_default")
    plan.auto("train.schedule", "cosine", "schedule_of_family")
    plan.auto("train.warmup", 0.05, "warmup_of_family")
    plan.auto("train.patience", max(5, round(float(plan.recipe.train.epochs) / 3)), "patience_third")
    plan.auto("train.freeze", 0.0, "whole_net")
    plan.auto("train.unfreeze", 0.0, "whole_net")
    plan.auto("train.layer_decay", 1.0, "whole_net")
    plan.auto("train.backbone_lr", 1.0, "detection.backbone_lr" if start == "pretrained" else "whole_net")
    plan.auto("model.dropout", 0.0, "of_family")
    plan.auto("train.range_test", False, "range_test_not_needed")
    plan.auto("train.refit", False, "refit_later")
    return plan.recipe, tuple(plan.reasons)


def _as_published(plan: Planned) -> None:
    """What the papers of transformers' detectors train with."""
    plan.auto("train.optimizer", "adamw", "detection.published")
    if plan.recipe.train.optimizer != "adamw":
        return
    for key in ("lr", "weight_decay"):
        plan.auto(f"train.{key}", RECIPE[key], "detection.published")
    if plan.recipe.model.weights is not None:
        plan.auto("train.backbone_lr", RECIPE["backbone_lr"], "detection.published")
    plan.unasked("train.clip", RECIPE["clip"], "detection.published")


def start_of(recipe: Recipe) -> str:
    """pretrained or scratch."""
    return "scratch" if recipe.model.weights is None else "pretrained"


def is_own(recipe: Recipe) -> bool:
    """Whether the detector is of our own family, on whatever backbone."""
    return str(recipe.model.name) in DETECTORS or str(recipe.model.name).startswith(ON)


def _model(plan: Planned, schema: Schema) -> None:
    weights = plan.recipe.model.weights
    if weights is not None and plan.recipe.model.name == "auto" and is_hub_folder(weights):
        name = PREFIX + str(config_of("auto", weights)["model_type"])
        plan.auto("model.name", name, "model_from_weights", file=Path(weights).name)
    elif weights is not None and plan.recipe.model.name == "auto":
        known = inspect_weights(weights)
        name = full_name("auto", known)
        plan.auto("model.name", f"{ON}{name}", "detection.backbone", file=Path(known.path).name)
    plan.auto("model.name", "det_s", "detection.small")
    share = float(schema.facts.get("box_small", 0.0))
    wanted = SMALL_SIDE if share > MOSTLY_SMALL else SIDE
    largest = max(int(schema.facts.get("height", wanted)), int(schema.facts.get("width", wanted)))
    side = max(DIVISOR, min(wanted, -(-largest // DIVISOR) * DIVISOR))
    plan.auto("model.size", side, "detection.side", share=share)
    asked = int(plan.recipe.model.size)
    if asked % DIVISOR:
        plan.set("model.size", -(-asked // DIVISOR) * DIVISOR, "detection.multiple", asked=asked)


def _augment(plan: Planned) -> None:
    options = build_part("augment", BoxAugment, plan.recipe.augment)
    assert isinstance(options, BoxAugment)
    for key, value, why in (("flip", True, "augment.flip_boxes"), ("zoom", ZOOM, "augment.zoom_boxes")):
        if getattr(options, key) == "auto":
            options = options.model_copy(update={key: value})
            plan.reasons.append(Reason(key=f"augment.{key}", value=value, why=why))
    plan.recipe = plan.recipe.model_copy(update={"augment": options.model_dump()})


def ladder(recipe: Recipe, schema: Schema, counts: Counts) -> tuple[Rung, ...]:
    """Our own detectors, then torchvision's and transformers', small ones first; what was named, or weights, alone."""
    if recipe.model.name != "auto" or recipe.model.weights is not None:
        name = recipe.model.name if recipe.model.name != "auto" else "pretrained"
        whole = recipe.model.weights is not None and is_hub_folder(recipe.model.weights)
        why = "rung.named" if recipe.model.name != "auto" else "rung.hub_detector" if whole else "rung.backbone"
        return (_rung(name, start_of(recipe), {}, why),)
    own = tuple(_rung(name, "fcos", {"model.name": name}, "rung.detector", WORK[name]) for name in DETECTORS)
    library = tuple(
        _rung(name, family, {"model.name": name}, "rung.library", LIBRARY_WORK[name])
        for name, family in TORCH_DETECTORS.items()
    )
    hub = tuple(
        _rung(name, str(config["model_type"]), {"model.name": name}, "rung.transformers", HUB_WORK[name])
        for name, config in HUB_DETECTORS.items()
    )
    return (*own, *sorted((*library, *hub), key=lambda rung: rung.work))


def probe_samples(recipe: Recipe) -> int:
    """Pictures of a probed step at most: a few, since a probe takes several steps in each form of computation."""
    return 4


def grow(recipe: Recipe) -> tuple[tuple[float, int], ...]:
    """The first half of training on pictures of about three quarters of the side."""
    side = int(recipe.model.size)
    small = round(side * 0.75 / DIVISOR) * DIVISOR
    return ((0.0, small), (0.5, side)) if is_own(recipe) and small < side else ()


def _rung(name: str, family: str, changes: Mapping[str, Any], why: str, work: float = 0.0) -> Rung:
    return Rung(name=name, family=family, apply=partial(_change, changes), why=why, work=work)


def _change(changes: Mapping[str, Any], recipe: Recipe) -> Recipe:
    for key, value in changes.items():
        recipe = recipe.with_(key, value)
    return recipe
