"""Pictures and boxes on their way into a detector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..augment.box_options import BoxAugment
from ..augment.boxes import BoxPreparer
from ..core.finding import Finding
from ..core.recipe import Recipe
from ..core.samples import Dataset, Schema
from ..core.task import Loader
from ..data.boxes import Boxes
from ..data.preprocess import planned_short_side
from ..engine.engine import Engine
from ..models.hub_boxes import config_of, is_hub_name, pixel_range
from . import picture_batches
from .image_loaders import normalisation

EVALUATE_BATCH = 32  # pictures of a batch that is only answered; a detector keeps large maps


def short_side(recipe: Recipe, schema: Schema) -> int | None:
    """The short side that pictures are stored at: that of the input, which the whole picture is resized onto."""
    facts = schema.facts
    return planned_short_side(int(recipe.model.size), 1.0, int(facts["height"]), int(facts["width"]))


def loader(dataset: Dataset, positions: np.ndarray, recipe: Recipe, engine: Engine, training: bool) -> Loader:
    """Batches of some samples, from the decoded cache where it fits, else from the files."""
    mean, std = pixels_of(recipe, dataset.schema)
    prepare = BoxPreparer(
        options=BoxAugment(**recipe.augment),
        size=int(recipe.model.size),
        sizes=sizes_of(dataset),
        mean=mean,
        std=std,
        seed=recipe.seed,
        device=engine.device,
        dtype=engine.dtype if engine.precision == "bf16" else torch.float32,
        layout="channels_last" if engine.layout == "channels_last" else "contiguous",
    )
    side = short_side(recipe, dataset.schema)
    return picture_batches.batches(
        dataset, positions, recipe, engine, training, side, prepare, evaluate_batch=EVALUATE_BATCH
    )


def warm(
    dataset: Dataset, recipe: Recipe, sample_seconds: float, progress: Callable[[int, int], None]
) -> list[Finding]:
    """Decode the whole data set once, as far as it fits; see `picture_batches.warm`."""
    side = short_side(recipe, dataset.schema)
    return picture_batches.warm(dataset, recipe, sample_seconds, progress, side)


def sizes_of(dataset: Dataset) -> np.ndarray:
    """(N, 2) height and width of every picture as its boxes are measured; those of loose pictures are in hand."""
    if isinstance(dataset, Boxes):
        return dataset.sizes
    return np.array([dataset[i].shape[:2] for i in range(len(dataset))], dtype=np.int64).reshape(-1, 2)


def remember(recipe: Recipe, schema: Schema) -> dict[str, Any]:
    """The schema's facts with mean and std of the input, and what a detector of transformers is built from."""
    mean, std = pixels_of(recipe, schema)
    facts = {**schema.facts, "mean": list(mean), "std": list(std)}
    if is_hub_name(str(recipe.model.name)) and "config" not in facts:
        facts["config"] = dict(config_of(str(recipe.model.name), recipe.model.weights))
    return facts


def pixels_of(recipe: Recipe, schema: Schema) -> tuple[Any, Any]:
    """Mean and std of the input; those of a detector of transformers are its own."""
    if is_hub_name(str(recipe.model.name)) and "mean" not in schema.facts:
        weights = recipe.model.weights
        return pixel_range(weights) if weights is not None else ((0.0,) * 3, (1.0,) * 3)
    return normalisation(recipe, schema)
