"""What learns from rows: linear models, boosted trees or networks of a resolved recipe; trial step and cost."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..core import randomness
from ..core.recipe import Recipe
from ..core.samples import Schema
from ..core.task import Learner, Loader, Metric
from ..engine.engine import Engine
from ..models.profile import memory as training_memory
from ..models.profile import profile
from ..models.tabular import NETS, build_tabular
from ..models.tabular_inputs import Inputs
from ..train.boosting import BoostingLearner
from ..train.learners import TorchLearner
from ..train.optim import roles_of
from ..train.row_linear import LinearLearner, linear_width
from .batch_scores import BATCH_SCORES
from .scaled import Scaled, answer_decode, class_counts, made_up_target, target_loss
from .stored import rebuilt
from .table_plan import rows_of

_CALLS = 20  # of a latency measurement
_FEW, _MORE = 20, 60  # rounds of the made-up boosters that latency is read from
_ROWS = 500  # made-up rows of those
_COPIES = 3.0  # of the encoded table while a learner without gradients fits: the table, its bins, its scores


def learner(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine, examples: Loader | None) -> Learner:
    """A learner that is ready to fit.

    Args:
        metric: leads where the recipe names none; scored on training batches where it has per-sample values.
        recipe: resolved.
        schema: of the data, with its inputs.
        engine: where to compute.
        examples: not looked at: what must be known of the table stands in the schema.
    """
    if recipe.model.name in NETS:
        return _net_learner(metric, recipe, schema, engine)
    return _whole_learner(recipe, schema, engine)


def _whole_learner(recipe: Recipe, schema: Schema, engine: Engine) -> BoostingLearner | LinearLearner:
    inputs, classes, scale = Inputs(facts=schema.facts), len(schema.classes), scale_of(schema)
    counts = class_counts(schema) if schema.target_kind == "class" else ()
    if recipe.model.name == "linear":
        return LinearLearner(recipe, inputs, classes, scale, counts)
    return BoostingLearner(recipe, inputs, classes, scale, engine.threads, rows_of(schema), counts)


def scale_of(schema: Schema) -> tuple[float, float]:
    """(mean, std) of a numeric target, (0, 1) of another."""
    if schema.target_kind != "number":
        return 0.0, 1.0
    return float(schema.facts["target_mean"]), float(schema.facts["target_std"])


def _net_learner(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine) -> TorchLearner:
    torch.manual_seed(randomness.key(recipe.seed, 0x7AB1E))
    net, head = build_net(recipe, schema)
    return TorchLearner(
        net=net,
        family="mlp" if recipe.model.name == "mlp" else "transformer",
        loss=target_loss(recipe, schema),
        decode=answer_decode(recipe, schema),
        score=BATCH_SCORES.get(metric.name if recipe.metric == "auto" else recipe.metric),
        engine=engine,
        train=recipe.train,
        seed=recipe.seed,
        size=0,
        roles=roles_of(net, head),
        checkpoint_seconds=recipe.engine.checkpoint_seconds,
    )


def build_net(recipe: Recipe, schema: Schema) -> tuple[nn.Module, nn.Module]:
    """(network of a resolved recipe, its head); a number comes out in the target's own units."""
    model, inputs = recipe.model, Inputs(facts=schema.facts)
    outputs = 1 if schema.target_kind == "number" else len(schema.classes)
    net = build_tabular(model.name, inputs, outputs, int(model.width), int(model.depth), model.dropped)
    head = net.get_submodule("head")
    return (Scaled(net, *scale_of(schema)) if schema.target_kind == "number" else net), head


def trial(metric: Metric, recipe: Recipe, schema: Schema, samples: int) -> Callable[[Engine], Callable[[], float]]:
    """For the probe: engine -> a function that takes one training step on made-up rows and returns the loss."""

    def make_step(engine: Engine) -> Callable[[], float]:
        if recipe.model.name not in NETS:
            return _whole_learner(recipe, schema, engine).trial(samples)
        fitted = _net_learner(metric, recipe, schema, engine)
        return fitted.trial(engine.tensor(_example(schema, samples)), engine.tensor(made_up_target(schema, samples)))

    return make_step


