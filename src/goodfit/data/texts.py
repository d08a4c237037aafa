"""Texts as a data set: held in memory, as they were stored; what they say is cleaned where it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.finding import Finding
from ..core.samples import Index
from .encodings import decode
from .reader import Context
from .samples import Samples
from .targets import Row, make_index, make_target, rank, unique_ids
from .words import clean, east_share, words

LONGEST = 1 << 20  # characters of one text; what is longer is a book or a broken file, and is cut with a Finding
LOOKED_AT = 2000  # texts that facts are measured on
EAST = 0.3  # share of its characters from which a text counts as Chinese, Japanese or Korean


@dataclass(frozen=True, kw_only=True)
class Texts(Samples):
    """Texts with their labels.

    Attributes:
        index: `where` is the file of each text, "" for rows of a table.
        held: (M,) object array of str, shared by all views of it.
        rows: (N,) int64 row of `held` for each sample.
        inputs: columns that a text was taken from, () where there are none; a model asks for the same ones.
    """

    held: np.ndarray
    rows: np.ndarray
    inputs: tuple[str, ...] = ()

    def __getitem__(self, i: int) -> str:
        """The text as stored."""
        return str(self.held[self.rows[i]])

    def take(self, positions: np.ndarray) -> Texts:
        """The samples at `positions`, without copying texts."""
        return replace(super().take(positions), rows=self.rows[np.asarray(positions, dtype=np.int64)])

    @cached_property
    def contents(self) -> np.ndarray:
        """(N,) object array: digest of each text."""
        return np.array([digest(self[i]) for i in range(len(self))] + [None], dtype=object)[:-1]

    def measured(self, positions: np.ndarray) -> dict[str, Any]:
        """Facts for the schema: words (median), words_mean, words_p95, words_max, east (share of Chinese), inputs."""
        some = positions[np.unique(np.linspace(0, len(positions) - 1, LOOKED_AT).astype(np.int64))]
        read = [clean(self[int(i)]) for i in some]
        counts = np.array([len(words(text)) for text in read])
        return {
            "words": float(np.median(counts)),
            "words_mean": float(counts.mean()),
            "words_p95": float(np.quantile(counts, 0.95)),
            "words_max": int(counts.max()),
            "east": float(np.mean([east_share(text) >= EAST for text in read])),
            "inputs": list(self.inputs),
        }

    def joined(self, test: Samples, index: Index) -> Texts:
        """See `Samples.joined`."""
        both = super().joined(test, index)
        assert isinstance(test, Texts)
        held = np.concatenate([self.held, test.held])
        return replace(both, held=held, rows=np.concatenate([self.rows, test.rows + len(self.held)]))


def text_dataset(
    rows: Sequence[Row],
    texts: Sequence[str],
    *,
    format: str,
    target_name: str,
    context: Context,
    classes: Sequence[str] | None = None,
    named: bool = False,
    inputs: tuple[str, ...] = (),
    notes: Iterable[Finding] = (),
    refused: Iterable[tuple[str, str]] = (),
) -> Texts:
    """A data set of texts from rows, ordered by part and id.

    Args:
        rows: N samples.
        texts: N texts.
        classes: all classes where the layout names them, else None.
        named: whether labels are names of classes for sure.
        inputs: columns that the texts were taken from.
    Raises: DataError if the labels make no target.
    """
    named_rows = unique_ids(rows)
    order = sorted(range(len(rows)), key=lambda i: (rank(named_rows[i].part), named_rows[i].id))
    ordered = [named_rows[i] for i in order]
    schema, target, usable = make_target(
        ordered,
        format=format,
        target_name=target_name,
        context=context,
        classes=classes,
        named=named,
        sample="text",
    )
    dropped = [(row.id, "no_label") for row, good in zip(ordered, usable, strict=True) if not good]
    kept = [row for row, good in zip(ordered, usable, strict=True) if good]
    held = np.array([*texts, None], dtype=object)[:-1]
    return Texts(
        schema=schema,
        index=make_index(kept, target[usable]),
        held=held,
        rows=np.array(order, dtype=np.int64)[usable],
        inputs=inputs,
        notes=tuple(notes),
        refused=(*refused, *dropped),
    )


def open_text(path: Path | str, whole: bool = False) -> str:
    """The text of a file, whatever its encoding.

    Args:
        path: the file.
        whole: all of it, however long; else at most LONGEST characters.
    Raises: DataError naming the file if it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read() if whole else file.read(4 * LONGEST)
    except OSError as error:
        raise DataError(
            "this text cannot be read", got=error.strerror, where=path, do="check its permissions"
        ) from None
    if not whole and len(raw) == 4 * LONGEST:
        raw = _whole_characters(raw)
    text = decode(raw)[0]
    return text if whole else text[:LONGEST]


def _whole_characters(raw: bytes) -> bytes:
    """Bytes without the beginning of a UTF-8 character that a cut left at their end."""
    for cut in range(4):
        try:
            raw[: len(raw) - cut].decode("utf-8")
            return raw[: len(raw) - cut]
        except UnicodeDecodeError:
            continue
    return raw


def digest(text: str) -> str:
    """16 bytes, in hex, of a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
