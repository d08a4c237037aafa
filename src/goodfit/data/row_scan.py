"""Look at every row of a table once: none can be broken; which are copies of others shows in their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .columns import Column
from .rows import Rows
from .scanned import Progress, Scan

RICH = (
    0.9  # share of distinct rows from which equal ones are copies; in a table of few columns rows are equal by chance
)


@dataclass(frozen=True, kw_only=True)
class RowScan(Scan):
    """What is in each row.

    Attributes:
        columns: name -> column of N cells, for the checks that look at columns.
        described: what `row_facts.describe_columns` said of them.
    """

    columns: Mapping[str, Column]
    described: tuple[Mapping[str, object], ...]


def scan_rows(dataset: Rows, cache: Path, workers: int | None = None, progress: Progress | None = None) -> RowScan:
    """Two rows are seen as the same where all cells and the target are, in a table in which that is no chance.

    A target that is a number differs by noise, so there equal cells suffice where they are no chance.
    """
    n = len(dataset)
    target = dataset.index.target
    is_rich = lambda digests: len(set(digests)) >= RICH * n  # noqa: E731
    whole = [
        hashlib.blake2b(f"{content}|{said!r}".encode(), digest_size=16).hexdigest()
        for content, said in zip(dataset.contents, target.tolist(), strict=True)
    ]
    if dataset.schema.target_kind == "number" and is_rich(dataset.contents):
        whole = list(dataset.contents)
    seen = np.array([*(whole if is_rich(whole) else [""] * n), None], dtype=object)[:-1]
    return RowScan(
        ok=np.ones(n, dtype=bool),
        fault=np.full(n, "", dtype=object),
        content=dataset.contents,
        seen=seen,
        remembered=n,
        columns=dataset.cells(),
        described=tuple(dataset.schema.facts.get("columns", ())),
    )
