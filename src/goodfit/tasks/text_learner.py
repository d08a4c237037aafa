"""What learns from texts: the linear floor, a net from scratch, or a pretrained one; trial step, cost and memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from ..core import randomness
from ..core.recipe import Recipe
from ..core.samples import Schema
from ..core.task import Learner, Loader, Metric
from ..engine.engine import Engine
from ..models.hub import Source
from ..models.hub_text import TextEncoder, build_encoder
from ..models.profile import memory as training_memory
from ..models.profile import profile
from ..models.text_nets import build_text_net
from ..train.learners import TorchLearner
from ..train.linear import NgramLearner
from ..train.rebalance import answer_shift, class_weights
from .batch_scores import BATCH_SCORES
from .scaled import Scaled, answer_decode, class_counts, made_up_target, target_loss
from .stored import rebuilt
from .text_plan import LINEAR, is_pretrained, source_of

VOCABULARY = 20_000  # different words of made-up texts
MADE_UP_TOKENS = 1000  # different tokens of made-up batches at most


def learner(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine, examples: Loader | None) -> Learner:
    """A learner that is ready to fit; see `Task.learner`."""
    if recipe.model.name == LINEAR:
        return _linear(recipe, schema)
    torch.manual_seed(randomness.key(recipe.seed, 0x1417))
    net, family = build_net(recipe, schema, weights=examples is not None)
    return TorchLearner(
        net=net,
        family=family,
        loss=target_loss(recipe, schema),
        decode=answer_decode(recipe, schema),
        score=BATCH_SCORES.get(metric.name if recipe.metric == "auto" else recipe.metric),
        engine=engine,
        train=recipe.train,
        seed=recipe.seed,
        size=0,
        checkpoint_seconds=recipe.engine.checkpoint_seconds,
    )


def build_net(recipe: Recipe, schema: Schema, weights: bool) -> tuple[nn.Module, str]:
    """The network of a resolved recipe, and its family.

    Args:
        weights: whether pretrained ones are to be read; else stored ones follow.
    """
    outputs = _outputs(schema)
    model = recipe.model
    if not is_pretrained(recipe):
        net = build_text_net(model.name, outputs, int(model.width), int(model.depth), model.dropped)
        family = model.name
    else:
        source: Source | None = None
        config = schema.facts.get("config")
        if config is None:
            source = source_of(recipe)
            config = source.config
        net = build_encoder(config, source if weights else None, outputs, model.dropped)
        family = str(config.get("model_type", "transformer"))
    if schema.target_kind == "number":
        net = Scaled(net, float(schema.facts["target_mean"]), float(schema.facts["target_std"]))
    return net, family


def _linear(recipe: Recipe, schema: Schema) -> NgramLearner:
    mean, std = schema.facts.get("target_mean", 0.0), schema.facts.get("target_std", 1.0)
    counts = class_counts(schema) if schema.target_kind == "class" else ()
    return NgramLearner(
        kind=schema.target_kind,
        outputs=_outputs(schema),
        order=int(recipe.model.depth),
        strength=float(recipe.train.weight_decay),
        scale=(float(mean), float(std)),
        weight=class_weights(recipe.train, counts),
        shift=answer_shift(recipe.train, counts),
    )


def _outputs(schema: Schema) -> int:
    return 1 if schema.target_kind == "number" else len(schema.classes)


def trial(metric: Metric, recipe: Recipe, schema: Schema, samples: int) -> Callable[[Engine], Callable[[], float]]:
    """For the probe: engine -> a function that takes one training step on made-up texts of the usual length."""

    def make_step(engine: Engine) -> Callable[[], float]:
        target = made_up_target(schema, samples)
        length = _usual_length(recipe, schema)
        if recipe.model.name == LINEAR:
            random = randomness.generator(0, samples, 17)
            drawn = np.minimum(random.zipf(1.3, (samples, length)), VOCABULARY)
            texts = [[str(word) for word in row] for row in drawn]
            fitted = _linear(recipe, schema)
            return lambda: fitted.step(texts, target.numpy())
        torch.manual_seed(0)
        found = learner(metric, recipe, schema, engine, None)
        assert isinstance(found, TorchLearner)
        return found.trial(_made_up(found.net, samples, length, engine), engine.tensor(target))

    return make_step


def rebuild(metric: Metric, tree: Mapping[str, Any], engine: Engine) -> tuple[Learner, Recipe, Schema]:
    """Learner (weights still to be loaded), recipe and schema of a stored model."""
    return rebuilt(tree, lambda recipe, schema: learner(metric, recipe, schema, engine, None))


def cost(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine) -> Mapping[str, float]:
    """parameters, macs, size_bytes and latency_ms of a text of the usual length, memory_mb of training."""
    length = _usual_length(recipe, schema)
    if recipe.model.name == LINEAR:
        grams = 0.16 * float(schema.facts.get("n", 1000)) * length  # share of new n-grams on IMDb; a guess before fit
        size = 4 * grams * (_outputs(schema) + 2)
        return {
            "parameters": int(grams * _outputs(schema)),
            "macs": length * int(recipe.model.depth) * _outputs(schema),
            "size_bytes": int(size),
            "latency_ms": 1.0,
            "memory_mb": 12 * size / 1e6,
        }
    net, _ = build_net(recipe, schema, weights=False)
    batch, optimizer = int(recipe.train.batch_size), str(recipe.train.optimizer)
    found = profile(_OneText(net), _made_up(net, 1, length, engine)["ids"], engine, batch=batch, optimizer=optimizer)
    return found.as_dict()


def memory(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine) -> Callable[[int], float]:
    """Texts a step -> predicted training memory in MB, all of them of the greatest length."""
    if recipe.model.name == LINEAR:
        fixed = float(cost(metric, recipe, schema, engine)["memory_mb"])
        return lambda samples: fixed
    net, _ = build_net(recipe, schema, weights=False)
    example = _made_up(net, 1, int(recipe.model.size), engine)["ids"]
    net = engine.place(_OneText(net))
    one, two = (training_memory(net, example, engine, n, str(recipe.train.optimizer)) for n in (1, 2))
    return lambda samples: one + (two - one) * (samples - 1)


class _OneText(nn.Module):
    """A text network that takes token numbers alone, none of them padding."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(B, L) int64 -> (B, K)."""
        return torch.as_tensor(self.net({"ids": ids, "mask": torch.ones_like(ids, dtype=torch.bool)}))


def _usual_length(recipe: Recipe, schema: Schema) -> int:
    """Words or tokens of an average text, as far as the model reads it."""
    return max(1, min(int(recipe.model.size), round(1.1 * float(schema.facts.get("words_mean", 100)))))


def _made_up(net: nn.Module, samples: int, length: int, engine: Engine) -> dict[str, torch.Tensor]:
    """A batch of made-up texts in token numbers that the network has vectors for."""
    known = [part.tokens for part in net.modules() if isinstance(part, TextEncoder)]
    ids = torch.randint(1, min([MADE_UP_TOKENS, *known]), (samples, length))
    return {"ids": engine.tensor(ids), "mask": engine.tensor(torch.ones_like(ids, dtype=torch.bool))}
