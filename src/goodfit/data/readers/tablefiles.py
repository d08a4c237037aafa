"""What all readers of tables share: which files belong together, which columns are target and part, what was met.

A table of picture paths, of texts and of rows differ in what a sample is, not in this.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...core.errors import DataError, GoodfitError, did_you_mean, printable
from ...core.finding import Finding
from ...core.recipe import DataSection
from ..reader import Context
from ..targets import MISSING, Label
from . import columnar
from .class_folders import PART_NAMES, is_junk
from .tabletext import Cell, Table, is_table, kind_of, read_table, stem_of, whole_of

TARGET_NAMES = (
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
PART_COLUMNS = ("split", "part", "subset", "set", "fold")


def files_of(path: Path, without: Path | None) -> dict[str, Path]:
    """Given part -> table; the part of a lone table is "". Names may have one beginning: imdb_train.csv, imdb_test.csv.

    Args:
        path: a table, or a folder with one, or with one a part.
        without: a file to overlook, or None.
    """
    if path.is_file():
        return {"": path} if is_table(path) else {}
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        return {}
    hidden = os.path.realpath(without) if without else None
    found = _tables_in(path, hidden)
    beginning = os.path.commonprefix([stem_of(f) for f in found]) if len(found) > 1 else ""
    cut = 1 + max(beginning.rfind(mark) for mark in "_-. ")
    parted = {PART_NAMES[word]: f for f in found if (word := stem_of(f)[cut:]) in PART_NAMES}
    parted = parted if found else _inside(path, hidden)
    if "train" in parted:
        return {part: parted[part] for part in ("train", "val", "test") if part in parted}
    return {"": found[0]} if len(found) == 1 else parted if not found and len(parted) == 1 else {}


def first_table(files: Mapping[str, Path]) -> Table | None:
    """The table of the training side, for a guess; None where there is none or it cannot be read."""
    try:
        return read_table(files.get("train") or next(iter(files.values()))) if files else None
    except GoodfitError:  # a reader that is chosen reads it again and says what is wrong
        return None


def listed(files: Mapping[str, Path]) -> str:
    """The files of a set, to be shown: with their folders where these differ."""
    several = len({file.parent for file in files.values()}) > 1
    return ", ".join(f"{file.parent.name}/{file.name}" if several else file.name for file in files.values())


def _tables_in(path: Path, hidden: str | None) -> list[Path]:
    """Tables directly in a folder, by name; the pieces of one table count as one."""
    files = [f for f in sorted(path.iterdir()) if f.is_file() and is_table(f) and not is_junk(f.name)]
    return list(dict.fromkeys(whole_of(f) for f in files if os.path.realpath(f) != hidden))


def _inside(path: Path, hidden: str | None) -> dict[str, Path]:
    """Tables in the folder `data`, or one in each folder that bears the name of a part, as `datasets` writes them."""
    try:
        inner = {f.name.lower(): f for f in sorted(path.iterdir()) if f.is_dir() and os.path.realpath(f) != hidden}
        if "data" in inner and len(inner) == 1:
            return files_of(inner["data"], Path(hidden) if hidden else None)
        parts = {PART_NAMES[name]: _tables_in(f, hidden) for name, f in inner.items() if name in PART_NAMES}
    except OSError:
        return {}
    return {part: found[0] for part, found in parts.items() if len(found) == 1 and _is_told(found[0])}


def _is_told(file: Path) -> bool:
    """Whether a table in the folder of a part holds that part, and is not some list beside its files."""
    return kind_of(file) in columnar.SUFFIXES or stem_of(file) == "metadata"


def part_column(table: Table, section: DataSection) -> str | None:
    """The column that says train, val or test, or None."""
    named = (c for c in table.columns if c.lower() in PART_COLUMNS and c != section.target)
    return next((c for c in named if is_part_column(table, c)), None)


def given_part(said: Cell, part: str) -> str:
    """Part of a row: what its own cell says, else that of its file."""
    return PART_NAMES.get(str(said).strip().lower(), part) if said is not None else part


def is_part_column(table: Table, column: str) -> bool:
    """Whether every cell of a column is the name of a part."""
    words = {str(cell).strip().lower() for cell in table.column(column)}
    return bool(words) and words <= PART_NAMES.keys()


def targets_of(table: Table, rest: Sequence[str], section: DataSection, context: Context) -> tuple[str, ...]:
    """Columns of the target; several = one 0/1 column a class.

    Args:
        table: to choose from.
        rest: its columns that have no other use.
        section: names the target, or leaves it to be guessed.
        context: of a test set: the training side's target.
    Raises: DataError that lists the columns if it is not clear.
    """
    if section.target != "auto":
        return named_targets(table, section.target)
    if context.like is not None:
        wanted = tuple(
            name for name in (context.like.classes if context.like.target_kind == "multilabel" else ()) if name in rest
        )
        named = [name for name in rest if name.lower() in TARGET_NAMES]
        return wanted or ((context.like.target_name,) if context.like.target_name in rest else tuple(named[:1]))
    named = [column for column in rest if column.lower() in TARGET_NAMES]
    if len(named) == 1:
        return (named[0],)
    varied = [column for column in rest if not is_constant_or_id(table, column)]
    if not named and (len(rest) == 1 or len(varied) == 1):
        return tuple(rest if len(rest) == 1 else varied)
    flags = [column for column in rest if is_flag(table, column)]
    if not named and len(flags) > 1 and len(flags) == len(varied):
        return tuple(flags)
    raise DataError(
        "it is not clear which column is the target" if rest else "there is no column left that could be the target",
        got=", ".join(shown(table)),
        allowed=", ".join(f"data.target={printable(c, 60)}" for c in (named or rest)[:20]) or None,
        where=table.path,
        do="name one (several 0/1 columns: data.target=a,b,c)",
    )


def named_targets(table: Table, wanted: str) -> tuple[str, ...]:
    """Columns named by a person, one or several with commas. Raises: DataError for an unknown or unfit one."""
    if wanted in table.columns:
        return (wanted,)
    names = tuple(name.strip() for name in wanted.split(","))
    if bad := [name for name in names if name not in table.columns]:
        raise DataError(
            f"no column named '{printable(bad[0], 60)}'",
            allowed=", ".join(shown(table)),
            where=table.path,
            do=did_you_mean(bad[0], table.columns) or "set data.target= to one of these",
        )
    if len(names) > 1 and (odd := [name for name in names if not is_flag(table, name)]):
        raise DataError(
            "a column of a multi-label target must hold 0 and 1 only; shares of classes (soft labels) cannot be learnt",
            got=odd[0],
            where=table.path,
            do="name 0/1 columns; or write the likeliest class into one column; or name one share alone, a number",
        )
    return names


def is_flag(table: Table, column: str) -> bool:
    """Whether a column holds 0 and 1 alone."""
    return {str(cell).strip().removesuffix(".0") for cell in table.column(column)} <= {"0", "1"}


def is_constant_or_id(table: Table, column: str) -> bool:
    """Whether a column says the same everywhere, or nothing twice."""
    distinct = len(set(table.column(column)))
    return distinct <= 1 or distinct == len(table.rows)


def label_of(cells: Sequence[Cell], names: Sequence[str]) -> Label:
    """Raw label of the target cells of one row: of several 0/1 columns the names of those that hold 1."""
    if len(cells) > 1:
        return tuple(
            name for name, cell in zip(names, cells, strict=True) if str(cell).strip().removesuffix(".0") == "1"
        )
    cell = cells[0] if cells else None
    return None if cell != cell or (isinstance(cell, str) and cell.strip() in MISSING) else cell  # NaN differs


def notes_of(table: Table) -> list[Finding]:
    """Findings on how a table could be read: rows skipped, another encoding, names made up, bytes unread."""
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
    if table.made_up:
        names = ", ".join(printable(name, 60) for name in table.made_up[:20])
        numbers = {"count": len(table.made_up), "table": table.path.name, "names": names}
        notes.append(Finding(code="GF-D045", severity="info", numbers=numbers))
    if table.unread:
        names = ", ".join(printable(name, 60) for name in table.unread[:20])
        numbers = {"count": len(table.unread), "table": table.path.name, "names": names}
        notes.append(Finding(code="GF-D131", severity="info", numbers=numbers))
    return notes


def shown(table: Table) -> list[str]:
    """Names of the columns, safe to print."""
    return [printable(column, 60) for column in table.columns[:40]]
