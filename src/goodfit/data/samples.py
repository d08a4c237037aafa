"""What every kind of data set is, whatever its samples are: a schema, a table, what was met on the way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from ..core.errors import DataError
from ..core.finding import Finding
from ..core.samples import Index, Schema


@dataclass(frozen=True, kw_only=True)
class Samples:
    """A data set as a reader gives it; each kind of sample adds how one is decoded.

    Attributes:
        schema: what the data are.
        index: the table of samples.
        notes: findings made while reading (ignored files, skipped rows, ...).
        refused: (id, fault) of what was met and is not in the index.
    """

    schema: Schema
    index: Index
    notes: tuple[Finding, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, i: int) -> Any:
        """Sample i decoded. Raises: DataError naming the file or row if it cannot be."""
        raise NotImplementedError

    def take(self, positions: np.ndarray) -> Self:
        """The samples at `positions` (int64), lazily."""
        return replace(self, index=self.index.take(np.asarray(positions, dtype=np.int64)))

    def with_target(self, target: np.ndarray) -> Self:
        """The same samples under other targets; their fingerprint stays, since caches hold what was decoded alone."""
        found = replace(self, index=replace(self.index, target=target))
        found.__dict__["fingerprint"] = self.fingerprint  # as cached_property keeps it
        return found

    @property
    def contents(self) -> np.ndarray:
        """(N,) object array: digest of what each sample holds."""
        raise NotImplementedError

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of ids, parts, targets, groups, times and contents; the root folder does not matter."""
        return fingerprint_of(self.index, self.contents)

    def measured(self, positions: np.ndarray) -> dict[str, Any]:
        """Facts for the schema, JSON values, from a spread of samples.

        Args:
            positions: (M,) int64 samples that may be looked at (never test).
        """
        raise NotImplementedError

    def learnt(self, positions: np.ndarray) -> dict[str, Any]:
        """Further facts that only the training samples may decide, such as means and categories.

        Args:
            positions: (M,) int64 samples of train, after the split.
        """
        return {}

    def joined(self, test: Samples, index: Index) -> Self:
        """These samples and behind them those of a test set that was read by itself.

        Args:
            test: of the same kind.
            index: rows of both.
        Raises: DataError if the two cannot be one.
        """
        if type(test) is not type(self):
            raise DataError(
                "train and test are of different kinds",
                got=test.schema.format,
                allowed=self.schema.format,
                where="data.test",
                do="store both alike",
            )
        return replace(self, index=index, notes=(*self.notes, *test.notes), refused=(*self.refused, *test.refused))


def fingerprint_of(index: Index, contents: np.ndarray) -> str:
    """Hex digest of ids, parts, targets, contents, groups, times: what decides learning and splits."""
    h = hashlib.blake2b(digest_size=16)
    for name, part, content in zip(index.id, index.part, contents, strict=True):
        h.update(f"{len(name)}:{name}|{part}|{content}\n".encode("utf-8", "surrogateescape"))
    h.update(np.ascontiguousarray(index.target).tobytes())
    for group in () if index.group is None else index.group:
        h.update(f"{len(str(group))}:{group}\n".encode("utf-8", "surrogateescape"))
    if index.time is not None:
        h.update(np.ascontiguousarray(index.time).tobytes())
    return h.hexdigest()
