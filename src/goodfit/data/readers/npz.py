"""Pictures and labels as arrays in one .npz file, never unpickled.

Sources: numpy's NPY format description; key names of Keras' mnist.npz and of MedMNIST (Yang et al. 2023).
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...core.errors import DataError
from ...core.finding import Finding
from ...core.recipe import DataSection
from ..images import ImageArrays
from ..reader import PLAIN, Context, Reader
from ..targets import Label, array_dataset

_PARTS = {"": ("",), "train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
_INPUTS = ("x", "images", "image", "data", "pixels", "features", "arr_0")
_TARGETS = ("y", "labels", "label", "targets", "target", "arr_1")
_NAMES = ("classes", "class_names", "names", "label_names")


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A .npz file, or a folder with exactly one."""
    file = _file_of(path)
    return f"arrays in {file.name}" if file else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageArrays:
    """Arrays named x and y, x_train and y_train, train_images and train_labels, and the like.

    Raises: DataError if there are no such arrays, shapes or types do not fit, or the file is damaged or a bomb.
    """
    file = _file_of(path)
    if file is None:
        raise DataError("no single .npz file here", where=path, do="name the file")
    arrays = _load(file)
    parts: dict[str, tuple[np.ndarray, list[Label]]] = {}
    notes: list[Finding] = []
    columns: list[str] | None = None
    for part, words in _PARTS.items():
        pair = _find_pair(arrays, words, section, file)
        if pair is not None:
            pixels = _as_bytes(arrays[pair[0]], pair[0], file, notes)
            names = _class_names(arrays)
            labels, columns = _as_labels(arrays.get(pair[1]), len(pixels), names, part, file)
            parts[part] = (pixels, labels)
    if not parts:
        raise DataError(
            "no pictures among the arrays",
            got=", ".join(arrays),
            allowed="x and y; x_train, y_train, x_test, y_test",
            where=file,
            do="name them so, or set data.input= and data.target=",
        )
    named = _are_codes([label for _, labels in parts.values() for label in labels])
    format_words = str(recognises(path))
    return array_dataset(
        parts, format=format_words, target_name="y", context=context, classes=columns, named=named, notes=notes
    )


