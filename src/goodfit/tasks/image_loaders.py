"""Pictures on their way into a net: how one becomes an input, the decoded cache, batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..augment.images import ImagePreparer
from ..augment.options import ImageAugment
from ..core.finding import Finding
from ..core.processes import usable_cores
from ..core.recipe import Recipe
from ..core.samples import Dataset, Schema
from ..core.task import Loader
from ..data.cache import build_cache, would_fit
from ..data.decoded import DecodedCache
from ..data.loader import CachedLoader, StreamLoader, decode_rate, workers_needed
from ..data.preprocess import CENTRE, Preprocess, planned_short_side
from ..engine.cachefolder import cache_folder
from ..engine.engine import Engine
from ..models.weights import inspect_weights
from .image_plan import is_thumbnail

EVALUATE_BATCH = 500
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
    plain = preprocess(recipe, dataset.schema)
    options = ImageAugment(**recipe.augment)
    prepare = ImagePreparer(
        options=options,
        plain=plain,
        seed=recipe.seed,
        classes=len(dataset.schema.classes),
        device=engine.device,
        dtype=engine.dtype if engine.precision == "bf16" else torch.float32,
        layout="channels_last" if engine.layout == "channels_last" else "contiguous",
    )
    batch = int(recipe.train.batch_size)
    shared: dict[str, Any] = {
        "batch_size": batch if training else max(1, min(EVALUATE_BATCH, batch * 4)),
        "seed": recipe.seed,
        "training": training,
        "prepare": prepare,
    }
    cache = _decoded(dataset, plain, recipe)
    if cache is not None:
        return CachedLoader(cache, dataset.index.target, positions, **shared)
    workers = recipe.engine.workers
    if workers == "auto":
        workers = _WORKERS.get((dataset.fingerprint, plain.short_side), _unplanned_workers(dataset, engine))
    return StreamLoader(dataset, positions, short_side=plain.short_side, workers=workers, **shared)


# Of this process, by data and stored side; the workers are those of the plan that `warm` saw last.
_CACHES: dict[tuple[str, int | None], DecodedCache] = {}
_RATES: dict[tuple[str, int | None], float] = {}
_WORKERS: dict[tuple[str, int | None], int] = {}


def warm(
    dataset: Dataset, recipe: Recipe, sample_seconds: float, progress: Callable[[int, int], None]
) -> list[Finding]:
    """Decode the whole data set once, as far as it fits; else find out how many processes must decode beside training.

    Args:
        dataset: the samples.
        recipe: resolved.
        sample_seconds: predicted time of training on one sample.
        progress: called with (pictures done, pictures in all).
    Returns: a Finding where it does not fit and is streamed, and one where files could not be decoded.
    """
    plain = preprocess(recipe, dataset.schema)
    if recipe.engine.loader == "stream":
        _note_workers(dataset, plain, recipe, sample_seconds)
        return []
    if (dataset.fingerprint, plain.short_side) in _CACHES:
        return []
    folder = cache_folder() / "decoded"
    cap = None if recipe.engine.cache_mb == "auto" else float(recipe.engine.cache_mb)
    everything = np.arange(len(dataset))
    room = would_fit(dataset, everything, plain.short_side, folder, cap)
    if recipe.engine.loader == "auto" and not room.fits:
        _note_workers(dataset, plain, recipe, sample_seconds)
        numbers = {"expected_mb": room.expected_mb, "cap_mb": room.cap_mb}
        return [Finding(code="GF-P005", severity="warning", numbers=numbers)]
    cache = build_cache(dataset, everything, plain.short_side, folder, cap, progress=progress)
    _CACHES[(dataset.fingerprint, plain.short_side)] = cache
    if not cache.failed:
        return []
    names = tuple(str(dataset.index.id[p]) for p in cache.failed)
    return [Finding(code="GF-P006", severity="warning", numbers={"n": len(names)}, ids=names)]


def _note_workers(dataset: Dataset, plain: Preprocess, recipe: Recipe, sample_seconds: float) -> None:
    """Decoding processes that keep up with this recipe's training, by the rate of one core, measured once."""
    if recipe.engine.workers != "auto":
        return
    key = (dataset.fingerprint, plain.short_side)
    if key not in _RATES:
        _RATES[key] = decode_rate(dataset, np.arange(len(dataset)), plain.short_side)
    on_cpu = recipe.engine.device == "cpu"
    _WORKERS[key] = workers_needed(1 / max(sample_seconds, 1e-9), _RATES[key], usable_cores(), on_cpu)


def _unplanned_workers(dataset: Dataset, engine: Engine) -> int:
    """Decoding processes where no plan was made, as in `evaluate`: one beside a network on the same cores, else all."""
    if not (dataset.index.where != "").any():  # samples in memory
        return 0
    return 1 if engine.device == "cpu" else usable_cores()


def _decoded(dataset: Dataset, plain: Preprocess, recipe: Recipe) -> DecodedCache | None:
    """The decoded cache that `warm` made, if it made one."""
    return None if recipe.engine.loader == "stream" else _CACHES.get((dataset.fingerprint, plain.short_side))


def remember(recipe: Recipe, schema: Schema) -> dict[str, Any]:
    """The schema's facts with mean and std of the input."""
    mean, std = normalisation(recipe, schema)
    return {**schema.facts, "mean": list(mean), "std": list(std)}
