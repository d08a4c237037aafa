"""Decode a data set once: one uint8 blob, memory-mapped, with a table of offsets and shapes.

A cache is a folder that may be deleted at any time: it is keyed by what it was made from, and made again when absent.
Samples that are held in memory already get no file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.files import fsync_folder, write_json
from ..core.processes import is_alive, usable_cores
from ..core.samples import Dataset
from .decoded import FORMAT, DecodedCache, Table, open_cache
from .decoding import Chunk, DecodePool, chunks_of, decode, evenly, sample_bytes
from .preprocess import shrinker

SPOT_CHECKS = 32  # pictures decoded again when a cache is reused, so that changed content cannot go unseen
ALONE = 64 << 20  # bytes that one process decodes before workers would have started to pay

Progress = Callable[[int, int], None]


class CacheDoesNotFit(DataError):
    """Give more room (`engine.cache_mb`, disk), or let the data stream with `engine.loader=stream`."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """Whether a decoded cache would fit, and the numbers behind it.

    Attributes:
        fits: expected size is within the cap and leaves half of the free disk.
        expected_mb: foretold from a few samples.
        cap_mb: the cap asked for, or half of the free disk.
        in_memory: the samples are arrays already, so that no file is made.
    """

    fits: bool
    expected_mb: float
    cap_mb: float
    in_memory: bool


def would_fit(
    dataset: Dataset, positions: np.ndarray, short_side: int | None, folder: Path, size_cap_mb: float | None = None
) -> Room:
    """Foretell the size of the cache from a few pictures, and compare it with the room there is.

    Args:
        positions: (M,) int64 positions to be cached.
        short_side: largest short side stored; None = as decoded.
        folder: where the cache would lie.
        size_cap_mb: largest size allowed; None = half of the free disk.
    """
    free_mb = shutil.disk_usage(_existing(folder)).free / 2**20
    cap = free_mb / 2 if size_cap_mb is None else min(size_cap_mb, free_mb / 2)
    expected = sample_bytes(dataset, shrinker(short_side), positions) * len(positions) / 2**20
    in_memory = _in_memory(dataset, positions)
    return Room(fits=in_memory or expected <= cap, expected_mb=expected, cap_mb=cap, in_memory=in_memory)


def build_cache(
    dataset: Dataset,
    positions: np.ndarray,
    short_side: int | None,
    folder: Path,
    size_cap_mb: float | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> DecodedCache:
    """Decode the samples at `positions`, or take the cache that an earlier call left.

    Args:
        positions: (M,) int64, each once.
        short_side: pictures larger than this are stored shrunk, antialiased; None = as decoded.
        folder: the cache folder; this cache is one folder in it.
        size_cap_mb: largest size of the blob; None = no cap but the disk.
        workers: decoding processes; None = as many as pay.
        progress: called with (samples done, samples in all).
    Raises: CacheDoesNotFit if the cap or the disk is too small (nothing is left behind).
    """
    positions = np.asarray(positions, dtype=np.int64)
    maker = _Maker(dataset, positions, short_side, workers, progress or (lambda done, total: None))
    if _in_memory(dataset, positions):
        return maker.in_memory()
    home = folder / f"decoded-{maker.key()}"
    if (found := maker.reopen(home)) is not None:
        maker.progress(len(positions), len(positions))
        return found
    return maker.on_disk(home, size_cap_mb)


@dataclass(frozen=True)
class _Maker:
    """One call of `build_cache`: what is to be decoded, and how."""

    dataset: Dataset
    positions: np.ndarray
    short_side: int | None
    workers: int | None
    progress: Progress

    def change(self, image: np.ndarray) -> np.ndarray:
        return shrinker(self.short_side)(image)

    def again(self, position: int) -> np.ndarray | None:
        return decode(self.dataset, self.change, np.array([position])).images[0]

    def key(self) -> str:
        """Hex digest of each sample's id, file, size and time of change, and of the side."""
        digest = hashlib.blake2b(repr((FORMAT, self.short_side, len(self.positions))).encode(), digest_size=12)
        index = self.dataset.index
        for position in self.positions:
            where = str(index.where[position])
            digest.update(
                f"{position}\0{index.id[position]}\0{where}\0{_stamp(where)}\n".encode("utf-8", "surrogatepass")
            )
        return digest.hexdigest()

    def in_memory(self) -> DecodedCache:
        pieces, table, failed = list[np.ndarray](), Table(), dict[int, str]()
        for chunk in self._decoded():
            pieces += table.add(chunk)
            failed.update(chunk.faults)
        blob = np.concatenate([piece.reshape(-1) for piece in pieces]) if pieces else np.empty(0, np.uint8)
        return DecodedCache(blob, table.array(), failed, self.again)

    def on_disk(self, home: Path, size_cap_mb: float | None) -> DecodedCache:
        home.parent.mkdir(parents=True, exist_ok=True)
        _sweep(home.parent)
        draft = home.with_name(f".{home.name}.{os.getpid()}.tmp")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            shutil.rmtree(home, ignore_errors=True)
            draft.mkdir()
            self._write(draft, size_cap_mb)
            os.replace(draft, home)
        except OSError as error:
            if (found := open_cache(home, self.again)) is not None:  # another process was faster
                return found
            raise CacheDoesNotFit(
                "the decoded cache cannot be written",
                got=error.strerror,
                where=home.parent,
                do="make room, or set engine.loader=stream",
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        fsync_folder(home.parent)
        made = open_cache(home, self.again)
        if made is None:
            raise CacheDoesNotFit("the decoded cache vanished while it was made", where=home, do="repeat the command")
        made.reused = False
        return made

    def reopen(self, home: Path) -> DecodedCache | None:
        """The cache in `home` if its files are whole and a few samples still decode to the same bytes."""
        found = open_cache(home, self.again)
        if found is None:
            return None
        probes = found.positions[evenly(len(found), SPOT_CHECKS)]
        for position in [*probes.tolist(), *list(found.failed)[:SPOT_CHECKS]]:
            picture = self.again(position)
            stored = None if position in found.failed else found.gather(np.array([position]))[0]
            same = picture is stored if picture is None or stored is None else np.array_equal(picture, stored)
            if not same:
                return None
        return found

    def _write(self, draft: Path, size_cap_mb: float | None) -> None:
        table, failed = Table(), dict[int, str]()
        with open(draft / "pixels.u8", "wb") as file:
            for chunk in self._decoded():
                for picture in table.add(chunk):
                    file.write(np.ascontiguousarray(picture).data)
                failed.update(chunk.faults)
                if size_cap_mb is not None and table.bytes > size_cap_mb * 2**20:
                    raise CacheDoesNotFit(
                        "the decoded pictures need more room than allowed",
                        got=f"more than {size_cap_mb:.0f} MB",
                        do="raise engine.cache_mb or set engine.loader=stream",
                    )
            _sync(file)
        with open(draft / "table.npy", "wb") as file:
            np.save(file, table.array(), allow_pickle=False)
            _sync(file)
        write_json(
            draft / "about.json",
            {"format": FORMAT, "bytes": table.bytes, "failed": {str(p): f for p, f in failed.items()}},
        )

    def _decoded(self) -> Iterator[Chunk]:
        each = sample_bytes(self.dataset, self.change, self.positions)
        workers = self.workers
        if workers is None:
            small = each * len(self.positions) < ALONE or _in_memory(self.dataset, self.positions)
            workers = 0 if small else usable_cores()
        pool, done = DecodePool(self.dataset, self.change, workers), 0
        try:
            for chunk in pool.stream(chunks_of(self.positions, each, workers)):
                yield chunk
                done += len(chunk.positions)
                self.progress(done, len(self.positions))
        finally:
            pool.close()


def _stamp(where: str) -> str:
    try:
        stat = os.stat(where)
    except (OSError, ValueError):
        return "absent"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _in_memory(dataset: Dataset, positions: np.ndarray) -> bool:
    return not any(dataset.index.where[position] for position in positions)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _sweep(folder: Path) -> None:
    """Remove drafts that a killed process left."""
    for draft in folder.glob(".decoded-*.tmp"):
        owner = draft.name.split(".")[-2]
        if not (owner.isdigit() and is_alive(int(owner))):
            shutil.rmtree(draft, ignore_errors=True)


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
