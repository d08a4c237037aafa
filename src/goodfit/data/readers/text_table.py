"""Tables with a column of texts: one file, or train, val and test files in a folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.errors import DataError, did_you_mean
from ...core.recipe import DataSection
from ..annotators import annotator_column, merged, repeats
from ..picture import SUFFIXES
from ..reader import PLAIN, Context, Reader
from ..targets import Row
from ..texts import LONGEST, Texts, text_dataset
from ..words import words
from .tablefiles import (
    TARGET_NAMES,
    files_of,
    first_table,
    given_part,
    is_constant_or_id,
    label_of,
    listed,
    notes_of,
    part_column,
    shown,
    targets_of,
)
from .tabletext import Cell, Table, read_table

_TEXT_NAMES = (
    "text",
    "review",
    "sentence",
    "content",
    "body",
    "comment",
    "message",
    "document",
    "tweet",
    "title",
    "headline",
    "question",
    "description",
    "abstract",
    "utterance",
    "文本",
    "内容",
    "标题",
    "评论",
)
_ID_NAMES = frozenset({"id", "index", "idx", "uid", "guid", "_id", "row", "no", "key", "编号"})
_LOOKED_AT = 200
LEAST_WORDS = 4.0  # words of a cell, on average, from which a column may hold texts: names and addresses have fewer
DISTINCT = 0.5  # share of different cells: categories repeat, texts do not
MOST_OTHERS = 1  # further columns; with more of them the table is one of many features, of which a text is one


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a table is read.

    Attributes:
        inputs: columns of the text, joined by line breaks.
        targets: columns of the target; several = one 0/1 column a class.
        part: column that says train, val or test, or None.
        group: column of groups, or None.
        annotator: column of who gave the label, or None.
    """

    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    part: str | None
    group: str | None
    annotator: str | None


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A table one of whose columns holds texts, with few other columns."""
    files = files_of(path, without)
    table = first_table(files)
    text = text_column(table) if table is not None else None
    if table is None or text is None or len(_others(table, text)) > MOST_OTHERS:
        return None
    return "table of texts in " + listed(files)


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Texts:
    """One row a text.

    Raises: DataError if no column holds texts, or the target is missing or ambiguous; it lists the columns.
    """
    files = files_of(path, context.without)
    if not files:
        raise DataError("no table here", where=path, allowed="csv, tsv, jsonl, parquet, also .gz .xz", do="name it")
    tables = {part: read_table(file) for part, file in files.items()}
    first = tables.get("train") or next(iter(tables.values()))
    plan = _plan(first, section, context)
    rows: list[Row] = []
    texts: list[str] = []
    refused: list[tuple[str, str]] = []
    notes = [note for table in tables.values() for note in notes_of(table)]
    for part, table in tables.items():
        found, held, people, bad = _rows(table, plan, part)
        if plan.annotator is not None and plan.annotator in table.columns:
            kept, found, more = merged(found, held, people, plan.annotator)
            held, notes = [held[i] for i in kept], notes + more
        rows, texts, refused = rows + found, texts + held, refused + bad
    return text_dataset(
        rows,
        texts,
        format="table of texts in " + listed(files),
        target_name=", ".join(plan.targets),
        context=context,
        classes=plan.targets if len(plan.targets) > 1 else None,
        inputs=plan.inputs,
        notes=notes,
        refused=refused,
    )


def texts_of(path: Path, inputs: Sequence[str]) -> list[tuple[str, str]]:
    """(line number, text) of every row of a table, labels or not; "" where a row has none.

    Args:
        path: a table.
        inputs: columns that make the text; () = the one that holds texts.
    Raises: DataError if a column is missing; it lists the columns.
    """
    table = read_table(path)
    names = tuple(inputs) or _inputs(table, DataSection())
    columns = [table.column(name) for name in names]
    return [(str(line), _joined([values[i] for values in columns])) for i, line in enumerate(table.lines)]


def text_column(table: Table) -> str | None:
    """The column whose cells are texts, the one of the most words; None where no column is."""
    ranked = {column: _mean_words(table, column) for column in table.columns if _holds_texts(table, column)}
    return max(ranked, key=lambda column: ranked[column]) if ranked else None


def _holds_texts(table: Table, column: str) -> bool:
    cells = _some(table, column)
    if not cells or any(isinstance(cell, float) for cell in cells):
        return False
    texts = [str(cell) for cell in cells]
    if sum(Path(text).suffix.lower() in SUFFIXES for text in texts if len(text) < 300) > len(texts) / 2:
        return False  # paths of pictures
    if column.lower() in TARGET_NAMES or all(re.fullmatch(r"[-+.,:/\dTZ $€£¥%()]*", text) for text in texts):
        return False
    few = 1.0 if column.lower() in _TEXT_NAMES else LEAST_WORDS
    return len(set(texts)) >= DISTINCT * len(texts) / repeats(table) and _mean_words(table, column) >= few


def _mean_words(table: Table, column: str) -> float:
    cells = _some(table, column)
    return float(np.mean([len(words(str(cell)[:5000])) for cell in cells])) if cells else 0.0


def _some(table: Table, column: str) -> Sequence[Cell]:
    cells = [cell for cell in table.column(column) if cell is not None and str(cell).strip()]
    return cells[:: max(1, len(cells) // _LOOKED_AT)]


def _others(table: Table, text: str) -> list[str]:
    """Columns that are neither text nor target, number of the row, or one of the few that have another use."""
    left = [c for c in table.columns if c != text and c.lower() not in _ID_NAMES]
    left = [c for c in left if not is_constant_or_id(table, c) or _is_measured(table, c)]
    named = [c for c in left if c.lower() in TARGET_NAMES]
    return [c for c in left if c not in named[:1]][0 if named else 1 :]


def _is_measured(table: Table, column: str) -> bool:
    """Whether cells are numbers with decimals: all may differ, and yet they do not name their rows."""
    cells = {str(cell).strip() for cell in _some(table, column)}
    return (
        len(cells) > 1 and all(re.fullmatch(r"[-+]?\d*\.?\d+", cell) for cell in cells) and any("." in c for c in cells)
    )


def _plan(table: Table, section: DataSection, context: Context) -> Plan:
    inputs = _inputs(table, section)
    part = part_column(table, section)
    if section.group is not None:
        table.column(section.group)
    annotator = annotator_column(table, section, _texts(table, inputs))
    taken = {*inputs, part, section.group, annotator}
    rest = [c for c in table.columns if c not in taken and not _is_id(table, c)]
    targets = targets_of(table, rest, section, context)
    return Plan(inputs=inputs, targets=targets, part=part, group=section.group, annotator=annotator)


def _is_id(table: Table, column: str) -> bool:
    return column.lower() in _ID_NAMES and is_constant_or_id(table, column)


def _inputs(table: Table, section: DataSection) -> tuple[str, ...]:
    if section.input != "auto":
        names = (section.input,) if section.input in table.columns else tuple(section.input.split(","))
        if unknown := [name for name in names if name not in table.columns]:
            raise DataError(
                f"no column named '{unknown[0]}'",
                allowed=", ".join(shown(table)),
                where=table.path,
                do=did_you_mean(unknown[0], table.columns) or "set data.input= to one or several of these",
            )
        return names
    text = text_column(table)
    if text is None:
        raise DataError(
            "no column holds texts", got=", ".join(shown(table)), where=table.path, do="set data.input= to one"
        )
    return (text,)


def _joined(cells: Sequence[Cell]) -> str:
    return "\n".join("" if cell is None else str(cell) for cell in cells).strip()[:LONGEST]


def _rows(table: Table, plan: Plan, part: str) -> tuple[list[Row], list[str], list[str], list[tuple[str, str]]]:
    """(rows, their texts, who gave the label of each, what was refused)."""
    blank: list[Cell] = [None] * len(table.rows)
    column = lambda name: table.column(name) if name is not None and name in table.columns else blank  # noqa: E731
    targets: Sequence[list[Cell]] = [column(name) for name in plan.targets]
    labelled = any(name in table.columns for name in plan.targets)
    said, groups, who = column(plan.part), column(plan.group), column(plan.annotator)
    rows, texts, people, refused = list[Row](), list[str](), list[str](), list[tuple[str, str]]()
    for i, (line, text) in enumerate(zip(table.lines, _texts(table, plan.inputs), strict=True)):
        name = f"{table.path.name}:{line}"
        if not text:
            refused.append((name, "empty"))
            continue
        label = label_of([values[i] for values in targets], plan.targets) if labelled else None
        group = None if groups[i] is None else str(groups[i])
        rows.append(Row(id=name, where="", label=label, part=given_part(said[i], part), group=group))
        texts.append(text)
        people.append(str(who[i]))
    return rows, texts, people, refused


def _texts(table: Table, inputs: Sequence[str]) -> list[str]:
    """The text of each row."""
    columns = [table.column(name) for name in inputs]
    return [_joined([values[i] for values in columns]) for i in range(len(table.lines))]


READER = Reader(
    name="text_table",
    layout="DATA.csv (also tsv, jsonl, parquet, .gz, .xz) with a column of texts and one of labels; or train and test",
    recognises=recognises,
    read=read,
    usual=True,
    sample="text",
    columns=frozenset({"input", "target", "group", "annotator"}),
)
