"""Rows of an SQLite database: what a query gives, or the one table that it holds; opened for reading alone.

Source: the file header "SQLite format 3" and URI file names with `mode=ro`, sqlite.org/fileformat.html and c3ref.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...core.errors import DataError, printable
from ...core.recipe import DataSection
from ..reader import PLAIN, Context, Reader
from ..rows import Rows
from ..targets import clean_text
from .rowfiles import rows_dataset
from .tabletext import Cell, Table

_HEADER = b"SQLite format 3\0"


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A file that begins as SQLite databases do."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return f"SQLite database {path.name}" if file.read(len(_HEADER)) == _HEADER else None
    except OSError:
        return None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Rows:
    """One row of `data.query` a sample, or of the only table.

    Raises: DataError with SQLite's own words for a faulty query, or the tables where there are several.
    """
    return rows_dataset({"": read_query(path, section.query)}, section, context, f"SQLite database {path.name}")


def read_query(path: Path, query: str | None) -> Table:
    """The rows of a query; None = of the only table or view.

    Raises: DataError, also for a query that would write.
    """
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("pragma query_only = on")
            asked = query or _only_table(connection, path)
            cursor = connection.execute(asked)
            if cursor.description is None:
                raise DataError("this query gives no rows", got=asked, where="data.query", do="write a select")
            columns = tuple(str(entry[0]) for entry in cursor.description)
            rows = [tuple(_cell(value) for value in row) for row in cursor]
    except sqlite3.Error as error:
        raise DataError(
            "SQLite cannot answer this query",
            got=error,
            where=f"{path}, data.query" if query else path,
            do="mend the query" if query else "check that the file is a whole database",
        ) from None
    if len(set(columns)) < len(columns):
        raise DataError(
            "two columns of the query have one name", got=", ".join(columns), where="data.query", do="use `as`"
        )
    if not rows:
        raise DataError("this query gives no rows", where=f"{path}, data.query", do="check its conditions")
    return Table(path=path, columns=columns, rows=rows, lines=list(range(1, len(rows) + 1)))


def _only_table(connection: sqlite3.Connection, path: Path) -> str:
    found = connection.execute(
        "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%'"
    )
    names = sorted(str(name) for (name,) in found)
    if len(names) != 1:
        raise DataError(
            "this database holds several tables" if names else "this database holds no table",
            got=", ".join(printable(name, 60) for name in names[:40]) or None,
            where=path,
            do='say which rows: data.query="select ... from ..."',
        )
    quoted = names[0].replace('"', '""')
    return f'select * from "{quoted}"'


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, bytes):
        return None
    return clean_text(value.replace("\0", "")) if isinstance(value, str) else float(value)


READER = Reader(
    name="sqlite",
    layout='DATA.sqlite with one table, or data.query="select ..."',
    recognises=recognises,
    read=read,
    sample="table",
    columns=frozenset({"target", "group", "time", "ignore", "query"}),
)
