"""Batches from the decoded cache or straight from the files, in an order that depends on (seed, epoch) alone.

What happens to the pixels is handed in as `prepare`; a loader knows only which samples, in which order, and when.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..core import randomness
from ..core.errors import DataError, UsageError
from ..core.samples import Dataset
from ..core.task import Batch
from .decoded import Images
from .decoding import DecodePool, chunks_of, decode, evenly, sample_bytes
from .drawing import Draw, draw_of
from .preprocess import shrinker

ORDER = 0  # stream of core.randomness used for the shuffle


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a batch is made: all that randomness may depend on.

    Attributes:
        epoch: number of the epoch from 0.
        places: (B,) int64 places in the epoch's order.
        positions: (B,) int64 positions in the data set.
        size: side of the inputs, 0 = the planned one.
        training: augment; else the plain view.
    """

    epoch: int
    places: np.ndarray
    positions: np.ndarray
    size: int
    training: bool


class Prepare(Protocol):
    """Turns decoded samples and their targets into what network and loss take, on the device."""

    def __call__(self, images: Any, target: np.ndarray, moment: Moment) -> tuple[Any, Any]: ...


class Source(Protocol):
    """Where decoded samples come from: a DecodedCache, or one that lives on the device."""

    def has(self, positions: np.ndarray) -> np.ndarray: ...

    def gather(self, positions: np.ndarray) -> Any: ...


