"""CIFAR-10 and CIFAR-100 in their pickled Python form, read without unpickling.

Source: A. Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images", and the data set's page.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..images import ImageArrays
from ..reader import PLAIN, Context, Reader
from ..targets import Label, array_dataset
from .cifar_binary import SIDE
from .pickled_arrays import read_plain

_FILE_LIMIT = 1 << 30  # CIFAR-100's train file has 155 MB


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A folder with data_batch_1 ... and test_batch (CIFAR-10), or train, test and meta (CIFAR-100)."""
    folder = _folder_of(path)
    if folder is None:
        return None
    return f"{'CIFAR-10' if (folder / 'data_batch_1').is_file() else 'CIFAR-100'}, Python form (never unpickled)"


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageArrays:
    """Train and test pictures, 32 x 32 colour; of CIFAR-100's labels the fine ones.

    Raises: DataError if a file holds more than plain arrays and labels, or is no such file.
    """
    folder = _folder_of(path)
    if folder is None:
        raise DataError("no CIFAR files here", where=path, do="name the folder that holds data_batch_1")
    ten = (folder / "data_batch_1").is_file()
    batches = sorted(folder.glob("data_batch_?")) if ten else [folder / "train"]
    files = {"train": batches, "test": [folder / ("test_batch" if ten else "test")]}
    names = _names(folder / ("batches.meta" if ten else "meta"), "label_names" if ten else "fine_label_names")
    parts = {part: _part([f for f in found if f.is_file()], names) for part, found in files.items()}
    parts = {part: held for part, held in parts.items() if len(held[1])}
    return array_dataset(parts, format=str(recognises(path)), target_name="label", context=context, named=True)


def _folder_of(path: Path) -> Path | None:
    """The folder that holds the files: the path, or the single folder in it."""
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        return None
    for folder in (path, *sorted(path.glob("cifar-*"))):
        if (folder / "data_batch_1").is_file() and not (folder / "data_batch_1.bin").is_file():
            return folder
        if all((folder / name).is_file() for name in ("train", "test", "meta")):
            return folder
    return None


def _part(files: Sequence[Path], names: Sequence[str]) -> tuple[np.ndarray, list[Label]]:
    """Pixels (N, 32, 32, 3) uint8 and class names of some files."""
    pixels, labels = [np.empty((0, SIDE, SIDE, 3), np.uint8)], list[Label]()
    for file in files:
        tree = _tree(file)
        data: Any = tree.get("data")
        codes = tree.get("fine_labels", tree.get("labels"))
        if not (_are_pixels(data) and isinstance(codes, list) and [type(c) for c in codes] == [int] * len(data)):
            raise DataError(
                "this file is no batch of CIFAR pictures",
                got=", ".join(map(str, list(tree)[:10])),
                allowed=f"data (N, {3 * SIDE * SIDE}) uint8 and N labels",
                where=file,
                do="download it again",
            )
        pixels.append(data.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1))
        labels += [names[code] if 0 <= code < len(names) else str(code) for code in codes]
    return np.ascontiguousarray(np.concatenate(pixels)), labels


def _are_pixels(data: Any) -> bool:
    return isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.shape[1:] == (3 * SIDE * SIDE,)


def _names(file: Path, key: str) -> list[str]:
    names = _tree(file).get(key) if file.is_file() else None
    return [_text(name) for name in names] if isinstance(names, list) else []


def _tree(file: Path) -> Mapping[str, Any]:
    """The dict of a file, its keys as text."""
    try:
        if file.stat().st_size > _FILE_LIMIT:
            raise DataError(
                "this file is too large for a CIFAR batch", got=file.stat().st_size, where=file, do="see it"
            )
        raw = file.read_bytes()
    except OSError as error:
        raise DataError(
            "this file cannot be read", got=error.strerror, where=file, do="check its permissions"
        ) from None
    tree = read_plain(raw, file)
    return {_text(key): value for key, value in tree.items()} if isinstance(tree, dict) else {}


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


READER = Reader(
    name="cifar_python",
    layout="DATA/data_batch_1 ... test_batch, or DATA/{train,test,meta}, as CIFAR's Python version comes",
    recognises=recognises,
    read=read,
)
