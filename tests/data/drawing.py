"""Small picture files for the tests of reading and audit."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def noise(seed: int, height: int = 24, width: int = 24) -> np.ndarray:
    """(H, W, 3) uint8, a different picture for each seed."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def draw(path: Path, seed: int = 0, height: int = 24, width: int = 24) -> Path:
    """Write noise in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(seed, height, width)).save(path)
    return path


def folders(root: Path, counts: dict[str, int], suffix: str = ".png", first: int = 0) -> Path:
    """Class folders with so many different pictures each."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            draw(root / name / f"{i:03d}{suffix}", seed=first)
            first += 1
    return root


def png(seed: int = 0) -> bytes:
    """Bytes of a small picture."""
    file = io.BytesIO()
    Image.fromarray(noise(seed)).save(file, "PNG")
    return file.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A valid PNG head that announces a huge picture; a few hundred bytes."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