class _Order:
    """Which samples stand in which batch, as core.task.Loader promises it."""

    def __init__(
        self,
        positions: np.ndarray,
        batch_size: int,
        seed: int,
        training: bool,
        shard: tuple[int, int],
        draw: Draw | None = None,
    ) -> None:
        self._draw = draw
        self.positions = np.asarray(positions, dtype=np.int64)
        if not len(self.positions):
            raise DataError("no sample is left to load", do="look at the audit: every file of this part failed")
        self.batch_size = max(1, min(batch_size, len(self.positions)))
        self.seed, self.training, self.shard = seed, training, shard
        if not 0 <= shard[0] < shard[1] or self.batch_size < shard[1]:
            raise UsageError(
                "a batch cannot be shared out so",
                got=f"{self.batch_size} samples over {shard[1]} processes",
                do="raise train.batch_size",
            )
        whole = len(self.positions) / self.batch_size
        self.steps_per_epoch = math.floor(whole) if training else math.ceil(whole)

    def __len__(self) -> int:
        return self.steps_per_epoch * self.batch_size if self.training else len(self.positions)

    def batches(self, epoch: int, start: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(places, positions) of each batch of this process from batch `start` on."""
        n = len(self.positions)
        order = self._shuffled(epoch) if self.training else np.arange(n)
        rank, world = self.shard
        for step in range(start, self.steps_per_epoch):
            places = np.arange(step * self.batch_size, min((step + 1) * self.batch_size, n))
            if world > 1:
                places = np.array_split(places, world)[rank]
            yield places, self.positions[order[places]]

    def _shuffled(self, epoch: int) -> np.ndarray:
        if self._draw is not None:
            return self._draw.order(epoch)
        return randomness.permutation(self.seed, epoch, len(self.positions), ORDER)


class _Loader:
    """What both loaders share: order, the clock, and batches made ahead by a thread.

    Attributes:
        batch_size: samples a step; smaller than asked where there are fewer samples.
        steps_per_epoch: batches in one pass.
        failed: position in the data set -> what was wrong, of samples that could not be read when their turn came; they
            are left out of their batches from then on, so that all passes of a loader agree on `positions`.
        wait_seconds: time that the consumer has waited for batches so far.
        parts: 1, a batch is a batch.
    """

    parts = 1

    def __init__(self, targets: np.ndarray, order: _Order, prepare: Prepare, prefetch: int) -> None:
        self.targets, self.prepare, self.prefetch, self._order = targets, prepare, prefetch, order
        self.batch_size, self.steps_per_epoch = order.batch_size, order.steps_per_epoch
        self.failed: dict[int, str] = {}
        self.wait_seconds = 0.0

    def __len__(self) -> int:
        return len(self._order)

    @property
    def positions(self) -> np.ndarray:
        """(N,) positions in the data set that a plain pass yields, in its order."""
        return self._order.positions[~np.isin(self._order.positions, list(self.failed))]

    def epoch(self, number: int, start: int = 0, size: int = 0) -> Iterator[Batch]:
        """Batches of epoch `number` from batch `start` on, inputs of side `size` (0 = the planned one)."""
        self._start()
        made = self._made(number, start, size)
        with closing(ahead(made, self.prefetch) if self.prefetch else made) as batches:  # type: ignore[type-var]
            while True:
                began = time.perf_counter()
                batch = next(batches, None)
                self.wait_seconds += time.perf_counter() - began
                if batch is None:
                    return
                yield batch

    def close(self) -> None:
        """Give back what the loader holds; it can be used again."""

    def _start(self) -> None:
        """What must happen in the calling thread before batches are made ahead."""

    def _made(self, number: int, start: int, size: int) -> Generator[Batch, None, None]:
        raise NotImplementedError

    def _batch(self, images: Any, epoch: int, places: np.ndarray, positions: np.ndarray, size: int) -> Batch:
        moment = Moment(epoch=epoch, places=places, positions=positions, size=size, training=self._order.training)
        inputs, target = self.prepare(images, self.targets[positions], moment)
        return Batch(inputs=inputs, target=target, positions=positions)


class CachedLoader(_Loader):
    """Batches from decoded pictures. Samples that the cache could not decode are left out from the start.

    Args:
        cache: a DecodedCache, or `augment.images.on_device` of one.
        targets: the data set's whole target column.
        positions: (N,) int64 positions to serve.
        batch_size: samples a step, over all processes.
        seed: the recipe's seed.
        training: shuffle, augment, drop the last short batch; else keep order and all samples.
        prepare: pixels and targets to tensors.
        prefetch: batches made ahead by a thread; worth it where the network runs on another device.
        shard: (rank, world) of this process; each takes its part of every batch.
        rebalance: the recipe's `train.rebalance`; decides how often each class is shown in training.
    Raises: DataError if no sample is left.
    """

    def __init__(
        self,
        cache: Source,
        targets: np.ndarray,
        positions: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        training: bool,
        prepare: Prepare,
        prefetch: int = 0,
        shard: tuple[int, int] = (0, 1),
        rebalance: str = "none",
    ) -> None:
        positions = np.asarray(positions, dtype=np.int64)
        held = positions[cache.has(positions)]
        draw = draw_of(targets[held], rebalance, seed) if training else None
        super().__init__(targets, _Order(held, batch_size, seed, training, shard, draw), prepare, prefetch)
        self.cache = cache

    def _made(self, number: int, start: int, size: int) -> Generator[Batch, None, None]:
        for places, positions in self._order.batches(number, start):
            yield self._batch(self.cache.gather(positions), number, places, positions, size)


class StreamLoader(_Loader):
    """Batches decoded from the files each epoch, for sets that do not fit; the same batches as CachedLoader gives.

    A file that cannot be read when its turn comes is left out of its batch and noted in `failed`; the others of the
    batch are what they would have been.

    Args:
        dataset: decodes the samples.
        short_side: as for the cache; pictures are shrunk where they are decoded.
        workers: decoding processes; 0 = in this thread. The batches do not depend on it.
        others: as for CachedLoader.
    Raises: DataError if no sample is left; while iterating, if every file of a batch failed.
    """

    def __init__(
        self,
        dataset: Dataset,
        positions: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        training: bool,
        prepare: Prepare,
        short_side: int | None = None,
        workers: int = 0,
        prefetch: int = 0,
        shard: tuple[int, int] = (0, 1),
        rebalance: str = "none",
    ) -> None:
        positions = np.asarray(positions, dtype=np.int64)
        draw = draw_of(dataset.index.target[positions], rebalance, seed) if training else None
        order = _Order(positions, batch_size, seed, training, shard, draw)
        super().__init__(dataset.index.target, order, prepare, prefetch)
        self._pool = DecodePool(dataset, shrinker(short_side), workers)
        self._each = sample_bytes(dataset, shrinker(short_side), order.positions)

    def close(self) -> None:
        """End the decoding processes; they start again with the next epoch."""
        self._pool.close()

    def _start(self) -> None:
        self._pool.start()

    def _made(self, number: int, start: int, size: int) -> Generator[Batch, None, None]:
        plans = list(self._order.batches(number, start))
        cut = [list(chunks_of(positions, self._each, self._pool.workers)) for _, positions in plans]
        with closing(self._pool.stream(chunk for chunks in cut for chunk in chunks)) as decoded:  # type: ignore[type-var]
            for (places, positions), chunks in zip(plans, cut, strict=True):
                images: list[np.ndarray | None] = []
                for _ in chunks:
                    chunk = next(decoded)
                    images += chunk.images
                    self.failed.update(chunk.faults)
                kept = np.array([int(position) not in self.failed for position in positions])
                yield self._batch(_present(images, kept), number, places[kept], positions[kept], size)


def ahead(items: Generator[Any, None, None], depth: int) -> Iterator[Any]:
    """The same items, `depth` of them made early by a thread; its errors are raised here. No item may be None."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="goodfit-batches")
    waiting = deque(thread.submit(next, items, None) for _ in range(depth))
    try:
        while (item := waiting.popleft().result()) is not None:
            waiting.append(thread.submit(next, items, None))
            yield item
    finally:
        thread.shutdown(wait=True, cancel_futures=True)
        items.close()


def decode_rate(dataset: Dataset, positions: np.ndarray, short_side: int | None = None, samples: int = 32) -> float:
    """Samples that one core decodes in a second, measured on some spread evenly."""
    chosen = np.asarray(positions)[evenly(len(positions), samples)]
    began = time.perf_counter()
    decode(dataset, shrinker(short_side), chosen)
    return len(chosen) / max(time.perf_counter() - began, 1e-9)


def workers_needed(samples_per_second: float, rate: float, cores: int, on_cpu: bool) -> int:
    """Decoding processes that keep up with training.

    Args:
        samples_per_second: what the network consumes.
        rate: what one core decodes, from `decode_rate`.
        cores: usable cores.
        on_cpu: the network computes on the same cores, so that workers beyond need only slow it down.
    Returns: 0 (decode in the main thread) to `cores`.
    """
    needed = samples_per_second / rate
    if on_cpu:
        return 0 if needed < 0.05 else min(cores, math.ceil(needed))
    return max(1, min(cores, math.ceil(1.5 * needed)))  # half as much again: batches come unevenly


def _present(images: list[np.ndarray | None], kept: np.ndarray) -> Images:
    """The pictures that are kept, as one array where they are of one shape."""
    present = [image for image, keep in zip(images, kept, strict=True) if keep and image is not None]
    if not present:
        raise DataError(
            "every file of a batch could not be read", do="check the disk or the network share, then repeat the command"
        )
    return np.stack(present) if all(image.shape == present[0].shape for image in present) else present
