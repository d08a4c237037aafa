"""Texts are tokenised once: the numbers are kept on disk, under the texts' fingerprint and the tokenizer's identity."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..core.files import write_atomic
from ..core.samples import Dataset
from .text_loader import Encoded, Tokenizer
from .words import clean

CHUNK = 2000  # texts a call of the tokenizer, between two words of progress
_HELD: dict[tuple[str, str], Encoded] = {}  # of this process


def encoded(
    dataset: Dataset, tokenizer: Tokenizer, folder: Path, progress: Callable[[int, int], None] | None = None
) -> Encoded:
    """Token numbers of all texts of a data set.

    Args:
        dataset: texts.
        tokenizer: makes the numbers.
        folder: where they are kept; what cannot be written there is made again next time.
        progress: called with (texts done, texts in all).
    """
    key = (dataset.fingerprint, tokenizer.identity)
    if key not in _HELD:
        file = folder / (hashlib.blake2b("\n".join(key).encode(), digest_size=16).hexdigest() + ".npz")
        found = _read(file, len(dataset))
        if found is None:
            found = encode_all(dataset, tokenizer, progress)
            _write(file, found)
        _HELD.clear()  # one set at a time: the tokens of the last one are seldom asked for again
        _HELD[key] = found
    return _HELD[key]


def encode_all(dataset: Dataset, tokenizer: Tokenizer, progress: Callable[[int, int], None] | None = None) -> Encoded:
    """Token numbers of all texts, made now."""
    parts: list[Encoded] = []
    for start in range(0, len(dataset), CHUNK):
        stop = min(start + CHUNK, len(dataset))
        parts.append(tokenizer.encode([clean(dataset[i]) for i in range(start, stop)]))
        if progress is not None:
            progress(stop, len(dataset))
    lengths = np.concatenate([part.lengths for part in parts]) if parts else np.empty(0, np.int64)
    ids = np.concatenate([part.ids for part in parts]) if parts else np.empty(0, np.int64)
    return Encoded(ids=ids, ends=np.cumsum(lengths))


def _read(file: Path, n: int) -> Encoded | None:
    try:
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as held:
            found = Encoded(ids=held["ids"].astype(np.int64), ends=held["ends"].astype(np.int64))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return found if len(found) == n and (not n or found.ends[-1] == len(found.ids)) else None


def _write(file: Path, found: Encoded) -> None:
    packed = io.BytesIO()
    np.savez(packed, ids=found.ids.astype(np.int32), ends=found.ends)
    with suppress(OSError):  # a cache: a full disk costs only the time of making it again
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, packed.getvalue())
