"""Rows of a table as text columns, whatever its format, encoding and separator; bad rows are counted.

CSV, TSV and JSONL may be compressed by gzip, xz or bzip2. Sources: RFC 4180 (CSV), RFC 8259 (JSON).
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ..columns import WEAK, as_text
from ..encodings import decode
from ..targets import clean_text
from . import columnar, workbook

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", *columnar.SUFFIXES, *workbook.SUFFIXES)
_OPEN: Mapping[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
MOST_BYTES = 4 << 30  # of an unpacked table; a small file that unpacks to more is a bomb, or wants another format
_CELL_LIMIT = 1 << 20  # characters of one cell; a quote that never closes would eat the whole file
_LOOKED_AT = 200  # rows below a first one that may be a header
_SHARD = re.compile(r"-(\d{5}|\*)-of-(\d{5})(-[0-9a-f]{16})?(?=\.[a-z]+$)")  # as `datasets` cuts a table into files
_KEPT = 2  # tables held, so that each reader that is asked need not read the file again

Cell = str | float | tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as read.

    Attributes:
        path: the file.
        columns: names in file order.
        rows: one tuple of cells a row.
        lines: line number of each row, from 1.
        skipped: (line number, why) of rows that could not be used: ragged, bad_json.
        encoding: as `encodings.decode` names it.
        separator: between cells, "" where it has no meaning.
        nuls: NUL characters taken out.
        made_up: columns that the file gives no name of their own.
        unread: columns of bytes, which are no cells.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    lines: Sequence[int]
    skipped: Sequence[tuple[int, str]] = ()
    encoding: str = "utf-8"
    separator: str = ""
    nuls: int = 0
    made_up: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def column(self, name: str) -> list[Cell]:
        """Cells of one column. Raises: DataError listing the columns if there is none of that name."""
        if name not in self.columns:
            raise DataError(
                f"no column named '{name}'", allowed=", ".join(self.columns), where=self.path, do="name one of these"
            )
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


def is_table(path: Path) -> bool:
    """Whether the suffix is that of a table, below one of a compression."""
    return kind_of(path) in SUFFIXES


def kind_of(path: Path) -> str:
    """Suffix of a file below that of a compression, in lower case: `.csv` of train.csv.xz."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in _OPEN else suffix


def stem_of(path: Path) -> str:
    """Name of a file without the suffixes of format and compression, in lower case: `train` of train.csv.xz."""
    bare = _SHARD.sub("", path.name.lower())
    return Path(Path(bare).stem).stem if path.suffix.lower() in _OPEN else Path(bare).stem


def whole_of(path: Path) -> Path:
    """The table that a file is a piece of: `train-*-of-00002.parquet` of train-00000-of-00002.parquet; else itself."""
    return path.with_name(_SHARD.sub(r"-*-of-\2", path.name)) if _SHARD.search(path.name) else path


def files_of_table(path: Path) -> list[Path]:
    """The pieces of a table by name, or its one file. Raises: DataError if a piece is missing."""
    found = _SHARD.search(path.name)
    if found is None or found[1] != "*":
        return [path]
    pieces = sorted(p for p in path.parent.iterdir() if whole_of(p) == path)
    if len(pieces) != int(found[2]):
        raise DataError(
            "pieces of this table are missing",
            got=f"{len(pieces)} files",
            allowed=f"{int(found[2])} files",
            where=path,
            do="copy all of them, or name one piece",
        )
    return pieces


def read_table(path: Path) -> Table:
    """The whole table; the last ones read are kept until their files change.

    Raises: DataError if it is empty, damaged or of no known encoding; MissingExtra without the library that it needs.
    """
    try:
        files = files_of_table(path)
        stats = [os.stat(file) for file in files]
    except OSError as error:
        raise _unreadable(path, error) from None
    return _read(path, tuple(files), tuple((stat.st_size, stat.st_mtime_ns) for stat in stats))


