"""What a table task plans by itself: model, rounds or passes, rates, each with its reason; and its ladder.

Sources: Ke et al. 2017 (LightGBM's own defaults); Gorishniy et al. 2021, arXiv:2106.11959, and 2022, arXiv:2203.05556
(rates and sizes of the networks); Grinsztajn et al. 2022, arXiv:2207.08815 (trees against networks by rows);
benchmarks/tables.py for figures measured here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ..core.errors import RecipeError
from ..core.recipe import Recipe
from ..core.samples import Schema
from ..core.task import Reason, Rung
from ..models.tabular import FT_DEPTH, FT_WIDTH, MLP_DEPTH, MLP_WIDTH, NETS
from ..train import boosting, row_linear
from . import rebalancing
from .planned import Planned
from .rebalancing import settle_rebalance

Counts = Mapping[str, int]
MODELS: Mapping[str, str] = {"linear": "linear", "boosting": "boosting", "mlp": "mlp", "ft_transformer": "transformer"}
BATCHES = (64, 1024)  # samples a step of a network; about 100 steps a pass within them
STEPS_A_PASS = 100
NET_EPOCHS = {"mlp": 40.0, "ft_transformer": 30.0}  # at least
NET_STEPS = 4000  # so many steps are wanted
NET_LR = {"mlp": 1e-3, "ft_transformer": 3e-4}  # at batch 256; the papers' ranges are 3e-5 to 1e-3 and 1e-5 to 1e-3
NET_DECAY = {"mlp": 0.01, "ft_transformer": 1e-5}
PROBE_ROWS = 10_000  # of a probed round of boosting at most
PROBE_NET, PROBE_LINEAR = 256, 1000
VAL_SMALL, VAL_MIDDLE, VAL_LEAST = 0.3, 0.2, 0.02  # of few rows, of thousands, of millions
VAL_ROWS = 10_000  # of val at most, in between: two standard errors of 1 point of accuracy for select
FEW_ROWS = 2000  # below this no network is tried: trees and linear models do better on few rows, Grinsztajn et al. 2022
LOSSES = {"class": ("ce", "focal"), "number": ("mse", "mae", "huber", "quantile")}


def settle(recipe: Recipe, schema: Schema, counts: Counts) -> tuple[Recipe, tuple[Reason, ...]]:
    """Each `auto` of a table's recipe turned into a value.

    Raises: RecipeError for a model that is none of these, or a loss that it cannot learn by.
    """
    plan = Planned(recipe)
    n = counts["train"]
    plan.auto("model.name", "boosting", "model_of_tables", n=n)
    name = plan.recipe.model.name
    plan.auto("train.loss", "ce" if schema.target_kind == "class" else "mse", "loss_of_target", kind=schema.target_kind)
    _check(plan.recipe, schema)
    settle_rebalance(plan, schema, rebalancing.NETS if name in NETS else rebalancing.WHOLE)
    if name in NETS:
        _net(plan, name, n)
    else:
        _whole(plan, name, schema, counts)
    plan.auto("train.label_smoothing", 0.0, "table_plain")
    plan.auto("train.optimizer", "adamw", "optimizer_of_family")
    plan.auto("train.momentum", 0.9, "optimizer_default")
    plan.auto("train.schedule", "cosine" if name in NETS else "constant", "schedule_of_family")
    plan.auto("train.warmup", 0.05 if name in NETS else 0.0, "warmup_of_family")
    plan.auto("train.patience", max(5, round(float(plan.recipe.train.epochs) / 3)), "patience_third")
    plan.auto("model.dropout", 0.0, "of_family")
    plan.auto("train.range_test", False, "range_test_not_needed")
    plan.auto("train.freeze", 0.0, "whole_net")
    plan.auto("train.backbone_lr", 1.0, "whole_net")
    plan.auto("train.unfreeze", 0.0, "whole_net")
    plan.auto("train.layer_decay", 1.0, "whole_net")
    plan.auto("train.refit", False, "refit_later")
    plan.auto("engine.layout", "contiguous", "table_form")
    if name != "ft_transformer":
        plan.auto("engine.precision", "fp32", "table_form")
    return plan.recipe, tuple(plan.reasons)


def _check(recipe: Recipe, schema: Schema) -> None:
    name, loss = recipe.model.name, str(recipe.train.loss)
    if name not in MODELS:
        raise RecipeError(
            "no such model for tables",
            got=name,
            allowed=", ".join(MODELS),
            do="choose one of these",
            where="model.name",
        )
    allowed = [one for one in LOSSES[schema.target_kind] if name in NETS or one != "focal"]
    allowed = [one for one in allowed if name != "linear" or one in row_linear.LOSSES]
    if loss not in allowed:
        raise RecipeError(
            f"{name} cannot learn this target by that loss",
            got=loss,
            allowed=", ".join(allowed),
            do="choose one of these, or another model.name",
            where="train.loss",
        )


def _net(plan: Planned, name: str, n: int) -> None:
    wide, deep = (MLP_WIDTH, MLP_DEPTH) if name == "mlp" else (FT_WIDTH, FT_DEPTH)
    plan.auto("model.width", wide, "size_of_table_net")
    plan.auto("model.depth", deep, "size_of_table_net")
    batch = int(min(max(_power(n / STEPS_A_PASS), BATCHES[0]), BATCHES[1], max(1, n)))
    plan.auto("train.batch_size", batch, "batch_of_table", n=n, steps=max(1, n // batch))
    batch = int(plan.recipe.train.batch_size)
    wanted = max(NET_EPOCHS[name], min(200.0, NET_STEPS // max(1, n // batch)))
    plan.auto("train.epochs", wanted, "epochs_by_volume", n=n)
    plan.auto("train.lr", NET_LR[name], "lr_default", batch=batch)
    plan.auto("train.weight_decay", NET_DECAY[name], "optimizer_default")


def _power(wanted: float) -> int:
    """The power of two below or at a number; 1 at least."""
    return int(2 ** max(0, int(wanted).bit_length() - 1))


def _whole(plan: Planned, name: str, schema: Schema, counts: Counts) -> None:
    """A learner whose step is a pass over the whole table: a batch is all of it, so that passes are steps."""
    whole = counts["train"] + counts["select"] + counts["confirm"]
    plan.set("train.batch_size", whole, "batch_whole", n=whole)
    plan.recipe = plan.recipe.with_("train.accumulate", 1)
    small = is_small(schema)
    if name == "linear":
        plan.auto("train.epochs", 1.0, "epochs_linear")
        plan.auto("train.lr", 1.0, "lr_linear")
        plan.auto("train.weight_decay", 1.0 / max(1, counts["train"]), "decay_linear")
        return
    plan.auto("train.epochs", float(boosting.ROUNDS_SMALL if small else boosting.ROUNDS), "rounds_most")
    plan.auto("train.lr", boosting.LR_SMALL if small else boosting.LR, "lr_boosting", n=rows_of(schema))
    plan.auto("model.width", boosting.LEAVES_SMALL if small else boosting.LEAVES, "leaves", n=rows_of(schema))
    plan.auto("train.weight_decay", 0.0, "decay_boosting")
    plan.auto("train.patience", boosting.STILL, "patience_boosting", rounds=boosting.STILL * boosting.BLOCK)


def val_share(rows: int) -> float:
    """Share of val among the rows that are not test: whole families of models are chosen on its first half.

    Where the table is small, these are few rows of heavy-tailed errors. What val takes from train the refit gives back.
    """
    return VAL_SMALL if rows < boosting.SMALL_TABLE else max(VAL_LEAST, min(VAL_MIDDLE, VAL_ROWS / rows))


def rows_of(schema: Schema) -> int:
    """Rows outside of the given test part."""
    return int(schema.facts["n"])


def is_small(schema: Schema) -> bool:
    """Whether trees are kept small."""
    return rows_of(schema) < boosting.SMALL_TABLE


def ladder(recipe: Recipe, schema: Schema, counts: Counts) -> tuple[Rung, ...]:
    """Four families, cheap ones first; the linear floor only where it can learn by the loss that was asked for."""
    if recipe.model.name != "auto":
        return (_rung(recipe.model.name, MODELS.get(recipe.model.name, "named"), "rung.named"),)
    loss = recipe.train.loss
    names = [name for name in MODELS if name != "linear" or loss in ("auto", *row_linear.LOSSES)]
    if rows_of(schema) < FEW_ROWS:
        names = [name for name in names if name not in NETS]
    return tuple(_rung(name, MODELS[name], f"rung.table_{name}") for name in names)


def _rung(name: str, family: str, why: str) -> Rung:
    return Rung(name=name, family=family, apply=partial(_named, name), why=why)


def _named(name: str, recipe: Recipe) -> Recipe:
    return recipe.with_("model.name", name)


def probe_samples(recipe: Recipe) -> int:
    """Rows of a probed step at most."""
    return {"boosting": PROBE_ROWS, "linear": PROBE_LINEAR}.get(recipe.model.name, PROBE_NET)
