"""Rows of a table on their way into a learner: encoded once, served in batches or as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..core.errors import DataError, printable
from ..core.finding import Finding
from ..core.recipe import Recipe
from ..core.samples import Dataset, Schema
from ..core.task import Opened
from ..data.loader import CachedLoader, Moment
from ..data.readers.arff import read_arff
from ..data.readers.arff import recognises as is_arff
from ..data.readers.sqlite import read_query
from ..data.readers.sqlite import recognises as is_sqlite
from ..data.readers.tabletext import Table, is_table, read_table
from ..data.row_facts import cells_of
from ..data.rows import Rows
from ..engine.engine import Engine
from ..models.tabular_inputs import Encoded, Inputs

EVALUATE_BATCH = 4096
_KEPT = 4  # encoded tables held, of this process


class RowLoader(CachedLoader):
    """Batches of encoded rows, or all of them at once."""

    def whole(self) -> tuple[Encoded, np.ndarray]:
        """(rows, (N,) target) of all its samples, in the order of `positions`."""
        return self.cache.gather(self.positions), self.targets[self.positions]


class EncodedTable:
    """All rows of a data set, encoded: the source of a loader.

    Args:
        rows: one a sample of the data set.
    """

    def __init__(self, rows: Encoded) -> None:
        self.rows = rows

    def has(self, positions: np.ndarray) -> np.ndarray:
        """(N,) bool: every row is there."""
        return np.ones(len(positions), dtype=bool)

    def gather(self, positions: np.ndarray) -> Encoded:
        """Some of the rows."""
        return self.rows.take(positions)


_ENCODED: dict[tuple[str, str], EncodedTable] = {}


def loader(dataset: Dataset, positions: np.ndarray, recipe: Recipe, engine: Engine, training: bool) -> RowLoader:
    """Batches of some rows of a table, or of loose rows."""
    inputs = Inputs(facts=dataset.schema.facts)
    batch = int(recipe.train.batch_size)

    def prepare(images: Encoded, target: np.ndarray, moment: Moment) -> tuple[Any, Any]:
        return engine.tensor(inputs.packed(images)), engine.tensor(_typed(target))

    return RowLoader(
        _encoded(dataset, inputs),
        dataset.index.target,
        positions,
        batch_size=batch if training else max(batch, EVALUATE_BATCH),
        seed=recipe.seed,
        training=training,
        prepare=prepare,
        rebalance=recipe.train.rebalance,
    )


def _typed(target: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(target, dtype=torch.float32 if target.dtype.kind == "f" else torch.int64)


def _encoded(dataset: Dataset, inputs: Inputs) -> EncodedTable:
    if not isinstance(dataset, Rows):
        samples = [dataset[i] for i in range(len(dataset))]
        return EncodedTable(inputs.encode(cells_of(samples, dataset.schema.facts)))
    key = (dataset.fingerprint, json.dumps(inputs.facts["inputs"]))
    if key not in _ENCODED:
        while len(_ENCODED) >= _KEPT:
            _ENCODED.pop(next(iter(_ENCODED)))
        _ENCODED[key] = EncodedTable(inputs.encode(dataset.cells()))
    return _ENCODED[key]


def warm(
    dataset: Dataset, recipe: Recipe, sample_seconds: float, progress: Callable[[int, int], None]
) -> list[Finding]:
    """Nothing to do: rows lie in memory."""
    return []


def remember(recipe: Recipe, schema: Schema) -> dict[str, Any]:
    """The schema's facts: kinds of columns, medians, categories."""
    return dict(schema.facts)


def open_samples(path: Path, schema: Schema) -> Opened:
    """The rows of a table that a model is to answer for.

    Raises: DataError if it is no table, or lacks columns that the model uses; it lists them.
    """
    table = _table(path)
    described: list[Mapping[str, Any]] = [c for c in schema.facts["columns"] if c["use"]]
    absent = [str(c["name"]) for c in described if c["name"] not in table.columns]
    if absent:
        raise DataError(
            "this table lacks columns that the model uses",
            got=", ".join(printable(name, 60) for name in absent[:20]),
            allowed=", ".join(printable(str(c["name"]), 60) for c in described[:40]),
            where=path,
            do="add them; their cells may be empty",
        )
    known = {str(c["name"]) for c in schema.facts["columns"]} | {schema.target_name}
    extra = [name for name in table.columns if name not in known]
    names = [str(c["name"]) for c in described]
    columns = [table.column(name) for name in names]
    samples = [
        (str(line), dict(zip(names, cells, strict=True)))
        for line, cells in zip(table.lines, zip(*columns, strict=True), strict=True)
    ]
    notes = []
    if extra:
        numbers = {"table": path.name, "count": len(extra), "names": ", ".join(printable(n, 60) for n in extra[:20])}
        notes.append(Finding(code="GF-D030", severity="info", numbers=numbers))
    if table.skipped:
        lines = ", ".join(str(line) for line, _ in table.skipped[:20])
        numbers = {"count": len(table.skipped), "table": path.name, "lines": lines}
        notes.append(Finding(code="GF-D016", severity="warning", numbers=numbers))
    return Opened(samples=samples, notes=tuple(notes))


def _table(path: Path) -> Table:
    if is_arff(path):
        return read_arff(path)[0]
    if is_sqlite(path):
        return read_query(path, None)
    if not is_table(path):
        raise DataError(
            "this is no table", where=path, allowed="csv, tsv, jsonl, parquet, arff, sqlite", do="name a table"
        )
    return read_table(path)
