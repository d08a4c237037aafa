"""Tables of boxes: one row a box, with columns of the picture, the corners and the class.

Sources of the names: TensorFlow's object detection tables (filename, xmin, ...), Open Images (ImageID, XMin, ... as
shares), keras-retinanet (path, x1, ...), Kaggle's (image_id, x, y, w, h).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import DataError
from ...core.finding import Finding
from ...core.recipe import DataSection
from ..annotated import Box, Picture, boxes_dataset
from ..boxes import Boxes
from ..reader import PLAIN, Context, Reader
from .annotations import Skipped, number, relative, walk
from .tablefiles import files_of, first_table, given_part, listed, notes_of, part_column
from .tabletext import Cell, Table, read_table

_CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"), ("x1", "y1", "x2", "y2"))
_SIDES = (("x", "y", "w", "h"), ("x", "y", "width", "height"), ("left", "top", "width", "height"))
_EDGES = (("left", "top", "right", "bottom"),)
_PICTURE = ("filename", "file_name", "image", "image_path", "path", "file", "img", "image_name", "image_id", "imageid")
_CLASS = ("class", "label", "class_name", "labelname", "category", "name", "object", "species")
_ENDINGS = ("", ".jpg", ".png", ".jpeg")
_LOOKED_AT = 50


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a table of boxes is read: columns by their use, and whether the last two are sides instead of corners."""

    picture: str
    label: str | None
    corners: tuple[str, ...]
    are_sides: bool
    part: str | None


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A table with four columns of corners and one of pictures."""
    files = files_of(path, without)
    table = first_table(files)
    plan = _plan(table, DataSection()) if table is not None else None
    if table is None or plan is None or not len(table.rows):
        return None
    root = path if path.is_dir() else path.parent
    return f"table of boxes in {listed(files)}" if _base(table, plan.picture, root) else None


def broken(path: Path, without: Path | None = None) -> DataError | None:
    """A table of pictures with three of four columns of corners."""
    for file in files_of(path, without).values():
        table = first_table({"": file})
        if table is None:
            continue
        lower = {column.lower(): column for column in reversed(table.columns)}
        picture = _first(lower, _PICTURE)
        for names in (*_CORNERS, *_EDGES):
            missing = [name for name in names if name not in lower]
            root = path if path.is_dir() else path.parent
            if len(missing) == 1 and picture is not None and _base(table, picture, root):
                return DataError(
                    f"a column of boxes is missing: {missing[0]}",
                    got=", ".join(table.columns[:40]),
                    allowed=", ".join(names) + " beside columns of the picture and the class",
                    where=file,
                    do="name the columns so",
                )
    return None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Boxes:
    """One row a box; a row with a picture and no corners says that there is nothing to be seen.

    Raises: DataError if columns are missing, or one table counts pixels and another one shares.
    """
    files = files_of(path, context.without)
    root = context.root or (path if path.is_dir() else path.parent)
    skipped, pictures, notes, shares = Skipped(), list[Picture](), list[Finding](), dict[str, bool]()
    for part, file in files.items():
        table = read_table(file)
        plan = _plan(table, section)
        if plan is None:
            raise DataError(
                "this table has no columns of boxes",
                got=", ".join(table.columns[:40]),
                allowed="xmin, ymin, xmax, ymax (or x, y, w, h) beside columns of the picture and the class",
                where=file,
                do="name the columns so",
            )
        found, is_share = _pictures(table, plan, part, root, skipped)
        pictures, notes = pictures + found, notes + notes_of(table)
        shares |= {} if is_share is None else {file.name: is_share}
    if not files:
        raise DataError("no table here", where=path, allowed="csv, tsv, jsonl, parquet", do="name the file")
    if len(set(shares.values())) > 1:
        raise DataError(
            "the tables do not agree on what their corners are",
            got=", ".join(f"{name}: {'shares' if is_share else 'pixels'}" for name, is_share in shares.items()),
            allowed="pixels in all of them, or shares of the sides (0 to 1) in all of them",
            where=path,
            do="write them alike",
        )
    return boxes_dataset(
        pictures,
        format=str(recognises(path, context.without) or "table of boxes"),
        context=context,
        root=root,
        is_share=any(shares.values()),
        notes=[*notes, *skipped.findings()],
    )


def _plan(table: Table, section: DataSection) -> Plan | None:
    lower = {column.lower(): column for column in reversed(table.columns)}
    for names, are_sides in (*((n, False) for n in (*_CORNERS, *_EDGES)), *((n, True) for n in _SIDES)):
        if all(name in lower for name in names):
            picture = section.input if section.input != "auto" else _first(lower, _PICTURE)
            label = section.target if section.target != "auto" else _first(lower, _CLASS)
            if picture not in table.columns or (label is not None and label not in table.columns):
                return None
            return Plan(
                picture=picture,
                label=label,
                corners=tuple(lower[name] for name in names),
                are_sides=are_sides,
                part=part_column(table, section),
            )
    return None


def _first(lower: dict[str, str], names: Sequence[str]) -> str | None:
    return next((lower[name] for name in names if name in lower), None)


def _pictures(table: Table, plan: Plan, part: str, root: Path, skipped: Skipped) -> tuple[list[Picture], bool | None]:
    """The pictures of one table, and whether their corners are shares of the sides; None where no box tells."""
    base = _base(table, plan.picture, root) or (table.path.parent, "")
    columns = [table.column(name) for name in plan.corners]
    labels: Sequence[Cell] = table.column(plan.label) if plan.label else ["object"] * len(table.rows)
    parts: Sequence[Cell] = table.column(plan.part) if plan.part else [None] * len(table.rows)
    boxes: dict[tuple[str, str], list[Box]] = {}
    largest = 0.0
    for i, (cell, label, said) in enumerate(zip(table.column(plan.picture), labels, parts, strict=True)):
        name = "" if cell is None else str(cell).strip().replace("\\", "/")
        if not name:
            skipped.add(f"{table.path.name}:{table.lines[i]}", "no picture named")
            continue
        here = boxes.setdefault((name, given_part(said, part)), [])
        cells = [column[i] for column in columns]
        if all(c is None or str(c).strip() == "" for c in cells):
            continue
        x1, y1, x2, y2 = (number(c) for c in cells)
        if plan.are_sides:
            x2, y2 = x1 + x2, y1 + y2
        largest = max(largest, *(v for v in (x2, y2) if v == v), 0.0)
        here.append(Box(label=str(label).strip(), corners=(x1, y1, x2, y2)))
    found = [_picture(name, tuple(here), given, base, root) for (name, given), here in boxes.items()]
    return found, largest <= 1.0 + 1e-6 if largest > 0 else None


def _picture(name: str, boxes: tuple[Box, ...], part: str, base: tuple[Path, str], root: Path) -> Picture:
    where = os.path.normpath(os.path.join(base[0], name + base[1])) if "\0" not in name else ""
    return Picture(id=relative(where, root) if where else name, where=where, boxes=boxes, part=part)


def _base(table: Table, column: str, root: Path) -> tuple[Path, str] | None:
    """(folder, ending) from which the names lead to most pictures."""
    cells = [str(c).strip().replace("\\", "/") for c in table.column(column) if c is not None]
    names = [name for name in cells[:: max(1, len(cells) // _LOOKED_AT)] if name and "\0" not in name]
    best: tuple[int, Path, str] = (0, root, "")
    for folder in (table.path.parent, *(f for f in walk(root, 2) if f != table.path.parent)):
        for ending in _ENDINGS:
            hits = sum(os.path.isfile(os.path.join(folder, name + ending)) for name in names)
            best = max(best, (hits, folder, ending), key=lambda entry: entry[0])
    return (best[1], best[2]) if best[0] else None


READER = Reader(
    name="box_table",
    layout="DATA.csv (also tsv, jsonl, parquet), one row a box: filename, xmin, ymin, xmax, ymax, class",
    recognises=recognises,
    read=read,
    sample="boxes",
    broken=broken,
    columns=frozenset({"input", "target"}),
)
