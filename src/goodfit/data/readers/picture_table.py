"""Tables that hold the pictures themselves: Parquet, Feather, or a folder that the library `datasets` saved.

Source: how `datasets` stores pictures, a struct of bytes and path (Lhoest et al. 2021, arXiv:2109.02846).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...core.errors import DataError, GoodfitError
from ...core.recipe import DataSection
from ..annotated import is_inside
from ..held import place, write_out
from ..images import ImageFiles
from ..reader import PLAIN, Context, Reader
from ..targets import Row, files_dataset
from . import columnar
from .class_folders import MAGIC
from .tablefiles import files_of, given_part, label_of, listed, notes_of, part_column, targets_of
from .tabletext import Cell, Table, files_of_table, kind_of, read_table

_NAMES = ("image", "img", "picture", "photo", "jpg", "png")
_LOOKED_AT = 20  # rows, until one holds a picture


def recognises(path: Path, without: Path | None = None) -> str | None:
    """Tables with a column of pictures."""
    files = _files(path, without)
    try:
        column = _column(files, DataSection()) if files else None
    except GoodfitError:
        return None
    return f"table that holds its pictures in '{column}': {listed(files)}" if column is not None else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageFiles:
    """One row a picture; the pictures are written into the cache once.

    Raises: DataError if no column holds pictures, or the target is missing or ambiguous; it lists the columns.
    """
    files = _files(path, context.without)
    column = _column(files, section) if files else None
    if column is None:
        raise DataError(
            "no column of this table holds pictures", where=path, allowed="bytes of JPEG, PNG, ...", do="name the table"
        )
    tables = {part: _without(read_table(file), column) for part, file in files.items()}
    first = tables.get("train") or next(iter(tables.values()))
    said = part_column(first, section)
    if section.group is not None:
        first.column(section.group)
    targets = targets_of(first, [c for c in first.columns if c not in (said, section.group)], section, context)
    rows: list[Row] = []
    for part, table in tables.items():
        rows += _rows(table, part, targets, said, section, _written(table, column, context))
    return files_dataset(
        rows,
        format=str(recognises(path, context.without) or "table of pictures"),
        target_name=", ".join(targets),
        context=context,
        classes=targets if len(targets) > 1 else None,
        notes=[note for table in tables.values() for note in notes_of(table)],
    )


def _without(table: Table, column: str) -> Table:
    """The table, its pictures no longer counted among the columns that nothing reads."""
    return replace(table, unread=tuple(name for name in table.unread if name != column))


def _files(path: Path, without: Path | None) -> dict[str, Path]:
    files = files_of(path, without)
    return files if all(kind_of(file) in columnar.SUFFIXES for file in files.values()) else {}


def _column(files: Mapping[str, Path], section: DataSection) -> str | None:
    """The column of pictures: the one that was named, else that of a usual name, else the first."""
    first = files_of_table(files.get("train") or next(iter(files.values())))
    held = columnar.picture_columns(first[0])
    if section.input != "auto":
        held = [name for name in held if name == section.input]
    held.sort(key=lambda name: _NAMES.index(name.lower()) if name.lower() in _NAMES else len(_NAMES))
    return next((name for name in held if _holds_pictures(first[:1], name)), None)


def _holds_pictures(files: Sequence[Path], column: str) -> bool:
    """Whether one of the first cells begins as a picture does."""
    for _, (held, _) in zip(range(_LOOKED_AT), columnar.pictures(files, column), strict=False):
        if held:
            return held.startswith(MAGIC) or (held[:4] == b"RIFF" and held[8:12] == b"WEBP")
    return False


def _written(table: Table, column: str, context: Context) -> Path:
    assert context.cache is not None  # `reading.read` gives one
    files = files_of_table(table.path)
    return write_out(files, context.cache, column, _bytes(files, column, context.root or table.path.parent))


def _bytes(files: Sequence[Path], column: str, root: Path) -> Iterator[bytes]:
    """Bytes of each picture; of one that is only named those of the file, if it lies in the data."""
    for held, path in columnar.pictures(files, column):
        where = os.path.join(root, path) if held is None and path and "\0" not in path else ""
        try:
            yield Path(where).read_bytes() if where and is_inside(where, root) else held or b""
        except OSError:
            yield b""


def _rows(
    table: Table, part: str, targets: Sequence[str], said: str | None, section: DataSection, folder: Path
) -> Iterator[Row]:
    blank: list[Cell] = [None] * len(table.rows)
    column = lambda name: table.column(name) if name is not None and name in table.columns else blank  # noqa: E731
    cells = [column(name) for name in targets]
    labelled = any(name in table.columns for name in targets)
    for i, (word, group) in enumerate(zip(column(said), column(section.group), strict=True)):
        yield Row(
            id=f"{part + '/' if part else ''}{table.path.name}:{table.lines[i]}",
            where=place(folder, i),
            label=label_of([values[i] for values in cells], targets) if labelled else None,
            part=given_part(word, part),
            group=None if group is None else str(group),
        )


READER = Reader(
    name="picture_table",
    layout="DATA.parquet (also feather, arrow) with a column of picture bytes and one of labels; or the folder that "
    "datasets' save_to_disk wrote",
    recognises=recognises,
    read=read,
    columns=frozenset({"input", "target", "group"}),
)
