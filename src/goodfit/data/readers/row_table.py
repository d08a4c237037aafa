"""Tables whose rows are the samples, a column a feature: one file, or train, val and test files in a folder."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..reader import PLAIN, Context, Reader
from ..rows import Rows
from .rowfiles import rows_dataset
from .tablefiles import files_of, first_table, listed
from .tabletext import read_table

LEAST_COLUMNS = 2


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A table of two columns or more; those of picture paths and of texts are asked before it."""
    files = files_of(path, without)
    if not files:
        return None
    first = first_table(files)
    if first is None:
        return None if path.is_dir() else _said(files)  # a file that was named is read, and says what is wrong with it
    return _said(files) if len(first.columns) >= LEAST_COLUMNS else None


def _said(files: dict[str, Path]) -> str:
    return "table of rows in " + listed(files)


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Rows:
    """One row a sample.

    Raises: DataError if there is no table, or its target is missing or ambiguous; it lists the columns.
    """
    files = files_of(path, context.without)
    if not files:
        raise DataError("no table here", where=path, allowed="csv, tsv, jsonl, parquet", do="name the file")
    tables = {part: read_table(file) for part, file in files.items()}
    return rows_dataset(tables, section, context, _said(files))


READER = Reader(
    name="row_table",
    layout="DATA.csv (also tsv, jsonl, parquet) with a column a feature and one target; or DATA/{train,val,test}.csv",
    recognises=recognises,
    read=read,
    usual=True,
    sample="table",
    columns=frozenset({"target", "group", "time", "ignore"}),
)
