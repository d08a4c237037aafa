"""From tables of cells to a data set of rows, whatever format the cells came from: target, parts, kinds of columns."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core.errors import DataError, did_you_mean, printable
from ...core.finding import Finding
from ...core.recipe import DataSection
from ..columns import MISSING, MOSTLY, WEAK, Column, ColumnKind, as_text, number, read_column, stacked
from ..reader import Context
from ..rows import Rows
from ..targets import CLASS_WORDS, FEW_NUMBERS, KIND_OF, Label, Row, make_index, make_target, unique_ids
from .tablefiles import TARGET_NAMES, given_part, named_targets, notes_of, part_column, shown
from .tabletext import Cell, Table

# Names of a target beyond those of labels: what tables of measurements and sales ask for.
QUANTITIES = ("price", "outcome", "response", "result", "score", "churn", "default", "survived", "income", "salary")
_TARGET = re.compile(rf"(^|[_\s.-])({'|'.join((*TARGET_NAMES, *QUANTITIES))})$", re.I)
_PRICE = re.compile(r"[a-z]Price$")  # SalePrice, UnitPrice
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),(\d{1,2}|\d{4,})")  # 1.234,5 or 12,75; 1,234 may be a thousand
_GUESSED = "GF-D031"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How tables of rows are read.

    Attributes:
        target: its column.
        guessed: whether it was taken for want of a better one: the last column.
        part: column that says train, val or test, or None.
        features: the other columns, in order.
    """

    target: str
    guessed: bool
    part: str | None
    features: tuple[str, ...]


def rows_dataset(
    tables: Mapping[str, Table],
    section: DataSection,
    context: Context,
    format: str,
    kinds: Mapping[str, ColumnKind] | None = None,
) -> Rows:
    """A data set of the rows of some tables.

    Args:
        tables: given part -> table; the columns of the first count.
        section: may name target, group and time.
        context: of the reading.
        format: in words.
        kinds: column -> kind, where the format says so.
    Raises: DataError if the target is missing or ambiguous, or no column is left to learn from; it lists the columns.
    """
    first = tables.get("train") or next(iter(tables.values()))
    plan = plan_rows(first, section, context)
    _check_commas(first, plan)
    columns = _columns(tables, plan, kinds or {})
    target, training = _target(tables, plan)
    labels = iter(_labels(target))
    labelled = [row for part, table in tables.items() for row in _rows(table, part, plan, section, labels)]
    settled = replace(context, task=_task(training, plan.target, context))
    schema, values, usable = make_target(
        labelled, format=format, target_name=plan.target, context=settled, named=target.kind != "number", sample="table"
    )
    index = make_index(unique_ids([row for row, good in zip(labelled, usable, strict=True) if good]), values[usable])
    if section.time is not None:
        index = replace(index, time=_times(tables, section.time)[usable])
    order = np.argsort([("", "train", "val", "test").index(part) for part in index.part], kind="stable")
    notes = [note for table in tables.values() for note in notes_of(table)]
    if plan.guessed:
        notes.append(Finding(code=_GUESSED, severity="info", numbers={"column": plan.target}))
    notes += _marks(tables, columns)
    dropped = tuple((row.id, "no_label") for row, good in zip(labelled, usable, strict=True) if not good)
    found = Rows(
        schema=schema, index=index, columns=columns, rows=np.flatnonzero(usable), notes=tuple(notes), refused=dropped
    )
    return found.take(order)


def plan_rows(table: Table, section: DataSection, context: Context) -> Plan:
    """Which column is what.

    Raises: DataError that lists the columns.
    """
    part = part_column(table, section)
    for name in (section.group, section.time, *(name.strip() for name in section.ignore)):
        if name is not None:
            table.column(name)
    taken = {part, section.group, *(name.strip() for name in section.ignore)}
    rest = [column for column in table.columns if column not in taken]
    target, guessed = _which_target(table, rest, section, context)
    features = tuple(column for column in rest if column != target)
    if not features:
        raise DataError(
            "there is no column left to learn from", got=", ".join(shown(table)), where=table.path, do="add columns"
        )
    return Plan(target=target, guessed=guessed, part=part, features=features)


def _which_target(table: Table, rest: Sequence[str], section: DataSection, context: Context) -> tuple[str, bool]:
    if section.target != "auto":
        return _one_target(table, section.target), False
    if context.like is not None:
        return context.like.target_name, False
    named = [c for c in rest if _TARGET.search(c) or _PRICE.search(c)]
    exact = [c for c in named if c.lower() in TARGET_NAMES]
    if len(exact) == 1 or len(named) == 1:
        return (exact or named)[0], False
    last = rest[-1] if rest else ""
    if named or not last or not _can_be_target(table, last):
        raise DataError(
            "it is not clear which column is the target",
            got=", ".join(shown(table)),
            allowed=", ".join(f"data.target={printable(c, 60)}" for c in (named or rest)[:20]) or None,
            where=table.path,
            do="name one",
        )
    return last, True


def _one_target(table: Table, wanted: str) -> str:
    names = named_targets(table, wanted) if wanted in table.columns or "," not in wanted else (wanted,)
    if names[0] not in table.columns:
        raise DataError(
            "a table of rows has one target column",
            got=printable(wanted, 60),
            allowed=", ".join(shown(table)),
            where=table.path,
            do=did_you_mean(wanted, table.columns) or "name one column",
        )
    return names[0]


def _can_be_target(table: Table, column: str) -> bool:
    """Whether a last column may be taken for the target: not empty, not all the same, no names of rows."""
    texts = [text for cell in table.column(column) if (text := as_text(cell)) is not None]
    distinct = set(texts)
    if len(distinct) < 2 or len(texts) < len(table.rows) / 2:
        return False
    return len(distinct) <= len(texts) / 2 or all(not math.isnan(number(text)) for text in distinct)


