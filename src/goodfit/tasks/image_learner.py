"""What learns from pictures: net, loss and optimiser of a resolved recipe; trial step and cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..augment.images import test_time_views
from ..augment.options import ImageAugment
from ..core import randomness
from ..core.recipe import Recipe
from ..core.samples import Schema
from ..core.task import Loader, Metric
from ..engine.engine import Engine
from ..models.heads import features
from ..models.profile import memory as training_memory
from ..models.profile import profile
from ..models.small import SmallNet
from ..models.vision import build as build_vision
from ..models.vision import head_of
from ..train.learners import TorchLearner
from ..train.optim import roles_of
from .batch_scores import BATCH_SCORES
from .scaled import Scaled, answer_decode, made_up_target, target_loss
from .stored import rebuilt, without_weights

WHITEN = 5000  # pictures whose patches set the stem


def learner(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine, examples: Loader | None) -> TorchLearner:
    """A learner that is ready to fit.

    Args:
        metric: leads where the recipe names none; scored on training batches where it has per-sample values.
        recipe: resolved.
        schema: of the data.
        engine: where to compute.
        examples: training samples without augmentation, for the whitened stem; None where weights follow anyway.
    """
    torch.manual_seed(randomness.key(recipe.seed, 0x1417))
    net, family = build_net(recipe, schema)
    inner = net.net if isinstance(net, Scaled) else net
    if isinstance(inner, SmallNet) and examples is not None:
        inner.whiten(_some(examples))
    options = ImageAugment(**recipe.augment)
    views = None if options.test_time in ("none", "auto") else partial(_views, how=options.test_time)
    head = None if isinstance(inner, SmallNet) else head_of(inner)
    return TorchLearner(
        net=net,
        family=family,
        loss=target_loss(recipe, schema),
        decode=answer_decode(recipe, schema),
        score=BATCH_SCORES.get(metric.name if recipe.metric == "auto" else recipe.metric),
        engine=engine,
        train=recipe.train,
        seed=recipe.seed,
        size=int(recipe.model.size),
        views=views,
        roles=None if head is None else roles_of(net, head),
        checkpoint_seconds=recipe.engine.checkpoint_seconds,
    )


def embed(
    recipe: Recipe, schema: Schema, engine: Engine, loader: Loader, progress: Callable[[int, int], None]
) -> np.ndarray:
    """(N, D) float32, in the loader's order: what the head of a pretrained network sees; see `Task.embed`."""
    net, _ = build_net(recipe, schema)
    placed = engine.place(net).eval()
    inner = placed.net if isinstance(placed, Scaled) else placed
    seen: list[np.ndarray] = []
    done = 0
    with torch.inference_mode(), engine.autocast():
        for batch in loader.epoch(0):
            seen.append(features(inner, batch.inputs).cpu().numpy())
            done += len(seen[-1])
            progress(done, len(loader.positions))
    return np.concatenate(seen)


def build_net(recipe: Recipe, schema: Schema) -> tuple[nn.Module, str]:
    """The network of a resolved recipe, and its family."""
    model = recipe.model
    number = lambda value: None if value == "auto" else int(value)  # noqa: E731
    built = build_vision(
        model.name,
        1 if schema.target_kind == "number" else len(schema.classes),
        model.weights,
        model.dropped,
        model.drop_path,
        size=number(model.size),
        width=number(model.width),
        depth=number(model.depth),
    )
    if schema.target_kind == "number":
        return Scaled(built.net, float(schema.facts["target_mean"]), float(schema.facts["target_std"])), built.family
    return built.net, built.family


def _views(inputs: Tensor, how: Any) -> tuple[list[Tensor], list[float]]:
    pairs = test_time_views(inputs, how)
    return [view for view, _ in pairs], [weight for _, weight in pairs]


def _some(examples: Loader) -> Tensor:
    taken, count = [], 0
    for batch in examples.epoch(0):
        taken.append(batch.inputs.float().cpu())
        count += len(batch.positions)
        if count >= WHITEN:
            break
    return torch.cat(taken)[:WHITEN]


def trial(metric: Metric, recipe: Recipe, schema: Schema, samples: int) -> Callable[[Engine], Callable[[], float]]:
    """For the probe: engine -> a function that takes one training step on made-up samples and returns the loss."""

    def make_step(engine: Engine) -> Callable[[], float]:
        fitted = learner(metric, recipe, schema, engine, None)
        side = int(recipe.model.size)
        torch.manual_seed(0)
        dtype = engine.dtype if engine.precision == "bf16" else torch.float32
        inputs = engine.tensor(torch.randn(samples, 3, side, side).to(dtype))
        return fitted.trial(inputs, engine.tensor(made_up_target(schema, samples)))

    return make_step


def rebuild(metric: Metric, tree: Mapping[str, Any], engine: Engine) -> tuple[TorchLearner, Recipe, Schema]:
    """Learner (weights still to be loaded), recipe and schema of a stored model."""
    return rebuilt(tree, lambda recipe, schema: learner(metric, without_weights(recipe), schema, engine, None))


def cost(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine) -> Mapping[str, float]:
    """parameters, macs, size_bytes, latency_ms (test-time views counted) and memory_mb of training."""
    fitted = learner(metric, recipe, schema, engine, None)
    side = int(recipe.model.size)
    example = torch.zeros(1, 3, side, side)
    found = profile(
        fitted.net, example, engine, batch=int(recipe.train.batch_size), optimizer=str(recipe.train.optimizer)
    )
    views = {"flip": 2, "flip_shift": 6}.get(str(ImageAugment(**recipe.augment).test_time), 1)
    return {
        "parameters": found.parameters,
        "macs": found.macs * views,
        "size_bytes": found.size_bytes,
        "latency_ms": found.latency_ms * views,
        "memory_mb": found.memory_mb,
    }


def memory(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine) -> Callable[[int], float]:
    """Samples a step -> predicted training memory in MB."""
    fitted = learner(metric, recipe, schema, engine, None)
    side = int(recipe.model.size)
    example = engine.tensor(torch.zeros(1, 3, side, side))
    one, two = (training_memory(fitted.net, example, engine, n, str(recipe.train.optimizer)) for n in (1, 2))
    return lambda samples: one + (two - one) * (samples - 1)