def _file_of(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix.lower() == ".npz" else None
    found = sorted(path.glob("*.npz")) if path.is_dir() and os.access(path, os.R_OK | os.X_OK) else []
    return found[0] if len(found) == 1 else None


def _load(file: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(file) as archive:
            total = sum(info.file_size for info in archive.infolist())
        if total > (room := _memory()):
            raise DataError(
                "these arrays do not fit into memory",
                got=f"{total >> 20} MB",
                allowed=f"{room >> 20} MB",
                where=file,
                do="store picture files instead",
            )
        with open(file, "rb") as raw, np.load(raw, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (
        OSError,
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        MemoryError,
        NotImplementedError,
    ) as error:
        raise DataError(
            "this .npz file cannot be read (pickled objects never are)",
            got=error,
            where=file,
            do="store plain arrays with numpy.savez",
        ) from None


def _memory() -> int:
    """Bytes of memory in the machine; no bound where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 1 << 62


def _find_pair(
    arrays: Mapping[str, np.ndarray], words: tuple[str, ...], section: DataSection, file: Path
) -> tuple[str, str] | None:
    """(input key, target key) of one part; the target key may be absent from the arrays."""
    if words == ("",) and section.input != "auto":
        if section.input not in arrays:
            raise DataError(
                f"no array named '{section.input}'",
                allowed=", ".join(arrays),
                where=file,
                do="set data.input= to one of these",
            )
        return section.input, _find(arrays, _TARGETS, words) if section.target == "auto" else section.target
    key = _find(arrays, _INPUTS, words)
    return (
        (key, _find(arrays, _TARGETS, words) if section.target == "auto" or words != ("",) else section.target)
        if key
        else None
    )


def _find(arrays: Mapping[str, np.ndarray], bases: tuple[str, ...], words: tuple[str, ...]) -> str:
    wanted = [f"{base}_{word}" if word else base for base in bases for word in words]
    wanted += [f"{word}_{base}" for base in bases for word in words if word]
    lower = {key.lower(): key for key in arrays}
    return next((lower[name] for name in wanted if name in lower), "")


def _class_names(arrays: Mapping[str, np.ndarray]) -> list[str] | None:
    stored = next((arrays[key] for key in arrays if key.lower() in _NAMES), None)
    return (
        [str(name) for name in stored]
        if stored is not None and stored.ndim == 1 and stored.dtype.kind in "US"
        else None
    )


def _as_bytes(raw: np.ndarray, key: str, file: Path, notes: list[Finding]) -> np.ndarray:
    """(N, H, W) or (N, H, W, 3) uint8 of what is stored."""
    pixels = raw
    if pixels.ndim == 4 and pixels.shape[-1] not in (1, 3, 4) and pixels.shape[1] in (1, 3, 4):
        pixels = pixels.transpose(0, 2, 3, 1)
    if pixels.ndim == 4 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim == 4 and pixels.shape[-1] == 4:
        pixels = pixels[..., :3]
    if pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[-1] != 3) or 0 in pixels.shape:
        raise DataError(
            "this array holds no pictures",
            got=f"{key}: shape {raw.shape}",
            allowed="(N, H, W), (N, H, W, 3) or (N, 3, H, W)",
            where=file,
            do="store pictures so",
        )
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    return _scaled(pixels, key, file, notes)


def _scaled(pixels: np.ndarray, key: str, file: Path, notes: list[Finding]) -> np.ndarray:
    if pixels.dtype.kind not in "fiu":
        raise DataError(
            "pixels must be numbers",
            got=f"{key}: {pixels.dtype}",
            allowed="uint8, or float in [0, 1]",
            where=file,
            do="store uint8",
        )
    low, high = float(pixels.min()), float(pixels.max())
    if not np.isfinite([low, high]).all() or low < 0 or high > 65535:
        raise DataError(
            "pixel values are out of range",
            got=f"{key}: {low:g} to {high:g}",
            allowed="0 to 255, or 0 to 1",
            where=file,
            do="undo the normalisation, or store uint8",
        )
    factor = 255.0 if pixels.dtype.kind == "f" and high <= 1.0 else 1.0 if high <= 255.0 else 255.0 / 65535.0
    notes.append(
        Finding(
            code="GF-D020",
            severity="info",
            numbers={"array": key, "dtype": str(pixels.dtype), "low": low, "high": high, "factor": factor},
        )
    )
    return np.rint(pixels * factor).astype(np.uint8)


def _as_labels(
    raw: np.ndarray | None, n: int, names: list[str] | None, part: str, file: Path
) -> tuple[list[Label], list[str] | None]:
    """(labels, all classes where the array itself says them)."""
    if raw is None:
        if part == "test":
            return [None] * n, names
        raise DataError(
            "no labels for these pictures",
            allowed="an array named y, labels, y_train, train_labels, ...",
            where=file,
            do="store them, or set data.target=",
        )
    if len(raw) != n:
        raise DataError(
            "pictures and labels differ in number",
            got=f"{n} and {len(raw)}",
            where=file,
            do="store one label a picture",
        )
    values = raw[:, 0] if raw.ndim == 2 and raw.shape[1] == 1 else raw
    if values.ndim == 2:
        return _from_rows(values, names, file)
    if values.ndim != 1 or values.dtype.kind not in "biufUS":
        raise DataError(
            "labels must be one number or text a picture",
            got=f"shape {raw.shape}, {raw.dtype}",
            where=file,
            do="store class numbers",
        )
    if (
        names is not None
        and values.dtype.kind in "iu"
        and values.min(initial=0) >= 0
        and values.max(initial=0) < len(names)
    ):
        return [names[int(value)] for value in values], names
    return [
        float(v) if values.dtype.kind == "f" else str(v)
        for v in (values.astype(int) if values.dtype.kind == "b" else values)
    ], None


def _are_codes(labels: Sequence[Label]) -> bool:
    """Whether labels are the whole numbers from 0 or 1 up, none left out, most of them more than once."""
    texts = {label for label in labels if isinstance(label, str)}
    if not texts or not all(text.isdecimal() for text in texts):
        return False
    codes = sorted(int(text) for text in texts)
    return (
        codes[0] in (0, 1) and codes == list(range(codes[0], codes[0] + len(codes))) and len(labels) >= 2 * len(codes)
    )


def _from_rows(values: np.ndarray, names: list[str] | None, file: Path) -> tuple[list[Label], list[str] | None]:
    if not np.isin(values, (0, 1)).all():
        raise DataError(
            "label rows must hold 0 and 1 only; soft labels are not supported", where=file, do="store class numbers"
        )
    columns = names if names and len(names) == values.shape[1] else [str(k) for k in range(values.shape[1])]
    if (values.sum(axis=1) == 1).all():
        return [columns[int(k)] for k in values.argmax(axis=1)], None
    return [tuple(columns[k] for k in np.flatnonzero(row)) for row in values], columns


READER = Reader(
    name="npz",
    layout="DATA.npz with x and y, or x_train, y_train, x_test, y_test",
    recognises=recognises,
    read=read,
    columns=frozenset({"input", "target"}),
)