@lru_cache(maxsize=_KEPT)
def _read(path: Path, files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> Table:
    """The table of files of these sizes and times of change."""
    kind = kind_of(path)
    if kind in columnar.SUFFIXES:
        return _read_columnar(path, files)
    if kind in workbook.SUFFIXES:
        return _read_sheet(path)
    text, encoding = decode(_bytes_of(path))
    nuls = text.count("\0")
    text = text.replace("\0", "")
    if not text.strip():
        raise DataError("this table is empty", where=path, do="name another one")
    if kind in (".jsonl", ".ndjson"):
        return _read_jsonl(path, text, encoding, nuls)
    return _read_csv(path, text, encoding, nuls)


def _bytes_of(path: Path) -> bytes:
    """Unpacked bytes of a file. Raises: DataError if it cannot be read or unpacked, or grows beyond MOST_BYTES."""
    unpacked = _OPEN.get(path.suffix.lower(), open)
    try:
        with unpacked(path, "rb") as file:
            raw = bytes(file.read(MOST_BYTES + 1))
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError("this compressed table is damaged", got=error, where=path, do="pack it again") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if len(raw) > MOST_BYTES:
        raise DataError(
            "this table is too large to be read as a whole",
            got=f"more than {MOST_BYTES >> 30} GiB",
            where=path,
            do="store it as Parquet, or cut it into parts",
        )
    return raw


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(
        "this table cannot be read",
        got=error.strerror or error,
        where=path,
        do="check the name and its permissions",
    )


def _read_csv(path: Path, text: str, encoding: str, nuls: int) -> Table:
    separator = "\t" if kind_of(path) == ".tsv" else _separator_of(text)
    cells = list(_csv_rows(path, text, separator))
    if not cells:
        raise DataError("this table is empty", got="separators alone", where=path, do="name another one")
    width = Counter(len(row) for _, row in cells[:1000]).most_common(1)[0][0]
    skipped = [(line, "ragged") for line, row in cells if len(row) != width]
    whole = [(line, row) for line, row in cells if len(row) == width]
    has_header = _is_header(whole[0][1], [row for _, row in whole[1 : _LOOKED_AT + 1]])
    body = whole[1:] if has_header else whole
    columns, made_up = _named(whole[0][1] if has_header else [""] * width)
    return Table(
        path=path,
        columns=columns,
        rows=[tuple(row) for _, row in body],
        lines=[line for line, _ in body],
        skipped=skipped,
        encoding=encoding,
        separator=separator,
        nuls=nuls,
        made_up=made_up,
    )


def _csv_rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        with long_cells():
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield reader.line_num, row
    except csv.Error as error:
        raise DataError(
            "this table breaks off",
            got=f"line {reader.line_num}: {error}",
            where=path,
            do="mend the quotes of that line",
        ) from None


@contextmanager
def long_cells() -> Iterator[None]:
    """Let csv read cells up to _CELL_LIMIT, its own limit being 131,072 characters."""
    old = csv.field_size_limit(_CELL_LIMIT)
    try:
        yield
    finally:
        csv.field_size_limit(old)


def _separator_of(text: str) -> str:
    """The separator that cuts the first lines into the most equal pieces; a comma where none does."""
    lines = [line for line in text[:65536].splitlines()[:20] if line.strip()]
    counts = {mark: [line.count(mark) for line in lines] for mark in (",", "\t", ";", "|")}
    steady = {mark: min(found) for mark, found in counts.items() if found and min(found) > 0}
    return max(steady, key=lambda mark: (counts[mark].count(counts[mark][0]), steady[mark])) if steady else ","


def _is_header(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: all cells are names and differ, or the names outweigh the rest.

    A name is no number, no picture's name and no mark of a missing cell. Where a cell is empty, repeated or a number,
    the names must not come again below, and: without numbers there must be more names than not, or one above numbers,
    or an empty cell above a counter, as pandas writes its index; with numbers one must stand above numbers and no fewer
    names than numbers be there, or the numbers count on by one (years, places).
    """
    cells = [cell.strip() for cell in first]
    if any(Path(cell).suffix.lower() in _PICTURE_SUFFIXES for cell in cells):
        return False
    numbers = [cell for cell in cells if cell and _is_number(cell)]
    if all(cells) and not numbers and len(set(cells)) == len(cells):
        return True
    below = {k: [row[k].strip() for row in body if as_text(row[k]) is not None] for k in range(len(cells))}
    names = [k for k, cell in enumerate(cells) if cell not in numbers and as_text(cell) and cell.lower() not in WEAK]
    if not names or any(cells[k] in below[k] for k in names):
        return False
    stands_above = any(below[k] and all(map(_is_number, below[k])) for k in names)
    if numbers:
        return (stands_above and len(names) >= len(numbers)) or _count_on(numbers, 3)
    is_index = not cells[0] and _count_on(below[0], 2)
    return stands_above or is_index or 2 * len(names) > len(cells)


def _count_on(texts: Sequence[str], fewest: int) -> bool:
    """Whether these are whole numbers, each one more than the last."""
    whole = [int(text) for text in texts if text.isdecimal() and len(text) < 16]
    steps = [after - before for before, after in pairwise(whole)]
    return len(whole) == len(texts) >= fewest and all(step == 1 for step in steps)


def _named(first: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns for the cells of a header, and those whose names are made up: `column_3` of an empty cell, `age#2`."""
    names, made_up = list[str](), list[str]()
    taken = {cell.strip() for cell in first}
    for k, cell in enumerate(first, start=1):
        name = said = cell.strip() or f"column_{k}"
        again = 1
        while name in names or (name in taken and name != cell.strip()):
            again += 1
            name = f"{said}#{again}"
        names.append(name)
        made_up += [name] if name != cell.strip() else []
    return tuple(names), tuple(made_up)


_PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"})


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_jsonl(path: Path, text: str, encoding: str, nuls: int) -> Table:
    objects: list[tuple[int, Mapping[str, Any]]] = []
    skipped: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            objects.append((number, value))
        else:
            skipped.append((number, "bad_json"))
    columns = tuple(dict.fromkeys(key for _, value in objects for key in value))
    if not columns:
        raise DataError("no line of this file is a JSON object", where=path, do="write one object a line")
    rows = [tuple(_cell(value.get(key)) for key in columns) for _, value in objects]
    return Table(
        path=path,
        columns=columns,
        rows=rows,
        lines=[n for n, _ in objects],
        skipped=skipped,
        encoding=encoding,
        nuls=nuls,
    )


def _cell(value: Any) -> Cell:
    if isinstance(value, list | tuple):
        return tuple(clean_text(str(item)) for item in value)
    if value is None or isinstance(value, str):
        return None if value is None else clean_text(value.replace("\0", ""))
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return json.dumps(value, sort_keys=True, default=str)


def _read_columnar(path: Path, files: Sequence[Path]) -> Table:
    columns, found = columnar.read_columns(files)
    if not found:
        raise DataError("this table is empty", where=path, do="name another one")
    rows = [tuple(_cell(value) for value in row) for row in found]
    unread = tuple(columnar.picture_columns(files[0]))
    return Table(path=path, columns=tuple(columns), rows=rows, lines=list(range(1, len(rows) + 1)), unread=unread)


def _read_sheet(path: Path) -> Table:
    """The first sheet of a workbook, whose first row names the columns or not, as in CSV."""
    found = workbook.read_sheet(path)
    if not found:
        raise DataError("this table is empty", where=path, do="name another one")
    width = max(1 + max(k for k, cell in enumerate(row) if cell not in (None, "")) for _, row in found)
    rows = [(number, (*row, *[None] * width)[:width]) for number, row in found]
    texts = [["" if (cell := _cell(value)) is None else str(cell) for value in row] for _, row in rows]
    has_header = _is_header(texts[0], texts[1 : _LOOKED_AT + 1])
    columns, made_up = _named(texts[0] if has_header else [""] * width)
    body = rows[1:] if has_header else rows
    return Table(
        path=path,
        columns=columns,
        rows=[tuple(_cell(value) for value in row) for _, row in body],
        lines=[number for number, _ in body],
        made_up=made_up,
    )
