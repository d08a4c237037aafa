"""Tables of picture paths and labels: one file, or train, val and test files in a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotators import annotator_column, merged
from ..images import ImageFiles
from ..picture import SUFFIXES
from ..reader import PLAIN, Context, Reader
from ..targets import Row, files_dataset
from .annotations import relative
from .class_folders import class_folders_in, has_pictures
from .tablefiles import files_of, first_table, given_part, label_of, listed, notes_of, part_column, shown, targets_of
from .tabletext import Cell, Table, read_table

_INPUT_NAMES = (
    "path",
    "image",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image_path",
    "img",
    "img_path",
    "image_name",
    "image_id",
    "id",
    "name",
)
_ENDINGS = ("", ".jpg", ".png", ".jpeg", ".JPG", ".tif", ".webp")
_LOOKED_AT = 50


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a table is read.

    Attributes:
        input: column of the path.
        targets: columns of the target; several = one 0/1 column a class.
        part: column that says train, val or test, or None.
        group: column of groups, or None.
        annotator: column of who gave the label, or None.
        base: folder that paths are relative to.
        ending: added to each path.
    """

    input: str
    targets: tuple[str, ...]
    part: str | None
    group: str | None
    annotator: str | None
    base: Path
    ending: str


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A table whose paths lead to pictures."""
    files = files_of(path, without)
    if not files:
        return None
    if (
        path.is_dir()
        and "train" not in files
        and len([f for f in class_folders_in(path, without) if has_pictures(f)]) > 1
    ):
        return None  # class folders with some table beside them
    table = first_table(files)
    if table is None or not _has_input(table):
        return None
    return "table of paths in " + listed(files)


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageFiles:
    """One row a picture.

    Raises: DataError if no column leads to pictures, or the target is missing or ambiguous; it lists the columns.
    """
    files = files_of(path, context.without)
    if not files:
        raise DataError("no table here", where=path, allowed="csv, tsv, jsonl, parquet", do="name the file")
    tables = {part: read_table(file) for part, file in files.items()}
    # A table found inside a folder may not lead out of it; one that a person named may say where its pictures are.
    root = context.root or (path if path.is_dir() else None)
    first = tables.get("train") or next(iter(tables.values()))
    plan = _plan(first, section, context, root)
    rows: list[Row] = []
    refused: list[tuple[str, str]] = []
    notes = [note for table in tables.values() for note in notes_of(table)]
    for part, table in tables.items():
        here = plan if table is first else _replan(plan, table, root)
        found, people, bad = _rows(table, here, part, root)
        if here.annotator is not None:
            _, found, more = merged(found, [row.where for row in found], people, here.annotator)
            notes += more
        rows, refused = rows + found, refused + bad
    multi = plan.targets if len(plan.targets) > 1 else None
    return files_dataset(
        rows,
        format=str(recognises(path, context.without) or "table of paths"),
        target_name=", ".join(plan.targets),
        context=context,
        classes=multi,
        notes=notes,
        refused=refused,
    )


def _has_input(table: Table) -> bool:
    lost = any(_named_like_pictures(table, c) for c in table.columns)  # paths that lead nowhere: this reader says so
    return lost or _guess_input(table, table.path.parent) is not None


def _plan(table: Table, section: DataSection, context: Context, root: Path | None) -> Plan:
    found = (
        _locate(table, section.input, table.path.parent)
        if section.input != "auto"
        else _guess_input(table, table.path.parent)
    )
    if found is None:
        raise DataError(
            "no column leads to picture files"
            if section.input == "auto"
            else f"the paths in column '{section.input}' lead to no files",
            got=", ".join(shown(table)),
            where=table.path,
            do="set data.input= to the column of paths, relative to the table",
        )
    name, base, ending = found
    part = part_column(table, section)
    if section.group is not None:
        table.column(section.group)
    annotator = annotator_column(table, section, [_path_text(cell) for cell in table.column(name)])
    taken = {name, part, section.group, annotator}
    rest = [column for column in table.columns if column not in taken]
    return Plan(
        input=name,
        targets=targets_of(table, rest, section, context),
        part=part,
        group=section.group,
        annotator=annotator,
        base=base,
        ending=ending,
    )


def _replan(plan: Plan, table: Table, root: Path | None) -> Plan:
    """The plan for a sibling table, whose paths may start elsewhere."""
    if plan.input not in table.columns:
        table.column(plan.input)
    found = _locate(table, plan.input, table.path.parent)
    base, ending = found[1:] if found else (plan.base, plan.ending)
    part = plan.part if plan.part in table.columns else None
    group = plan.group if plan.group in table.columns else None
    annotator = plan.annotator if plan.annotator in table.columns else None
    return replace(plan, part=part, group=group, annotator=annotator, base=base, ending=ending)


def _guess_input(table: Table, folder: Path) -> tuple[str, Path, str] | None:
    """(column, base folder, ending) of the column whose cells lead to the most files."""
    ranked = sorted(
        table.columns, key=lambda c: _INPUT_NAMES.index(c.lower()) if c.lower() in _INPUT_NAMES else len(_INPUT_NAMES)
    )
    looked = [c for c in ranked if c.lower() in _INPUT_NAMES or _named_like_pictures(table, c)]
    return next((found for c in looked if (found := _locate(table, c, folder))), None)


def _named_like_pictures(table: Table, column: str) -> bool:
    cells = [str(cell) for cell in table.column(column)[:_LOOKED_AT]]
    return bool(cells) and sum(os.path.splitext(cell)[1].lower() in SUFFIXES for cell in cells) > len(cells) / 2


def _locate(table: Table, column: str, folder: Path) -> tuple[str, Path, str] | None:
    """Where the cells of a column lead: the table's folder, or one directly below it."""
    cells = [_path_text(cell) for cell in table.column(column)]
    step = max(1, len(cells) // _LOOKED_AT)
    sample = [cell for cell in cells[::step] if cell and "\0" not in cell]
    best: tuple[int, Path, str] = (0, folder, "")
    for base in (folder, *class_folders_in(folder)[:50]):
        for ending in _ENDINGS if not _named_like_pictures(table, column) else ("",):
            hits = sum(_is_file(base, cell + ending) for cell in sample)
            best = max(best, (hits, base, ending), key=lambda entry: entry[0])
        if best[0] == len(sample):
            break
    return (column, best[1], best[2]) if best[0] else None


def _is_file(base: Path, cell: str) -> bool:
    try:
        return os.path.isfile(os.path.join(base, cell))
    except (OSError, ValueError):
        return False


def _path_text(cell: Cell) -> str:
    text = "" if cell is None else str(cell).strip()
    return text.replace("\\", "/") if os.sep == "/" else text


def _rows(table: Table, plan: Plan, part: str, root: Path | None) -> tuple[list[Row], list[str], list[tuple[str, str]]]:
    """(rows, who gave the label of each, what was refused)."""
    blank: list[Cell] = [None] * len(table.rows)
    column = lambda name: table.column(name) if name is not None and name in table.columns else blank  # noqa: E731
    targets = [column(name) for name in plan.targets]
    labelled = any(name in table.columns for name in plan.targets)
    real_root = os.path.realpath(root) if root is not None else None
    folder = relative(table.path.parent, root) + "/" if root is not None and table.path.parent != root else ""
    rows: list[Row] = []
    people: list[str] = []
    refused: list[tuple[str, str]] = []
    who = column(plan.annotator)
    for i, (cell, said, group) in enumerate(
        zip(column(plan.input), column(plan.part), column(plan.group), strict=True)
    ):
        text = _path_text(cell)
        if fault := _fault_of_path(text, plan, real_root):
            refused.append((f"{table.path.name}:{table.lines[i]}" + (f" {text}" if text else ""), fault))
            continue
        label = label_of([values[i] for values in targets], plan.targets) if labelled else None
        given = given_part(said, part)
        people.append(str(who[i]))
        rows.append(
            Row(
                id=folder + text,
                where=os.path.normpath(os.path.join(plan.base, text + plan.ending)),
                label=label,
                part=given,
                group=None if group is None else str(group),
            )
        )
    return rows, people, refused


def _fault_of_path(text: str, plan: Plan, real_root: str | None) -> str | None:
    if not text:
        return "no_path"
    if "\0" in text:
        return "vanished"
    if real_root is None:
        return None
    real = os.path.realpath(os.path.join(plan.base, text + plan.ending))
    return None if real.startswith(real_root + os.sep) else "outside"


READER = Reader(
    name="table",
    layout="DATA.csv (also tsv, jsonl, parquet) with a column of paths and one of labels; or DATA/{train,val,test}.csv",
    recognises=recognises,
    read=read,
    usual=True,
    columns=frozenset({"input", "target", "group", "annotator"}),
)