def _example(schema: Schema, rows: int) -> Tensor:
    inputs = Inputs(facts=schema.facts)
    return torch.from_numpy(inputs.packed(inputs.made_up(rows)))


def rebuild(metric: Metric, tree: Mapping[str, Any], engine: Engine) -> tuple[Learner, Recipe, Schema]:
    """Learner (weights still to be loaded), recipe and schema of a stored model."""
    return rebuilt(tree, lambda recipe, schema: learner(metric, recipe, schema, engine, None))


def cost(recipe: Recipe, schema: Schema, engine: Engine) -> Mapping[str, float]:
    """parameters, macs, size_bytes, latency_ms and memory_mb of training; of boosting at its full number of rounds."""
    if recipe.model.name in NETS:
        net, _ = build_net(recipe, schema)
        batch, optimizer = int(recipe.train.batch_size), str(recipe.train.optimizer)
        return profile(net, _example(schema, 1), engine, batch=batch, optimizer=optimizer).as_dict()
    inputs, outputs = Inputs(facts=schema.facts), max(1, len(schema.classes))
    table_mb = memory(recipe, schema, engine)(1)
    if recipe.model.name == "linear":
        weights = (linear_width(inputs) + 1) * outputs
        found = LinearLearner(recipe, inputs, len(schema.classes), scale_of(schema))
        ms = _latency(lambda: found.predict(_Alone(inputs)))  # type: ignore[arg-type]
        return {
            "parameters": weights,
            "macs": weights,
            "size_bytes": 8 * weights,
            "latency_ms": ms,
            "memory_mb": table_mb,
        }
    return _boosting_cost(recipe, schema, engine, inputs) | {"memory_mb": table_mb}


def _boosting_cost(recipe: Recipe, schema: Schema, engine: Engine, inputs: Inputs) -> dict[str, float]:
    """Figures of two small boosters, drawn out to the recipe's rounds."""
    found = _whole_learner(recipe, schema, engine)
    assert isinstance(found, BoostingLearner)
    points = [found.made_up(rounds, _ROWS) for rounds in (_FEW, _MORE)]
    ms = [_latency(lambda booster=booster: booster.predict(_Alone(inputs))) for booster in points]  # type: ignore[misc]
    sizes = [len(booster.weights().tensors["booster"]) for booster in points]
    rounds = float(recipe.train.epochs)
    drawn = lambda pair: max(pair[1], pair[0] + (pair[1] - pair[0]) * (rounds - _FEW) / (_MORE - _FEW))  # noqa: E731
    trees = rounds * (len(schema.classes) if len(schema.classes) > 2 else 1)
    leaves = int(recipe.model.width)
    return {
        "parameters": int(trees * (3 * leaves - 2)),  # a leaf's value; a split's input and threshold, at most
        "macs": int(trees * leaves.bit_length()),  # comparisons on the way down
        "size_bytes": int(drawn(sizes)),
        "latency_ms": drawn(ms),
    }


class _Alone:
    """One made-up row as a loader, for latency."""

    def __init__(self, inputs: Inputs) -> None:
        self._rows = inputs.made_up(1)

    def whole(self) -> tuple[Any, np.ndarray]:
        return self._rows, np.zeros(1)


def _latency(call: Callable[[], Any]) -> float:
    """Median milliseconds of a call."""
    times = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def memory(recipe: Recipe, schema: Schema, engine: Engine) -> Callable[[int], float]:
    """Samples a step -> predicted training memory in MB; of learners without gradients that of the table."""
    inputs = Inputs(facts=schema.facts)
    if recipe.model.name not in NETS:
        whole = _COPIES * rows_of(schema) * (len(inputs.numbers) + len(inputs.categories)) * 8 / 1e6
        return lambda samples: whole
    net, _ = build_net(recipe, schema)
    example = engine.tensor(_example(schema, 1))
    one, two = (training_memory(net, example, engine, n, str(recipe.train.optimizer)) for n in (1, 2))
    return lambda samples: one + (two - one) * (samples - 1)
