"""What a text task plans by itself: model, length, batch, passes and optimiser, each with its reason; and its ladder.

Sources: Wang and Manning 2012 (linear floor); Kim 2014, arXiv:1408.5882 (convolutions); Devlin et al. 2019,
arXiv:1810.04805 (fine-tuning: 2e-5 to 5e-5, batch 32, 2 to 4 passes); Mosbach et al. 2021, arXiv:2006.04884 (more
passes over few texts); Howard and Ruder 2018, arXiv:1801.06146, and Clark et al. 2020, arXiv:2003.10555 (less rate
from layer to layer); BENCHMARKS.md for what was measured here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..core.errors import RecipeError
from ..core.recipe import Recipe
from ..core.samples import Schema
from ..core.task import Reason, Rung
from ..models import hub, hub_text
from ..models.text_nets import POSITIONS
from .planned import Planned
from .rebalancing import NETS, WHOLE, settle_rebalance

LINEAR = "linear"
FEW_WORDS = 50  # words of an average text below which pairs of words suffice: titles, messages
ORDERS = range(1, 4)  # longest n-grams of the linear floor: three words of 21 bits fill a key
ALIGN = 8  # lengths are multiples of it
LONGEST = 512  # tokens of a text that our own nets read
WORDS_TO_TOKENS = 1.15  # tokens of a trained tokenizer for a word; 1.13 on IMDb with BERT's
STEPS, PASSES = 2000, (4, 20)  # of our own nets; 25,000 reviews at batch 64 take 6 passes
TUNED = 24_000  # texts seen in fine-tuning: one pass over IMDb gave 92.6 % in 48 minutes of two cores
TUNED_PASSES = (1, 10)  # few texts take more passes: Mosbach et al. 2021
BASE_LR, BASE_WIDTH = 5e-5, 768  # BERT-base; Adam's rate goes with 1 / width: Yang et al. 2022, arXiv:2203.03466
HEAD_DROPOUT = 0.1  # before the head of a pretrained model; Devlin et al. 2019
PROBE_TEXTS = 256  # of a probed step at most, so that two of them stay short
PROBE_TOKENS = 1 << 11  # of a probed step, so that it takes about a second
Counts = Mapping[str, int]

_NETS: Mapping[str, Mapping[str, Any]] = {  # found on 25,000 IMDb reviews and 10,000 Chinese titles, see BENCHMARKS.md
    "textcnn": {"width": 128, "depth": 1, "lr": 1e-3, "batch": 64, "dropout": 0.5},
    "gru": {"width": 128, "depth": 1, "lr": 2e-3, "batch": 64, "dropout": 0.3},
    "lstm": {"width": 128, "depth": 1, "lr": 2e-3, "batch": 64, "dropout": 0.3},
    "text_transformer": {"width": 128, "depth": 2, "lr": 1e-3, "batch": 64, "dropout": 0.2},
}


def settle_texts(recipe: Recipe, schema: Schema, counts: Counts) -> tuple[Recipe, tuple[Reason, ...]]:
    """Each `auto` of a text recipe turned into a value; see `Task.settle`."""
    plan = Planned(recipe)
    if is_pretrained(recipe):
        _pretrained(plan, schema, max(1, counts["train"]))
    elif recipe.model.name in ("auto", LINEAR):
        _linear(plan, schema, max(1, counts["train"]))
    else:
        _from_scratch(plan, schema, max(1, counts["train"]))
    loss = {"class": "ce", "multilabel": "bce", "number": "huber"}[schema.target_kind]
    plan.auto("train.loss", loss, "loss_of_target", kind=schema.target_kind)
    settle_rebalance(plan, schema, WHOLE if plan.recipe.model.name == LINEAR else NETS)
    plan.auto("train.patience", max(5, round(float(plan.recipe.train.epochs) / 3)), "patience_third")
    plan.auto("train.refit", False, "refit_later")
    plan.auto("engine.layout", "contiguous", "text.no_layout")
    return plan.recipe, tuple(plan.reasons)


def ladder(recipe: Recipe, schema: Schema, counts: Counts) -> tuple[Rung, ...]:
    """A linear floor, then nets from scratch; with pretrained weights the floor, the head alone, the whole net."""
    if is_pretrained(recipe):
        head = {"train.freeze": 0.999, "train.lr": 2e-3, "train.epochs": 2.0}
        return (
            _rung(LINEAR, "linear", {"model.name": LINEAR, "model.weights": None}, "rung.linear"),
            _rung("head", "pretrained", head, "rung.head"),
            _rung("whole", "pretrained", {}, "rung.whole"),
        )
    if recipe.model.name != "auto":
        return (_rung(recipe.model.name, "named", {}, "rung.named"),)
    nets = ("textcnn", "gru", "text_transformer")
    return (
        _rung(LINEAR, "linear", {"model.name": LINEAR}, "rung.linear"),
        *(_rung(name, name, {"model.name": name}, f"rung.{name}") for name in nets),
    )


def is_pretrained(recipe: Recipe) -> bool:
    """Whether the model is one of transformers: weights are named, or an architecture of it."""
    named = recipe.model.name
    return named != LINEAR and (recipe.model.weights is not None or named.startswith(hub.PREFIX))


def source_of(recipe: Recipe) -> hub.Source:
    """Where a recipe's pretrained model lies. Raises: RecipeError if something is missing there."""
    if recipe.model.weights is not None:
        return hub.find(recipe.model.weights)
    return hub.find(recipe.model.name.removeprefix(hub.PREFIX), weights=False)


