"""Pictures on their way into a net: how one becomes an input, the decoded cache, batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..augment.images import ImagePreparer
from ..augment.options import ImageAugment
from ..core.finding import Finding
from ..core.recipe import Recipe
from ..core.samples import Dataset, Schema
from ..core.task import Loader
from ..data.drawing import repeated_share
from ..data.preprocess import CENTRE, Preprocess, planned_short_side
from ..engine.engine import Engine
from ..models.weights import inspect_weights
from . import picture_batches
from .image_plan import is_thumbnail

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # torchvision's reference weights


def preprocess(recipe: Recipe, schema: Schema) -> Preprocess:
    """How a picture becomes an input when nothing is left to chance."""
    size = int(recipe.model.size)
    crop = 1.0 if is_thumbnail(schema) else CENTRE
    side = planned_short_side(size, crop, int(schema.facts["height"]), int(schema.facts["width"]))
    mean, std = normalisation(recipe, schema)
    return Preprocess(size=size, crop=crop, short_side=side, mean=mean, std=std)


def normalisation(recipe: Recipe, schema: Schema) -> tuple[Any, Any]:
    """Mean and std of a stored model, else of the weights file, else the middle of the range."""
    if "mean" in schema.facts:
        return tuple(schema.facts["mean"]), tuple(schema.facts["std"])
    if recipe.model.weights is not None:
        known = inspect_weights(recipe.model.weights)
        return known.mean or IMAGENET_MEAN, known.std or IMAGENET_STD
    return (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def loader(dataset: Dataset, positions: np.ndarray, recipe: Recipe, engine: Engine, training: bool) -> Loader:
    """Batches of some samples, from the decoded cache where it fits, else from the files."""
    repeated = _repeated(dataset, positions, recipe) if training else None
    prepare = preparer(recipe, dataset, engine, repeated)
    side = preprocess(recipe, dataset.schema).short_side
    return picture_batches.batches(dataset, positions, recipe, engine, training, side, prepare)


def preparer(recipe: Recipe, dataset: Dataset, engine: Engine, repeated: np.ndarray | None = None) -> ImagePreparer:
    """What makes inputs of pictures by a resolved recipe; `repeated` as `ImagePreparer` takes it."""
    return ImagePreparer(
        options=ImageAugment(**recipe.augment),
        plain=preprocess(recipe, dataset.schema),
        seed=recipe.seed,
        classes=len(dataset.schema.classes),
        device=engine.device,
        dtype=engine.dtype if engine.precision == "bf16" else torch.float32,
        layout="channels_last" if engine.layout == "channels_last" else "contiguous",
        repeated=repeated,
    )


def _repeated(dataset: Dataset, positions: np.ndarray, recipe: Recipe) -> np.ndarray | None:
    """How many of each class's samples are repeats, where those are to be blended within their class."""
    if recipe.train.rebalance != "interpolate":
        return None
    return repeated_share(np.bincount(dataset.index.target[positions], minlength=len(dataset.schema.classes)))


def warm(
    dataset: Dataset, recipe: Recipe, sample_seconds: float, progress: Callable[[int, int], None]
) -> list[Finding]:
    """Decode the whole data set once, as far as it fits; see `picture_batches.warm`."""
    side = preprocess(recipe, dataset.schema).short_side
    return picture_batches.warm(dataset, recipe, sample_seconds, progress, side)


def remember(recipe: Recipe, schema: Schema) -> dict[str, Any]:
    """The schema's facts with mean and std of the input."""
    mean, std = normalisation(recipe, schema)
    return {**schema.facts, "mean": list(mean), "std": list(std)}
