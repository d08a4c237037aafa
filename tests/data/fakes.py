"""A tiny data set for the tests of the fast path: raw pixel files with a size header, or arrays in memory."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np

from goodfit.core.errors import DataError
from goodfit.core.samples import Index, Schema


class FakeImages:
    """Pictures in files "height width pixels"; a short file is a fault, one that says `die` kills its reader."""

    def __init__(self, index: Index) -> None:
        self.schema = Schema(task="image_classification", format="fake", target_kind="class", classes=("a", "b"))
        self.index, self.fingerprint, self.decoded = index, "fake", 0

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, i: int) -> np.ndarray:
        self.decoded += 1
        raw = Path(self.index.where[i]).read_bytes()
        if raw == b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        sides = np.frombuffer(raw[:4], dtype="<u2")
        if len(raw) != 4 + int(sides.prod(dtype=np.int64)) * 3:
            raise DataError("the file is cut short", where=self.index.where[i])
        return np.frombuffer(raw, dtype=np.uint8, offset=4).reshape(*sides, 3)

    def take(self, positions: np.ndarray) -> FakeImages:
        return FakeImages(self.index.take(positions))


class FakeArrays(FakeImages):
    """The same in memory."""

    def __init__(self, images: list[np.ndarray]) -> None:
        super().__init__(_index([""] * len(images)))
        self.images = images

    def __getitem__(self, i: int) -> np.ndarray:
        return self.images[i]


def write_picture(path: Path, image: np.ndarray) -> None:
    path.write_bytes(np.array(image.shape[:2], dtype="<u2").tobytes() + image.tobytes())


def pictures(n: int, shape: tuple[int, int] = (8, 8), spread: int = 0, seed: int = 0) -> list[np.ndarray]:
    """n random pictures; sides grow by up to `spread` pixels."""
    rng = np.random.default_rng(seed)
    sides = rng.integers(0, spread + 1, (n, 2)) + np.array(shape)
    return [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in sides]


def fake_files(folder: Path, images: list[np.ndarray]) -> FakeImages:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:04d}.raw" for i in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        write_picture(path, image)
    return FakeImages(_index([str(path) for path in paths]))


def _index(where: list[str]) -> Index:
    n = len(where)
    return Index(
        id=np.array([f"s{i}" for i in range(n)], dtype=object),
        where=np.array(where, dtype=object),
        target=np.arange(n, dtype=np.int64) % 2,
        part=np.array([""] * n, dtype=object),
    )
