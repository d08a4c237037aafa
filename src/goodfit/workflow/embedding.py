"""What the head of a pretrained network sees of every sample, once for all questions of an audit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..core.recipe import Recipe
from ..core.telling import Tell
from ..engine.engine import Engine
from ..engine.hardware import has_fast_bf16
from .prepare import Prepared
from .watch import watched


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """Features of the samples that could be read.

    Attributes:
        features: (M, D) float32.
        positions: (M,) int64 in the usable data set.
    """

    features: np.ndarray
    positions: np.ndarray


def embedded(asked: Recipe, data: Prepared, tell: Tell) -> Embedding | None:
    """Features by the network that `model.weights` names; None where none is named or the task knows none."""
    task, schema = data.task, data.schema
    if task.embed is None or asked.model.weights is None:
        return None
    recipe, _ = task.settle(asked, schema, data.counts)
    engine = _engine(recipe)
    tell("stage", name="labels")
    task.warm(data.dataset, recipe, 0.0, watched(tell, "decode", lambda: float("inf")))
    loader = task.loader(data.dataset, np.arange(len(data.dataset)), recipe, engine, False)
    seen = task.embed(recipe, schema, engine, loader, watched(tell, "embed", lambda: float("inf")))
    return Embedding(features=seen, positions=loader.positions)


def _engine(recipe: Recipe) -> Engine:
    """Where features are computed: in bf16 where the processor is really faster in it and nobody asked otherwise."""
    start = Engine.start(recipe.engine)
    asked = "precision" in start.settled or start.kind != "cpu"
    return start if asked or not has_fast_bf16() else replace(start, precision="bf16", layout="channels_last")