def probe_samples(recipe: Recipe) -> int:
    """Texts of a probed step at most."""
    return (
        PROBE_TEXTS if recipe.model.name == LINEAR else min(PROBE_TEXTS, max(4, PROBE_TOKENS // int(recipe.model.size)))
    )


def _linear(plan: Planned, schema: Schema, n: int) -> None:
    words = float(schema.facts.get("words_mean", FEW_WORDS))
    plan.auto("model.name", LINEAR, "text.floor")
    plan.auto("model.depth", 2 if words < FEW_WORDS else 3, "text.order", words=words)
    if int(plan.recipe.model.depth) not in ORDERS:
        raise RecipeError(
            "the linear model counts single words, pairs and triples",
            got=plan.recipe.model.depth,
            allowed="1, 2 or 3",
            do="set one of these",
            where="model.depth",
        )
    plan.auto("model.width", 1, "text.no_width")
    plan.auto("model.size", max(1, int(schema.facts.get("words_max", FEW_WORDS))), "text.whole")
    plan.auto("train.batch_size", n, "text.all_at_once")
    plan.auto("train.epochs", 1.0, "text.all_at_once")
    plan.auto("train.optimizer", "lbfgs", "optimizer_of_family")
    plan.auto("train.lr", 1.0, "text.line_search")
    plan.auto("train.weight_decay", 1.0, "text.strength")
    plan.auto("model.dropout", 0.0, "of_family")
    for key, value in _PLAIN.items():
        plan.auto(key, value, "of_family")
    plan.auto("engine.precision", "fp32", "text.no_layout")
    for key in ("replace", "swap", "drop"):
        if plan.recipe.augment.get(key):
            plan.set(f"augment.{key}", 0.0, "text.no_chance")


_PLAIN: Mapping[str, Any] = {
    "train.momentum": 0.9,
    "train.label_smoothing": 0.0,
    "train.schedule": "linear",
    "train.warmup": 0.1,
    "train.freeze": 0.0,
    "train.unfreeze": 0.0,
    "train.layer_decay": 1.0,
    "train.backbone_lr": 1.0,
    "train.range_test": False,
}


def _from_scratch(plan: Planned, schema: Schema, n: int) -> None:
    net = _NETS.get(plan.recipe.model.name, _NETS["textcnn"])
    longest = float(schema.facts.get("words_p95", LONGEST))
    plan.auto("model.size", _aligned(min(longest, LONGEST)), "text.length", longest=longest)
    if plan.recipe.model.name == "text_transformer":
        _check_size(plan.recipe, POSITIONS)
    plan.auto("model.width", net["width"], "of_family")
    plan.auto("model.depth", net["depth"], "of_family")
    plan.auto("model.dropout", net["dropout"], "of_family")
    plan.auto("train.batch_size", min(net["batch"], n), "of_family")
    batch = int(plan.recipe.train.batch_size)
    passes = float(min(max(round(STEPS * batch / n), PASSES[0]), PASSES[1]))
    plan.auto("train.epochs", passes, "epochs_by_volume", n=n)
    plan.auto("train.optimizer", "adamw", "optimizer_of_family")
    plan.auto("train.lr", net["lr"], "lr_default", batch=batch)
    plan.auto("train.weight_decay", 0.01, "optimizer_default")
    for key, value in _PLAIN.items():
        plan.auto(key, value, "of_family")


def _check_size(recipe: Recipe, longest: int) -> None:
    """Raises: RecipeError if texts are to be longer than the model has positions."""
    if int(recipe.model.size) > longest:
        raise RecipeError(
            "this model has no positions for so long texts",
            got=recipe.model.size,
            allowed=f"at most {longest}",
            do="set a smaller one",
            where="model.size",
        )


def _pretrained(plan: Planned, schema: Schema, n: int) -> None:
    source = source_of(plan.recipe)
    plan.auto("model.name", source.name, "model_from_weights", file=source.folder.name)
    longest = WORDS_TO_TOKENS * float(schema.facts.get("words_p95", LONGEST)) + 2
    plan.auto("model.size", min(_aligned(longest), source.longest), "text.length", longest=longest)
    _check_size(plan.recipe, source.longest)
    width, depth = hub_text.shape_of(source.config)
    plan.auto("model.width", width, "of_family")
    plan.auto("model.depth", depth, "of_family")
    plan.auto("model.dropout", HEAD_DROPOUT, "of_family")
    plan.auto("train.batch_size", min(32, n), "of_family")
    batch = int(plan.recipe.train.batch_size)
    passes = min(max(round(TUNED / n), TUNED_PASSES[0]), TUNED_PASSES[1])
    plan.auto("train.epochs", float(passes), "text.passes", n=n)
    plan.auto("train.optimizer", "adamw", "optimizer_of_family")
    plan.auto("train.lr", BASE_LR * BASE_WIDTH / width, "lr_default", batch=batch)
    plan.auto("train.weight_decay", 0.01, "optimizer_default")
    plan.auto("train.layer_decay", 0.9, "text.layer_decay", layers=depth)
    for key, value in _PLAIN.items():
        plan.auto(key, value, "of_family")


def _aligned(length: float) -> int:
    return max(ALIGN, math.ceil(length / ALIGN) * ALIGN)


def _rung(name: str, family: str, changes: Mapping[str, Any], why: str) -> Rung:
    return Rung(name=name, family=family, apply=partial(_change, changes), why=why)


def _change(changes: Mapping[str, Any], recipe: Recipe) -> Recipe:
    for key, value in changes.items():
        if key.startswith("model.") or recipe.get(key) == "auto":
            recipe = recipe.with_(key, value)
    return recipe
