"""Rows of a table as a data set: columns in memory, one sample = a mapping from column to value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..core.samples import Index
from .columns import Column, Value, plain, read_column, stacked
from .row_facts import describe_columns, inputs_of
from .samples import Samples

Columns = Mapping[str, Column]


@dataclass(frozen=True, kw_only=True)
class Rows(Samples):
    """Rows of a table; the target, group and part columns stand in the index and are not among `columns`.

    Attributes:
        index: `where` is "" throughout.
        columns: name -> column of M cells, shared by all views.
        rows: (N,) int64 row of the columns for each sample.
    """

    columns: Columns
    rows: np.ndarray

    def __getitem__(self, i: int) -> dict[str, Value]:
        """Column -> value; None where it is missing."""
        row = int(self.rows[i])
        return {name: column.value(row) for name, column in self.columns.items()}

    def take(self, positions: np.ndarray) -> Rows:
        """The samples at `positions`, without copying cells."""
        return replace(super().take(positions), rows=self.rows[np.asarray(positions, dtype=np.int64)])

    def cells(self, positions: np.ndarray | None = None) -> dict[str, Column]:
        """Name -> column of the samples at `positions`; None = all."""
        rows = self.rows if positions is None else self.rows[positions]
        return {name: column.take(rows) for name, column in self.columns.items()}

    @cached_property
    def contents(self) -> np.ndarray:
        """(N,) object array: digest of each row's cells."""
        return digests(self.cells())

    def measured(self, positions: np.ndarray) -> dict[str, Any]:
        """What each column is and why it is not used; see `row_facts.describe_columns`."""
        return {"columns": describe_columns(self.cells(positions))}

    def learnt(self, positions: np.ndarray) -> dict[str, Any]:
        """How cells become inputs, from training samples alone; see `row_facts.inputs_of`."""
        return {"inputs": inputs_of(self.cells(positions), self.schema.facts["columns"])}

    def joined(self, test: Samples, index: Index) -> Rows:
        """See `Samples.joined`; a column that the test set lacks is missing there."""
        both = super().joined(test, index)
        assert isinstance(test, Rows)
        length = len(next(iter(test.columns.values()))) if test.columns else 0
        absent = read_column([None] * length)
        columns = {name: stacked(mine, test.columns.get(name, absent)) for name, mine in self.columns.items()}
        shift = len(next(iter(self.columns.values())))
        return replace(both, columns=columns, rows=np.concatenate([self.rows, test.rows + shift]))


def digests(columns: Columns) -> np.ndarray:
    """(N,) object array: 16-byte hex digest of the cells of each row."""
    texts = [_texts(column) for column in columns.values()]
    joined = ["\x1f".join(row) for row in zip(*texts, strict=True)]
    found = [hashlib.blake2b(row.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() for row in joined]
    return np.array([*found, None], dtype=object)[:-1]


def shown(sample: Mapping[str, Any], most: int = 12) -> str:
    """A row in words, such as `age 39 · workclass State-gov`; missing cells are left out."""
    said = [f"{name} {plain(v) if isinstance(v, float) else v}" for name, v in sample.items() if v is not None]
    return " · ".join(said[:most]) + (" · ..." if len(said) > most else "")


def _texts(column: Column) -> list[str]:
    if column.values.dtype.kind == "f":
        return ["" if v != v else repr(v) for v in column.values.tolist()]
    names = [*column.names, "\x00"]  # -1 takes the last
    return [names[code] for code in column.values.tolist()]
