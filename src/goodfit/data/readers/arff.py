"""Attribute-Relation File Format, as Weka and OpenML use it: a header that names kinds, then rows of cells.

Source: Weka's description of ARFF, version 3.9; sparse rows (`{3 x, 7 y}`) are read too, absent cells being 0.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import DataError, printable
from ...core.recipe import DataSection
from ..columns import ColumnKind
from ..encodings import decode
from ..reader import PLAIN, Context, Reader
from ..rows import Rows
from .rowfiles import rows_dataset
from .tabletext import Cell, Table, long_cells

_ATTRIBUTE = re.compile(r"""@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+)\s+(.+)""", re.I)
_KINDS: dict[str, ColumnKind] = {"numeric": "number", "real": "number", "integer": "number"}


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A column as the header declares it.

    Attributes:
        name: of the column.
        kind: None where the header leaves it open (string, date).
        values: of a nominal one, else empty.
    """

    name: str
    kind: ColumnKind | None
    values: tuple[str, ...] = ()


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A file that ends in .arff."""
    return f"ARFF table {path.name}" if path.suffix.lower() == ".arff" and path.is_file() else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Rows:
    """One row a sample.

    Raises: DataError naming the line that is no attribute or no row, or if the target is missing.
    """
    table, kinds = read_arff(path)
    return rows_dataset({"": table}, section, context, f"ARFF table {path.name}", kinds)


def read_arff(path: Path) -> tuple[Table, dict[str, ColumnKind]]:
    """The table of an ARFF file, and the kinds that its header names.

    Raises: DataError if it cannot be read or has no attributes or no rows.
    """
    try:
        text, encoding = decode(path.read_bytes())
    except OSError as error:
        raise DataError(
            "this table cannot be read", got=error.strerror, where=path, do="check its permissions"
        ) from None
    lines = text.replace("\0", "").splitlines()
    attributes: list[Attribute] = []
    start = len(lines)
    for number, line in enumerate(lines, start=1):
        word = line.strip().lower()
        if word.startswith("@data"):
            start = number
            break
        if word.startswith("@attribute"):
            attributes.append(_attribute(line.strip(), path, number))
    if not attributes or start == len(lines):
        raise DataError(
            "this ARFF file has no attributes or no rows", where=path, do="it needs @attribute lines, @data and rows"
        )
    rows: list[tuple[Cell, ...]] = []
    kept: list[int] = []
    skipped: list[tuple[int, str]] = []
    for number, line in enumerate(lines[start:], start=start + 1):
        if not line.strip() or line.lstrip().startswith("%"):
            continue
        cells = _cells(line.strip(), attributes)
        if cells is None or _undeclared(cells, attributes):
            skipped.append((number, "ragged" if cells is None else "undeclared"))
        else:
            rows.append(cells)
            kept.append(number)
    if not rows:
        raise DataError("no row of this ARFF file can be used", got=f"{len(skipped)} skipped", where=path, do="mend it")
    columns = tuple(attribute.name for attribute in attributes)
    table = Table(path=path, columns=columns, rows=rows, lines=kept, skipped=skipped, encoding=encoding)
    return table, {a.name: a.kind for a in attributes if a.kind is not None}


def _attribute(line: str, path: Path, number: int) -> Attribute:
    found = _ATTRIBUTE.fullmatch(line)
    if found is None:
        raise DataError(
            "this line declares no attribute",
            got=printable(line, 80),
            allowed="@attribute NAME numeric, or {a, b, c}",
            where=f"{path}:{number}",
            do="mend the line",
        )
    name, kind = _unquoted(found[1]), found[2].strip()
    if kind.startswith("{") and not kind.endswith("}"):
        raise DataError(
            "the values of this attribute have no closing brace",
            got=printable(line, 80),
            allowed="@attribute NAME {a, b, c}",
            where=f"{path}:{number}",
            do="mend the line",
        )
    if kind.startswith("{"):
        return Attribute(name=name, kind="category", values=tuple(_split(kind.strip("{} ")) or ()))
    return Attribute(name=name, kind=_KINDS.get(kind.lower().split()[0]))


def _undeclared(cells: Sequence[Cell], attributes: Sequence[Attribute]) -> bool:
    """Whether a cell of a nominal attribute is none of the values that the header declares."""
    return any(
        a.values and cell is not None and cell not in a.values for cell, a in zip(cells, attributes, strict=True)
    )


def _cells(line: str, attributes: Sequence[Attribute]) -> tuple[Cell, ...] | None:
    """Cells of one row, None where their number is wrong or one is too long."""
    if line.startswith("{"):
        return _sparse(line, attributes)
    cells = _split(line)
    if cells is None or len(cells) != len(attributes):
        return None
    return tuple(None if cell == "?" else cell for cell in cells)


def _sparse(line: str, attributes: Sequence[Attribute]) -> tuple[Cell, ...] | None:
    cells: list[Cell] = [a.values[0] if a.values else "0" for a in attributes]  # what is left out has the first value
    pairs = _split(line.split("}")[0].strip("{ "))
    if pairs is None:
        return None
    for pair in pairs:
        place, _, value = pair.strip().partition(" ")
        if not place.isdecimal() or len(place) > 9 or int(place) >= len(cells):
            return None
        cells[int(place)] = None if value.strip() == "?" else _unquoted(value.strip())
    return tuple(cells)


def _split(text: str) -> list[str] | None:
    """The cells of a line; None where one is too long."""
    mark = "'" if "'" in text and '"' not in text else '"'
    reader = csv.reader([text], quotechar=mark, escapechar="\\", skipinitialspace=True)
    try:
        with long_cells():
            return [cell.strip() for cell in next(reader, [])]
    except csv.Error:
        return None


def _unquoted(text: str) -> str:
    return text[1:-1].replace("\\", "") if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


READER = Reader(
    name="arff",
    layout="DATA.arff: ARFF as Weka and OpenML write it, dense or sparse",
    recognises=recognises,
    read=read,
    sample="table",
    columns=frozenset({"target", "group", "time", "ignore"}),
)
