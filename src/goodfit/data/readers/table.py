"""Tables of picture paths and labels: one file, or train, val and test files in a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import DataError, did_you_mean, printable
from ...core.finding import Finding
from ...core.recipe import DataSection
from ..images import ImageFiles
from ..picture import SUFFIXES
from ..reader import PLAIN, Context, Reader
from ..targets import MISSING, Label, Row, files_dataset
from .class_folders import PART_NAMES, class_folders_in, has_pictures, is_junk
from .tabletext import Cell, Table, is_table, read_table

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
_TARGET_NAMES = (
    "label",
    "labels",
    "class",
    "target",
    "category",
    "class_name",
    "y",
    "species",
    "tags",
    "diagnosis",
    "classes",
)
_PART_COLUMNS = ("split", "part", "subset", "set", "fold")
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
        base: folder that paths are relative to.
        ending: added to each path.
    """

    input: str
    targets: tuple[str, ...]
    part: str | None
    group: str | None
    base: Path
    ending: str


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A table whose paths lead to pictures."""
    files = _files_of(path, without)
    if not files:
        return None
    if (
        path.is_dir()
        and "train" not in files
        and len([f for f in class_folders_in(path, without) if has_pictures(f)]) > 1
    ):
        return None  # class folders with some table beside them
    first = files.get("train") or next(iter(files.values()))
    if path.is_dir() and not _has_input(first):
        return None
    return "table of paths in " + ", ".join(file.name for file in files.values())


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageFiles:
    """One row a picture.

    Raises: DataError if no column leads to pictures, or the target is missing or ambiguous; it lists the columns.
    """
    files = _files_of(path, context.without)
    if not files:
        raise DataError("no table here", where=path, allowed="csv, tsv, jsonl, parquet", do="name the file")
    tables = {part: read_table(file) for part, file in files.items()}
    # A table found inside a folder may not lead out of it; one that a person named may say where its pictures are.
    root = context.root or (path if path.is_dir() else None)
    first = tables.get("train") or next(iter(tables.values()))
    plan = _plan(first, section, context, root)
    rows: list[Row] = []
    refused: list[tuple[str, str]] = []
    for part, table in tables.items():
        here = plan if table is first else _replan(plan, table, root)
        found, bad = _rows(table, here, part, root)
        rows, refused = rows + found, refused + bad
    notes = [note for table in tables.values() for note in _notes(table)]
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


def _files_of(path: Path, without: Path | None) -> dict[str, Path]:
    """Given part -> table; the part of a lone table is ""."""
    if path.is_file():
        return {"": path} if is_table(path) else {}
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        return {}
    hidden = Path(os.path.realpath(without)) if without else None
    found = [
        f
        for f in sorted(path.iterdir())
        if f.is_file() and is_table(f) and not is_junk(f.name) and Path(os.path.realpath(f)) != hidden
    ]
    parted = {PART_NAMES[f.stem.lower()]: f for f in found if f.stem.lower() in PART_NAMES}
    if "train" in parted:
        return {part: parted[part] for part in ("train", "val", "test") if part in parted}
    return {"": found[0]} if len(found) == 1 else {}


def _has_input(file: Path) -> bool:
    try:
        table = read_table(file)
        return _guess_input(table, file.parent) is not None
    except DataError:
        return False


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
            got=", ".join(_shown(table)),
            where=table.path,
            do="set data.input= to the column of paths, relative to the table",
        )
    name, base, ending = found
    part = next(
        (c for c in table.columns if c.lower() in _PART_COLUMNS and c != section.target and _is_part_column(table, c)),
        None,
    )
    if section.group is not None:
        table.column(section.group)
    taken = {name, part, section.group}
    rest = [column for column in table.columns if column not in taken]
    return Plan(
        input=name,
        targets=_targets(table, rest, section, context),
        part=part,
        group=section.group,
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
    return Plan(input=plan.input, targets=plan.targets, part=part, group=group, base=base, ending=ending)


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


def _is_part_column(table: Table, column: str) -> bool:
    words = {str(cell).strip().lower() for cell in table.column(column)}
    return bool(words) and words <= PART_NAMES.keys()


def _targets(table: Table, rest: Sequence[str], section: DataSection, context: Context) -> tuple[str, ...]:
    if section.target != "auto":
        return _named_targets(table, section.target)
    if context.like is not None:
        wanted = tuple(
            name for name in (context.like.classes if context.like.target_kind == "multilabel" else ()) if name in rest
        )
        named = [name for name in rest if name.lower() in _TARGET_NAMES]
        return wanted or ((context.like.target_name,) if context.like.target_name in rest else tuple(named[:1]))
    named = [column for column in rest if column.lower() in _TARGET_NAMES]
    if len(named) == 1:
        return (named[0],)
    if not named and len(rest) == 1:
        return (rest[0],)
    flags = [column for column in rest if _is_flag(table, column)]
    if not named and len(flags) > 1 and len(flags) == len([c for c in rest if not _is_constant_or_id(table, c)]):
        return tuple(flags)
    raise DataError(
        "it is not clear which column is the target" if rest else "there is no column left that could be the target",
        got=", ".join(_shown(table)),
        allowed=", ".join(f"data.target={printable(c, 60)}" for c in (named or rest)[:20]) or None,
        where=table.path,
        do="name one (several 0/1 columns: data.target=a,b,c)",
    )


def _named_targets(table: Table, wanted: str) -> tuple[str, ...]:
    if wanted in table.columns:
        return (wanted,)
    names = tuple(name.strip() for name in wanted.split(","))
    if bad := [name for name in names if name not in table.columns]:
        raise DataError(
            f"no column named '{printable(bad[0], 60)}'",
            allowed=", ".join(_shown(table)),
            where=table.path,
            do=did_you_mean(bad[0], table.columns) or "set data.target= to one of these",
        )
    if len(names) > 1 and (odd := [name for name in names if not _is_flag(table, name)]):
        raise DataError(
            "a column of a multi-label target must hold 0 and 1 only",
            got=odd[0],
            where=table.path,
            do="name 0/1 columns",
        )
    return names


def _is_flag(table: Table, column: str) -> bool:
    return {str(cell).strip().removesuffix(".0") for cell in table.column(column)} <= {"0", "1"}


def _is_constant_or_id(table: Table, column: str) -> bool:
    distinct = len(set(table.column(column)))
    return distinct <= 1 or distinct == len(table.rows)


def _rows(table: Table, plan: Plan, part: str, root: Path | None) -> tuple[list[Row], list[tuple[str, str]]]:
    blank: list[Cell] = [None] * len(table.rows)
    column = lambda name: table.column(name) if name is not None and name in table.columns else blank  # noqa: E731
    targets = [column(name) for name in plan.targets]
    labelled = any(name in table.columns for name in plan.targets)
    real_root = os.path.realpath(root) if root is not None else None
    rows: list[Row] = []
    refused: list[tuple[str, str]] = []
    for i, (cell, said, group) in enumerate(
        zip(column(plan.input), column(plan.part), column(plan.group), strict=True)
    ):
        text = _path_text(cell)
        if fault := _fault_of_path(text, plan, real_root):
            refused.append((f"{table.path.name}:{table.lines[i]}" + (f" {text}" if text else ""), fault))
            continue
        label = _label([values[i] for values in targets], plan.targets) if labelled else None
        given = PART_NAMES.get(str(said).strip().lower(), part) if said is not None else part
        rows.append(
            Row(
                id=text,
                where=os.path.normpath(os.path.join(plan.base, text + plan.ending)),
                label=label,
                part=given,
                group=None if group is None else str(group),
            )
        )
    return rows, refused


def _fault_of_path(text: str, plan: Plan, real_root: str | None) -> str | None:
    if not text:
        return "no_path"
    if "\0" in text:
        return "vanished"
    if real_root is None:
        return None
    real = os.path.realpath(os.path.join(plan.base, text + plan.ending))
    return None if real.startswith(real_root + os.sep) else "outside"


def _label(cells: Sequence[Cell], names: Sequence[str]) -> Label:
    if len(cells) > 1:
        return tuple(
            name for name, cell in zip(names, cells, strict=True) if str(cell).strip().removesuffix(".0") == "1"
        )
    cell = cells[0] if cells else None
    return None if isinstance(cell, str) and cell.strip() in MISSING else cell


def _notes(table: Table) -> list[Finding]:
    notes = []
    if table.skipped:
        lines = ", ".join(str(line) for line, _ in table.skipped[:20])
        ids = tuple(f"{table.path.name}:{line}" for line, _ in table.skipped)
        notes.append(
            Finding(
                code="GF-D016",
                severity="warning",
                numbers={"count": len(table.skipped), "table": table.path.name, "lines": lines},
                ids=ids,
            )
        )
    if table.encoding != "utf-8" or table.nuls:
        notes.append(
            Finding(
                code="GF-D017",
                severity="info",
                numbers={"table": table.path.name, "encoding": table.encoding, "nuls": table.nuls},
            )
        )
    return notes


def _shown(table: Table) -> list[str]:
    return [printable(column, 60) for column in table.columns[:40]]


READER = Reader(
    name="table",
    layout="DATA.csv (also tsv, jsonl, parquet) with a column of paths and one of labels; or DATA/{train,val,test}.csv",
    recognises=recognises,
    read=read,
    columns=frozenset({"input", "target", "group"}),
)
