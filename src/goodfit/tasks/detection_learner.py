"""What learns to find boxes: detector, loss and optimiser of a resolved recipe; trial step, cost and memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..core import randomness
from ..core.recipe import Recipe
from ..core.samples import Schema
from ..core.task import Loader
from ..engine.engine import Engine
from ..models.detector import Detector, build_detector, points, side_of
from ..models.found import fitted_answers, found_boxes
from ..models.hub_boxes import build_hub_detector, config_of, is_hub_name
from ..models.profile import memory as training_memory
from ..models.profile import profile
from ..models.torch_detectors import TORCH_DETECTORS, build_torch_detector
from ..train.box_losses import detection_loss
from ..train.learners import TorchLearner
from ..train.optim import Roles, roles_of
from .stored import rebuilt, without_weights


def learner(recipe: Recipe, schema: Schema, engine: Engine, examples: Loader | None) -> TorchLearner:
    """A learner that is ready to fit.

    Args:
        recipe: resolved.
        schema: of the data.
        engine: where to compute.
        examples: not needed.
    """
    torch.manual_seed(randomness.key(recipe.seed, 0x1417))
    net, family = build_net(recipe, schema)
    own = isinstance(net, Detector)
    return TorchLearner(
        net=net,
        family=family,
        loss=partial(detection_loss, points=_points) if own else _own_loss,
        score=None,
        engine=engine,
        train=recipe.train,
        seed=recipe.seed,
        size=int(recipe.model.size),
        decode=_found if own else _fitted,
        roles=_roles(net, recipe.model.weights is not None) if isinstance(net, Detector) else None,
        checkpoint_seconds=recipe.engine.checkpoint_seconds,
    )


def _roles(net: Detector, pretrained: bool) -> Roles:
    """Roles of a detector's parameters; a pretrained backbone moves with the offsets, at their gentler rate.

    After 3 passes over 120 pedestrian pictures, mAP was 30 so; 14 with Muon on the backbone too, 22 with AdamW on all.
    """
    roles = roles_of(net, net.head.outs)
    if not pretrained:
        return roles
    stem = {id(p) for p in net.backbone.parameters()}
    moved = [p for p in roles["kernels"] if id(p) in stem]
    kept = [p for p in roles["kernels"] if id(p) not in stem]
    return {**roles, "kernels": kept, "offsets": [*roles["offsets"], *moved]}


def build_net(recipe: Recipe, schema: Schema, filled: bool = True) -> tuple[nn.Module, str]:
    """The detector of a resolved recipe, and its family.

    Args:
        filled: whether pretrained weights are read; without them it can be weighed and counted.
    """
    name, classes = str(recipe.model.name), len(schema.classes)
    weights = recipe.model.weights if filled else None
    if is_hub_name(name):
        config = schema.facts.get("config") or config_of(name, recipe.model.weights)
        return build_hub_detector(config, weights, classes)
    if name in TORCH_DETECTORS:
        return build_torch_detector(name, classes, int(recipe.model.size), weights)
    return build_detector(name, classes, weights)


def _points(count: int, device: str) -> tuple[Tensor, Tensor]:
    return points(side_of(count), device)


def _found(outputs: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
    return found_boxes(outputs, inputs["sizes"], inputs["pixels"].shape[-1])


def _own_loss(outputs: Tensor, target: Tensor) -> Tensor:
    """A library's detector computes its loss itself: in training its outputs are that."""
    return outputs


def _fitted(outputs: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
    return fitted_answers(outputs, inputs["sizes"], inputs["pixels"].shape[-1])


def trial(recipe: Recipe, schema: Schema, samples: int) -> Callable[[Engine], Callable[[], float]]:
    """For the probe: engine -> a function that takes one training step on made-up samples and returns the loss."""

    def make_step(engine: Engine) -> Callable[[], float]:
        fitted = learner(recipe, schema, engine, None)
        side = int(recipe.model.size)
        torch.manual_seed(0)
        dtype = engine.dtype if engine.precision == "bf16" else torch.float32
        target = engine.tensor(made_up_boxes(samples, side, len(schema.classes), int(schema.facts.get("boxes", 8))))
        inputs = {
            "pixels": engine.tensor(torch.randn(samples, 3, side, side).to(dtype)),
            "sizes": torch.full((samples, 2), float(side)),
            "target": target,
        }
        return fitted.trial(inputs, target)

    return make_step


def made_up_boxes(samples: int, side: int, classes: int, boxes: int) -> Tensor:
    """(samples, boxes, 6) boxes of a fifth of the side anywhere."""
    boxes = max(1, boxes)
    corner = torch.rand(samples, boxes, 2) * 0.8 * side
    label = (torch.arange(samples * boxes) % classes).reshape(samples, boxes, 1).float()
    return torch.cat([label, corner, corner + 0.2 * side, torch.zeros(samples, boxes, 1)], dim=2)


def rebuild(tree: Mapping[str, Any], engine: Engine) -> tuple[TorchLearner, Recipe, Schema]:
    """Learner (weights still to be loaded), recipe and schema of a stored model."""
    return rebuilt(tree, lambda recipe, schema: learner(without_weights(recipe), schema, engine, None))


def cost(recipe: Recipe, schema: Schema, engine: Engine) -> Mapping[str, float]:
    """parameters, macs, size_bytes, latency_ms (without the suppression of doubles) and memory_mb of training."""
    net, _ = build_net(recipe, schema, filled=False)
    side = int(recipe.model.size)
    return profile(
        net, torch.zeros(1, 3, side, side), engine, int(recipe.train.batch_size), str(recipe.train.optimizer)
    ).as_dict()


def memory(recipe: Recipe, schema: Schema, engine: Engine) -> Callable[[int], float]:
    """Samples a step -> predicted training memory in MB."""
    net = engine.place(build_net(recipe, schema, filled=False)[0])
    side = int(recipe.model.size)
    example = engine.tensor(torch.zeros(1, 3, side, side))
    one, two = (training_memory(net, example, engine, n, str(recipe.train.optimizer)) for n in (1, 2))
    return lambda samples: one + (two - one) * (samples - 1)
