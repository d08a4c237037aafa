"""IDX files as MNIST comes in: arrays of bytes under a header of four numbers, packed by gzip or not.

Source: LeCun, Cortes and Burges 1998, the MNIST database, "file formats"; Fashion-MNIST, KMNIST and EMNIST use it too.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import zlib
from pathlib import Path

import numpy as np

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..images import ImageArrays
from ..reader import PLAIN, Context, Reader
from ..targets import Label, array_dataset

_PICTURES = re.compile(r"(?P<head>.*?)images[-.]idx3[-.]ubyte(\.gz)?", re.I)
_PARTS = {"train": "train", "t10k": "test", "test": "test", "val": "val", "valid": "val", "extra": "train"}
_BYTES = 8  # the type code of unsigned bytes
_MOST_BYTES = 4 << 30  # of unpacked pictures; EMNIST has 0.6 GB


def recognises(path: Path, without: Path | None = None) -> str | None:
    """Files such as train-images-idx3-ubyte(.gz) beside train-labels-idx1-ubyte(.gz)."""
    pairs = _pairs(path)
    return f"IDX files, as of MNIST, in {', '.join(pairs)}" if pairs else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageArrays:
    """Pictures and labels of the parts that the names tell; test pictures may come without labels.

    Raises: DataError if a file is damaged, cut short or larger than it says, or numbers differ.
    """
    pairs = _pairs(path)
    if not pairs:
        raise DataError("no IDX files here", where=path, do="name the folder with train-images-idx3-ubyte")
    parts: dict[str, tuple[np.ndarray, list[Label]]] = {}
    for part, (pictures, labels) in pairs.items():
        pixels = _array(pictures, 3)
        codes = _array(labels, 1) if labels is not None else None
        if codes is not None and len(codes) != len(pixels):
            raise DataError(
                "pictures and labels differ in number",
                got=f"{len(pixels)} and {len(codes)}",
                where=pictures,
                do="download both files again",
            )
        parts[part] = (pixels, [None] * len(pixels) if codes is None else [str(code) for code in codes])
    return array_dataset(parts, format=str(recognises(path)), target_name="label", context=context, named=True)


def _pairs(path: Path) -> dict[str, tuple[Path, Path | None]]:
    """Given part -> (pictures, labels or None), the folder itself or the one in it."""
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        return {}
    for folder in (path, *sorted(f for f in path.iterdir() if f.is_dir() and f.name.lower() in ("raw", "gzip"))):
        names = sorted(os.listdir(folder), key=len, reverse=True)  # of x and x.gz the plain file counts
        found: dict[str, tuple[Path, Path | None]] = {}
        for name in names:
            if match := _PICTURES.fullmatch(name):
                words = re.split(r"[-_.]", match["head"].lower())
                part = next((_PARTS[word] for word in reversed(words) if word in _PARTS), "")
                found[part] = (folder / name, _labels_of(folder, match["head"], names))
        if found:
            return {part: found[part] for part in ("", "train", "val", "test") if part in found}
    return {}


def _labels_of(folder: Path, head: str, names: list[str]) -> Path | None:
    wanted = re.compile(re.escape(head) + r"labels[-.]idx1[-.]ubyte(\.gz)?", re.I)
    return next((folder / name for name in reversed(names) if wanted.fullmatch(name)), None)


def _array(file: Path, sides: int) -> np.ndarray:
    """(N, ...) uint8 of a file with so many dimensions."""
    try:
        with gzip.open(file, "rb") if file.suffix.lower() == ".gz" else open(file, "rb") as opened:
            head = opened.read(4 + 4 * sides)
            shape = tuple(int(n) for n in np.frombuffer(head[4:], dtype=">u4"))
            wanted = math.prod(shape)
            if head[:4] != bytes((0, 0, _BYTES, sides)) or len(shape) != sides or wanted > _MOST_BYTES:
                raise _damaged(file, f"header {head[:16].hex()}")
            raw = opened.read(wanted + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(file, error) from None
    if len(raw) != wanted:
        raise _damaged(file, f"{len(raw)} bytes or more where the header says {wanted}")
    return np.frombuffer(raw, dtype=np.uint8).reshape(shape)


def _damaged(file: Path, got: object) -> DataError:
    return DataError("this IDX file is damaged or cut short", got=got, where=file, do="download it again")


READER = Reader(
    name="idx",
    layout="DATA/{train,t10k}-images-idx3-ubyte(.gz) beside the files of labels, as MNIST comes",
    recognises=recognises,
    read=read,
)
