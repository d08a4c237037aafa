"""CIFAR-10 and CIFAR-100 in their binary form.

Source: A. Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images", and the data set's page.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..images import ImageArrays
from ..reader import PLAIN, Context, Reader
from ..targets import Label, array_dataset

SIDE = 32
_PIXELS = 3 * SIDE * SIDE


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A folder with data_batch_*.bin and test_batch.bin (CIFAR-10) or train.bin and test.bin (CIFAR-100)."""
    folder = _folder_of(path)
    if folder is None:
        return None
    return "CIFAR-10, binary form" if list(folder.glob("data_batch_*.bin")) else "CIFAR-100, binary form"


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageArrays:
    """Train and test pictures, 32 x 32 colour.

    Raises: DataError for a file whose length is no multiple of a record.
    """
    folder = _folder_of(path)
    words = recognises(path)
    if folder is None or words is None:
        raise DataError("no CIFAR files here", where=path, do="name the folder that holds data_batch_1.bin")
    ten = words.startswith("CIFAR-10,")
    files = {"train": sorted(folder.glob("data_batch_*.bin" if ten else "train.bin"))}
    files["test"] = sorted(folder.glob("test_batch.bin" if ten else "test.bin"))
    names = _names(folder / ("batches.meta.txt" if ten else "fine_label_names.txt"))
    parts = {part: _read_part(found, 1 if ten else 2, names) for part, found in files.items() if found}
    return array_dataset(parts, format=words, target_name="label", context=context, named=True)


def _folder_of(path: Path) -> Path | None:
    """The folder that holds the files: the path, or the single folder in it."""
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        return None
    for folder in (path, *sorted(path.glob("cifar-*"))):
        if (folder / "data_batch_1.bin").is_file():
            return folder
        if (folder / "train.bin").is_file() and (folder / "test.bin").is_file():
            return folder
    return None


def _names(file: Path) -> list[str]:
    if not file.is_file():
        return []
    return [line.strip() for line in file.read_text("utf-8", "replace").splitlines() if line.strip()]


def _read_part(files: list[Path], label_bytes: int, names: list[str]) -> tuple[np.ndarray, list[Label]]:
    """Pixels (N, 32, 32, 3) uint8 and class names; of CIFAR-100's two labels the fine one, which comes second."""
    records = np.concatenate([_read_file(file, label_bytes + _PIXELS) for file in files])
    codes = records[:, label_bytes - 1]
    pixels = records[:, label_bytes:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    named = len(names) > int(codes.max(initial=0))
    return np.ascontiguousarray(pixels), [names[code] if named else str(code) for code in codes]


def _read_file(file: Path, record: int) -> np.ndarray:
    try:
        raw = np.fromfile(file, dtype=np.uint8)
    except OSError as error:
        raise DataError(
            "this file cannot be read", got=error.strerror, where=file, do="check its permissions"
        ) from None
    if len(raw) == 0 or len(raw) % record:
        raise DataError(
            "this file is cut short or of another kind",
            got=f"{len(raw)} bytes",
            allowed=f"a multiple of {record}",
            where=file,
            do="download it again",
        )
    return raw.reshape(-1, record)


READER = Reader(
    name="cifar_binary", layout="DATA/data_batch_1.bin ... test_batch.bin", recognises=recognises, read=read
)