def _columns(tables: Mapping[str, Table], plan: Plan, kinds: Mapping[str, ColumnKind]) -> dict[str, Column]:
    """Name -> column over all tables; the kind is guessed from the rows that are not given as test."""
    found: dict[str, Column] = {}
    for name in plan.features:
        training = [t for part, t in tables.items() if part != "test"] or list(tables.values())
        column = read_column([cell for t in training for cell in _cells(t, name)], kinds.get(name))
        if len(training) < len(tables):
            tests = [cell for part, t in tables.items() if part == "test" for cell in _cells(t, name)]
            column = stacked(column, read_column(tests, column.kind, column.order))
        found[name] = column
    return found


def _check_commas(table: Table, plan: Plan) -> None:
    """Raises: DataError for a column of numbers with a decimal comma, which would be read as words or wrongly."""
    for name in (plan.target, *plan.features):
        cells = [cell.strip() for cell in table.column(name) if isinstance(cell, str) and as_text(cell) is not None]
        with_comma = [cell for cell in cells if _COMMA.fullmatch(cell)]
        plain = sum(cell.lstrip("+-").isdecimal() for cell in cells)
        if with_comma and len(with_comma) + plain >= MOSTLY * len(cells):
            raise DataError(
                f"the numbers in column '{printable(name, 60)}' have a decimal comma",
                got=printable(with_comma[0], 60),
                allowed="a decimal point: 1234.5 or 1,234.5",
                where=table.path,
                do="write a point" + ("" if name == plan.target else f", or leave the column out: data.ignore={name}"),
            )


def _marks(tables: Mapping[str, Table], columns: Mapping[str, Column]) -> list[Finding]:
    """A Finding where one column marks missing cells in several ways; an empty cell is one of them.

    Words such as `none` are marks among numbers and dates alone; elsewhere they may be a category.
    """
    shown = []
    for name, column in columns.items():
        marked = MISSING | WEAK if column.kind in ("number", "date") else MISSING
        texts = [cell.strip() for t in tables.values() for cell in _cells(t, name) if isinstance(cell, str)]
        found = Counter(text for text in texts if text.casefold() in marked)
        if len(found) > 1:
            marks = ", ".join(f"'{printable(mark, 20)}' {count}" for mark, count in found.most_common(6))
            shown.append(f"{printable(name, 60)}: {marks}")
    if not shown:
        return []
    numbers = {"count": len(shown), "names": "; ".join(shown[:20])}
    return [Finding(code="GF-D132", severity="warning", numbers=numbers)]


def _target(tables: Mapping[str, Table], plan: Plan) -> tuple[Column, Column]:
    """(the target of all rows, that of the rows not given as test, which alone tell its kind)."""
    cells = [cell for table in tables.values() for cell in _cells(table, plan.target)]
    parts = [given_part(said, part) for part, table in tables.items() for said in _said(table, plan)]
    is_test = np.array([part == "test" for part in parts], dtype=bool)
    if is_test.all():
        is_test[:] = False
    training = read_column([cell for cell, hidden in zip(cells, is_test, strict=True) if not hidden])
    tests = [cell for cell, hidden in zip(cells, is_test, strict=True) if hidden]
    both = stacked(training, read_column(tests, training.kind, training.order))
    return both.take(np.argsort(np.argsort(is_test, kind="stable"), kind="stable")), training


def _said(table: Table, plan: Plan) -> Sequence[Cell]:
    """What each row says of its part."""
    return _cells(table, plan.part) if plan.part is not None else [None] * len(table.rows)


def _cells(table: Table, name: str) -> Sequence[Cell]:
    return table.column(name) if name in table.columns else [None] * len(table.rows)


def _labels(target: Column) -> list[Label]:
    values: list[Any] = [target.value(i) for i in range(len(target))]
    return values


def _task(target: Column, name: str, context: Context) -> str:
    """The task, where a number of many distinct values leaves no doubt in a table: it is a quantity."""
    if context.task in KIND_OF or target.kind != "number" or name.lower() in CLASS_WORDS:
        return context.task
    distinct = len(np.unique(target.values[~target.missing]))
    return "tabular_regression" if distinct > FEW_NUMBERS else context.task


def _rows(table: Table, part: str, plan: Plan, section: DataSection, labels: Iterator[Label]) -> list[Row]:
    said = _said(table, plan)
    group = [None] * len(table.rows) if section.group is None else _cells(table, section.group)
    return [
        Row(
            id=f"{table.path.name}:{line}",
            where="",
            label=next(labels),
            part=given_part(cell, part),
            group=None if member is None else str(member),
        )
        for line, cell, member in zip(table.lines, said, group, strict=True)
    ]


def _times(tables: Mapping[str, Table], name: str) -> np.ndarray:
    """(N,) float64 seconds, or whatever number orders the rows.

    Raises: DataError if the column holds neither dates nor numbers, or cells are missing.
    """
    column = read_column([cell for t in tables.values() for cell in _cells(t, name)])
    if column.kind not in ("date", "number") or column.missing.any():
        where = next(iter(tables.values())).path
        got = f"{int(column.missing.sum())} cells without a time" if column.kind in ("date", "number") else column.kind
        raise DataError(
            "this column cannot order the rows in time",
            got=got,
            allowed="a date or a number in every row",
            where=f"{where}, data.time={printable(name, 60)}",
            do="name another column, or leave data.time out",
        )
    return column.values
