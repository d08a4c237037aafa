"""Decoded pictures as one uint8 blob with a table of offsets, shapes and checksums, in memory or memory-mapped.

Each sample's checksum is compared when it is first used; a damaged one is decoded again.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import DataError
from .decoding import Chunk

FORMAT = 1  # of the files; another number is made again
_COLUMNS = ("position", "offset", "height", "width", "crc")

Images = np.ndarray | list[np.ndarray]


class DecodedCache:
    """Decoded pictures by their position in the data set; made by `build_cache`.

    Attributes:
        positions: (M,) int64 positions held; failed ones are not among them.
        failed: position -> what was wrong with the sample.
        uniform: all pictures have one shape.
        shape: (H, W, 3) of all where uniform, else of the largest.
        size_bytes: bytes of the blob.
        healed: samples whose stored bytes were damaged and that were decoded again.
        reused: True where an earlier call's files served.
        home: the cache's own folder; None where it lives in memory.
    """

    def __init__(
        self,
        blob: np.ndarray,
        table: np.ndarray,
        failed: Mapping[int, str],
        again: Callable[[int], np.ndarray | None],
        home: Path | None = None,
        reused: bool = False,
    ) -> None:
        self._blob, self._table, self._again, self._patches = blob, table, again, dict[int, np.ndarray]()
        self.failed, self.home, self.reused = dict(failed), home, reused
        self.positions = table[:, 0]
        self.size_bytes = int(blob.size)
        self._row = np.full(int(self.positions.max(initial=-1)) + 2, -1, dtype=np.int64)
        self._row[self.positions] = np.arange(len(table))
        self._unchecked = np.full(len(table), home is not None)
        shapes = table[:, 2:4]
        self.uniform = len(table) > 0 and bool((shapes == shapes[0]).all())
        self.shape = (*(int(side) for side in shapes.max(axis=0, initial=0)), 3)
        self._view = blob.reshape(len(table), *self.shape) if self.uniform else None

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def healed(self) -> int:
        return len(self._patches)

    def has(self, positions: np.ndarray) -> np.ndarray:
        """(B,) bool: which positions the cache holds."""
        inside = np.asarray(positions) < len(self._row) - 1
        return inside & (self._row[np.where(inside, positions, -1)] >= 0)

    def gather(self, positions: np.ndarray) -> Images:
        """Pictures by position.

        Args:
            positions: (B,) int64, all held.
        Returns: a new (B, H, W, 3) uint8 array where uniform, else a list of B arrays (H_i, W_i, 3), read only.
        Raises: DataError if a position is not held, or is damaged and cannot be decoded again.
        """
        if not self.has(positions).all():
            raise DataError(
                "the decoded cache does not hold a sample",
                got=positions[~self.has(positions)][:5].tolist(),
                do="build it over all samples",
            )
        rows = self._row[positions]
        self._check(rows)
        if self._view is None:
            return [self._picture(int(row)) for row in rows]
        images: np.ndarray = self._view[rows]
        for place in np.flatnonzero(np.isin(rows, list(self._patches))) if self._patches else ():
            images[place] = self._patches[int(rows[place])]
        return images

    def _picture(self, row: int) -> np.ndarray:
        if row in self._patches:
            return self._patches[row]
        _, offset, height, width, _ = self._table[row]
        return self._blob[offset : offset + height * width * 3].reshape(height, width, 3)

    def _check(self, rows: np.ndarray) -> None:
        fresh = rows[self._unchecked[rows]]
        for row in fresh:
            if zlib.crc32(self._picture(int(row)).data) != self._table[row, 4]:
                self._heal(int(row))
        self._unchecked[fresh] = False

    def _heal(self, row: int) -> None:
        position, _, height, width, _ = self._table[row].tolist()
        picture = self._again(position)
        if picture is None or picture.shape != (height, width, 3):
            raise DataError(
                "the decoded cache is damaged and the file behind it changed",
                where=self.home,
                do="repeat the command; `goodfit clean` empties the caches",
            )
        self._patches[row] = picture


class Table:
    """Rows (position, offset, height, width, crc) in the order of the blob."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.bytes = 0

    def add(self, chunk: Chunk) -> list[np.ndarray]:
        """Enter a chunk's pictures and return them."""
        pictures = []
        for position, picture in zip(chunk.positions, chunk.images, strict=True):
            if picture is not None:
                picture = np.ascontiguousarray(picture)
                self.rows.append((int(position), self.bytes, *picture.shape[:2], zlib.crc32(picture.data)))
                self.bytes += picture.size
                pictures.append(picture)
        return pictures

    def array(self) -> np.ndarray:
        return np.array(self.rows, dtype=np.int64).reshape(-1, len(_COLUMNS))


def open_cache(home: Path, again: Callable[[int], np.ndarray | None]) -> DecodedCache | None:
    """The cache in `home`, or None where there is no whole one."""
    try:
        about: dict[str, Any] = json.loads((home / "about.json").read_text("utf-8"))
        table = np.load(home / "table.npy", allow_pickle=False)
        size = (home / "pixels.u8").stat().st_size
        if about["format"] != FORMAT or size != about["bytes"] or table.shape[1:] != (len(_COLUMNS),):
            return None
        blob = np.memmap(home / "pixels.u8", dtype=np.uint8, mode="r") if size else np.empty(0, np.uint8)
    except (OSError, ValueError, KeyError):
        return None
    failed = {int(position): fault for position, fault in about["failed"].items()}
    return DecodedCache(np.asarray(blob), table, failed, again, home, reused=True)
