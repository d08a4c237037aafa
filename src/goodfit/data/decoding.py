"""Decode many samples in parallel, in order, so that one bad file costs that file and nothing else.

Worker processes die with their parent; a file that kills its worker is found by decoding its chunk one by one.
"""

from __future__ import annotations

import ctypes
import math
import os
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np

from ..core.errors import DataError, GoodfitError
from ..core.samples import Dataset

Change = Callable[[np.ndarray], np.ndarray]
SAMPLED = 16  # pictures decoded to foretell the size of all
CHUNK_BYTES = 4 << 20  # one message between processes; large enough to hide its cost, small enough to keep all busy
_BAD = (GoodfitError, OSError, ValueError, EOFError, SyntaxError, MemoryError)  # Pillow raises all of these
_FORKS = sys.platform.startswith("linux")  # elsewhere a child would import the user's script again: threads serve


@dataclass(frozen=True)
class Chunk:
    """Samples decoded together.

    Attributes:
        positions: (C,) int64, as asked.
        images: one (H, W, 3) uint8 array a position, None where it could not be decoded.
        faults: position -> what was wrong, one of the words that a scan uses.
    """

    positions: np.ndarray
    images: list[np.ndarray | None]
    faults: Mapping[int, str]


class DecodePool:
    """Decodes chunks of a data set in order; the result does not depend on the number of workers.

    Args:
        dataset: what to decode.
        change: applied to each picture where it was decoded, for example `Preprocess.stored`.
        workers: processes (threads where the system cannot fork); 0 = in this thread.
    """

    def __init__(self, dataset: Dataset, change: Change, workers: int) -> None:
        self.dataset, self.change, self.workers = dataset, change, workers
        self._pool: Executor | None = None

    def stream(self, chunks: Iterable[np.ndarray]) -> Iterator[Chunk]:
        """The chunks, decoded, in the order given; a few are decoded ahead."""
        if self.workers == 0:
            yield from (decode(self.dataset, self.change, chunk) for chunk in chunks)
            return
        waiting: deque[tuple[np.ndarray, Future[Chunk]]] = deque()
        source = iter(chunks)
        try:
            while True:
                while len(waiting) < 2 * self.workers + 2 and (chunk := next(source, None)) is not None:
                    waiting.append((chunk, self._submit(chunk)))
                if not waiting:
                    return
                yield self._collect(waiting)
        finally:
            for _, future in waiting:
                future.cancel()

    def start(self) -> None:
        """Start the workers now, from the calling thread: best the main one, whose end they notice at once."""
        if self.workers:
            self._submit(np.empty(0, np.int64))

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _collect(self, waiting: deque[tuple[np.ndarray, Future[Chunk]]]) -> Chunk:
        chunk, future = waiting.popleft()
        try:
            return future.result()
        except BrokenProcessPool:
            self.close()
            decoded = self._one_by_one(chunk)
            again = [(c, f if _fine(f) else self._submit(c)) for c, f in waiting]
            waiting.clear()
            waiting.extend(again)
            return decoded

    def _submit(self, chunk: np.ndarray) -> Future[Chunk]:
        for _ in range(2):
            if self._pool is None:
                self._pool = self._start(self.workers)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: the child only decodes
                    return (
                        self._pool.submit(_work, chunk)
                        if _FORKS
                        else self._pool.submit(decode, self.dataset, self.change, chunk)
                    )
            except BrokenProcessPool:
                self.close()
        raise DataError("decoding processes cannot be started", do="set engine.workers=0")

    def _start(self, workers: int) -> Executor:
        if not _FORKS:
            return ThreadPoolExecutor(workers)
        import multiprocessing

        by_signal = threading.current_thread() is threading.main_thread()  # the signal comes when the thread ends
        job = (self.dataset, self.change, os.getpid(), by_signal)
        return ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), initializer=_enter, initargs=job)

    def _one_by_one(self, chunk: np.ndarray) -> Chunk:
        images: list[np.ndarray | None] = []
        faults: dict[int, str] = {}
        for position in chunk:
            pool = self._start(1)
            try:
                alone = pool.submit(_work, np.array([position])).result()
                images += alone.images
                faults.update(alone.faults)
            except BrokenProcessPool:
                images.append(None)
                faults[int(position)] = "crashed"
            finally:
                pool.shutdown(wait=True)
        return Chunk(chunk, images, faults)


def decode(dataset: Dataset, change: Change, positions: np.ndarray) -> Chunk:
    """Decode some samples in this thread; a bad one becomes a fault, never a made-up picture."""
    images: list[np.ndarray | None] = []
    faults: dict[int, str] = {}
    for position in positions:
        try:
            images.append(_checked(change(dataset[int(position)])))
        except _BAD as error:
            images.append(None)
            faults[int(position)] = getattr(error, "fault", "unreadable")
    return Chunk(positions, images, faults)


def chunks_of(positions: np.ndarray, each_bytes: float, workers: int = 1) -> Iterator[np.ndarray]:
    """Positions cut into pieces of about CHUNK_BYTES, at least one a worker.

    Args:
        each_bytes: expected size of one decoded sample.
    """
    fair = math.ceil(len(positions) / max(1, workers))
    step = max(1, min(int(CHUNK_BYTES / max(each_bytes, 1.0)), fair))
    for start in range(0, len(positions), step):
        yield positions[start : start + step]


def sample_bytes(dataset: Dataset, change: Change, positions: np.ndarray) -> float:
    """Mean bytes of a decoded picture, from SAMPLED spread evenly; 0 where none of them can be decoded."""
    images = decode(dataset, change, np.asarray(positions)[evenly(len(positions), SAMPLED)]).images
    sizes = [image.size for image in images if image is not None]
    return float(np.mean(sizes)) if sizes else 0.0


def evenly(n: int, wanted: int) -> np.ndarray:
    """At most `wanted` different places in range(n), spread evenly."""
    return np.unique(np.linspace(0, n - 1, min(n, wanted)).round().astype(np.int64)) if n else np.empty(0, np.int64)


def _checked(image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"decoded to {image.dtype} of shape {image.shape}, not (H, W, 3) uint8")
    return image


def _fine(future: Future[Chunk]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


_job: tuple[Dataset, Change] | None = None  # of a worker process, set once at its start


def _enter(dataset: Dataset, change: Change, parent: int, by_signal: bool) -> None:
    global _job
    _job = (dataset, change)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if by_signal:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: no orphan keeps the run folder's lock
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def _work(positions: np.ndarray) -> Chunk:
    assert _job is not None
    return decode(*_job, positions)
