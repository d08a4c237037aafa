"""Decoded pictures on their way into batches, whatever is made of them: the cache of this process, or streaming."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.finding import Finding
from ..core.processes import usable_cores
from ..core.recipe import Recipe
from ..core.samples import Dataset
from ..core.task import Loader
from ..data.cache import build_cache, would_fit
from ..data.decoded import DecodedCache
from ..data.loader import CachedLoader, Prepare, StreamLoader, decode_rate, workers_needed
from ..engine.cachefolder import cache_folder
from ..engine.engine import Engine

EVALUATE_BATCH = 500


def batches(
    dataset: Dataset,
    positions: np.ndarray,
    recipe: Recipe,
    engine: Engine,
    training: bool,
    short_side: int | None,
    prepare: Prepare,
    evaluate_batch: int = EVALUATE_BATCH,
) -> Loader:
    """Batches of some samples, from the decoded cache where it fits, else from the files.

    Args:
        short_side: pictures are stored with their short side at most this; None = as decoded.
        prepare: pixels and targets to tensors.
        evaluate_batch: most samples of a batch that is not trained on.
    """
    batch = int(recipe.train.batch_size)
    shared: dict[str, Any] = {
        "batch_size": batch if training else max(1, min(evaluate_batch, batch * 4)),
        "seed": recipe.seed,
        "training": training,
        "prepare": prepare,
        "rebalance": recipe.train.rebalance,
    }
    cache = None if recipe.engine.loader == "stream" else _CACHES.get((dataset.fingerprint, short_side))
    if cache is not None:
        return CachedLoader(cache, dataset.index.target, positions, **shared)
    workers = recipe.engine.workers
    if workers == "auto":
        workers = _WORKERS.get((dataset.fingerprint, short_side), _unplanned_workers(dataset, engine))
    return StreamLoader(dataset, positions, short_side=short_side, workers=workers, **shared)


# Of this process, by data and stored side; the workers are those of the plan that `warm` saw last.
_CACHES: dict[tuple[str, int | None], DecodedCache] = {}
_RATES: dict[tuple[str, int | None], float] = {}
_WORKERS: dict[tuple[str, int | None], int] = {}


def warm(
    dataset: Dataset,
    recipe: Recipe,
    sample_seconds: float,
    progress: Callable[[int, int], None],
    short_side: int | None,
) -> list[Finding]:
    """Decode the whole data set once, as far as it fits; else find out how many processes must decode beside training.

    Args:
        dataset: the samples.
        recipe: resolved.
        sample_seconds: predicted time of training on one sample.
        progress: called with (pictures done, pictures in all).
        short_side: as for `batches`.
    Returns: a Finding where it does not fit and is streamed, and one where files could not be decoded.
    """
    if recipe.engine.loader == "stream":
        _note_workers(dataset, short_side, recipe, sample_seconds)
        return []
    if (dataset.fingerprint, short_side) in _CACHES:
        return []
    folder = cache_folder() / "decoded"
    cap = None if recipe.engine.cache_mb == "auto" else float(recipe.engine.cache_mb)
    everything = np.arange(len(dataset))
    room = would_fit(dataset, everything, short_side, folder, cap)
    if recipe.engine.loader == "auto" and not room.fits:
        _note_workers(dataset, short_side, recipe, sample_seconds)
        numbers = {"expected_mb": room.expected_mb, "cap_mb": room.cap_mb}
        return [Finding(code="GF-P005", severity="warning", numbers=numbers)]
    cache = build_cache(dataset, everything, short_side, folder, cap, progress=progress)
    _CACHES[(dataset.fingerprint, short_side)] = cache
    if not cache.failed:
        return []
    names = tuple(str(dataset.index.id[p]) for p in cache.failed)
    return [Finding(code="GF-P006", severity="warning", numbers={"n": len(names)}, ids=names)]


def _note_workers(dataset: Dataset, short_side: int | None, recipe: Recipe, sample_seconds: float) -> None:
    """Decoding processes that keep up with this recipe's training, by the rate of one core, measured once."""
    if recipe.engine.workers != "auto":
        return
    key = (dataset.fingerprint, short_side)
    if key not in _RATES:
        _RATES[key] = decode_rate(dataset, np.arange(len(dataset)), short_side)
    on_cpu = recipe.engine.device == "cpu"
    _WORKERS[key] = workers_needed(1 / max(sample_seconds, 1e-9), _RATES[key], usable_cores(), on_cpu)


def _unplanned_workers(dataset: Dataset, engine: Engine) -> int:
    """Decoding processes where no plan was made, as in `evaluate`: one beside a network on the same cores, else all."""
    if not (dataset.index.where != "").any():  # samples in memory
        return 0
    return 1 if engine.device == "cpu" else usable_cores()
