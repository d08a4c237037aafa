"""What the columns of a table are, which of them can serve as inputs, and what must be known to turn cells to numbers.

Sources: quantile knots for piecewise-linear encoding, Gorishniy et al. 2022, "On Embeddings for Numerical Features in
Tabular Deep Learning", arXiv:2203.05556; a mark for missing cells, Little and Rubin 2002, "Statistical Analysis with
Missing Data"; a shared place for rare categories, Micci-Barreca 2001, doi:10.1145/507533.507538.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from .columns import Column, as_kind, number, read_column

KNOTS = 48  # quantile bins of a number at most, the paper's usual range is 2 to 256; few suffice for small tables
RARE = 3  # a category with fewer training samples shares its place with the unknown: nothing can be learnt of it
MOST_NAMES = 1000  # categories of a column that have a place of their own, the commonest
DISTINCT_ID = 0.95  # share of distinct cells from which a column that is named like an id, or is text, names its row
FEWEST_ROWS = 20  # below this all-distinct cells prove nothing
CODES = 60  # so many distinct whole numbers at most are a category where the column's name says that they are codes
LEAST_NUMERIC = 0.3  # share of numbers in a column of categories from which it was perhaps meant as one of numbers
_ID = re.compile(
    r"(^|[_\s.-])(id|ids|uuid|guid|index|idx|rowid|row_?number)$|[a-z]ID$|Id$|^unnamed: 0$|^column_1$|^$", re.I
)
_CODE = re.compile(r"(class|code|type|category|zip|zipcode|postcode|zone)$", re.I)
MOMENTS = ("year", "month", "weekday", "hour")  # of a date, besides the seconds themselves


def describe_columns(columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """One JSON object a column: name, kind, missing (share), distinct, use, why (not used), order of dates, strays,
    numeric (share of numbers in a column of categories).

    Args:
        columns: of samples that may be looked at; the target is not among them.
    """
    return [_described(name, column) for name, column in columns.items()]


def _described(name: str, column: Column) -> dict[str, Any]:
    present = column.values[~column.missing]
    distinct = len(np.unique(present))
    why = _why_not(name, column, present, distinct)
    kind = "category" if column.kind == "number" and not why and _are_codes(name, present, distinct) else column.kind
    share = 1 - len(present) / len(column) if len(column) else 0.0
    facts: dict[str, Any] = {"name": name, "kind": kind, "missing": share, "distinct": distinct, "use": not why}
    extra = {"why": why, "order": column.order, "strays": column.strays, "numeric": _numeric_share(column)}
    return facts | {key: value for key, value in extra.items() if value}


def _numeric_share(column: Column) -> float:
    """Share of the present cells of a category that are numbers, 0 where they are few."""
    if column.kind not in ("category", "text"):
        return 0.0
    present = column.values[column.values >= 0]
    places = np.unique(present)
    hits = np.array([not math.isnan(number(column.names[k])) for k in places], dtype=bool)
    share = float(np.isin(present, places[hits]).mean()) if len(present) else 0.0
    return share if LEAST_NUMERIC <= share < 1 else 0.0


def _why_not(name: str, column: Column, present: np.ndarray, distinct: int) -> str:
    if not len(present):
        return "empty"
    if distinct == 1 and len(present) == len(column):
        return "constant"
    if column.kind == "text":
        return "text"
    return "id" if is_id(name, column, present, distinct) else ""


def is_id(name: str, column: Column, present: np.ndarray, distinct: int) -> bool:
    """Whether a column only names its row: distinct texts, a counter, or distinct whole numbers under an id's name."""
    if len(present) < FEWEST_ROWS or distinct < DISTINCT_ID * len(present):
        return False
    if column.kind == "category":
        return True
    if column.kind != "number" or not (present == np.floor(present)).all():
        return False
    counts = distinct == len(present) and bool((np.abs(np.diff(present)) == 1).all())
    return counts or _ID.search(name.strip()) is not None


def _are_codes(name: str, present: np.ndarray, distinct: int) -> bool:
    """Whether whole numbers stand for categories, as their name says (MSSubClass, zip_code)."""
    few = 2 < distinct <= min(CODES, len(present) / 10)
    return few and _CODE.search(name.strip()) is not None and bool((present == np.floor(present)).all())


def inputs_of(columns: Mapping[str, Column], described: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One JSON object an input, numbers first: name, column, kind; median, mean, std, knots and marked; or names.

    Args:
        columns: of training samples alone.
        described: what `describe_columns` gave; columns that are not used are left out.
    """
    read = as_described(columns, {"columns": described})
    numbers = [entry for name, column in read.items() for entry in _numbers_of(name, column)]
    return numbers + [_category(name, column) for name, column in read.items() if column.kind == "category"]


def _numbers_of(name: str, column: Column) -> list[dict[str, Any]]:
    if column.kind == "number":
        return [_number(name, name, "number", column.values)]
    if column.kind != "date":
        return []
    parts = {"seconds": column.values, **moments(column.values)}
    made = [_number(f"{name}.{part}", name, part, values) for part, values in parts.items()]
    return [entry for entry in made if len(entry["knots"]) > 1 or entry["kind"] == "seconds"]


def _number(name: str, column: str, kind: str, values: np.ndarray) -> dict[str, Any]:
    present = values[~np.isnan(values)]
    if not len(present):
        present = np.zeros(1)
    knots = np.unique(np.quantile(present, np.linspace(0, 1, min(KNOTS, max(2, len(present) // 10)) + 1)))
    return {
        "name": name,
        "column": column,
        "kind": kind,
        "median": float(np.median(present)),
        "mean": float(present.mean()),
        "std": float(present.std()) or 1.0,
        "knots": knots.tolist(),
        "marked": bool(np.isnan(values).any()),
    }


def _category(name: str, column: Column) -> dict[str, Any]:
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.names))
    order = np.argsort(-counts, kind="stable")[:MOST_NAMES]
    kept = [column.names[k] for k in order if counts[k] >= RARE]
    return {"name": name, "column": name, "kind": "category", "names": kept}


def moments(values: np.ndarray) -> dict[str, np.ndarray]:
    """year, month, weekday (0 = Monday) and hour of (N,) seconds since 1970, UTC; NaN where missing."""
    found = np.full((len(MOMENTS), len(values)), np.nan)
    for i in np.flatnonzero(~np.isnan(values)):
        at = datetime.fromtimestamp(float(values[i]), UTC)
        found[:, i] = (at.year, at.month, at.weekday(), at.hour)
    return dict(zip(MOMENTS, found, strict=True))


def cells_of(samples: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> dict[str, Column]:
    """Name -> column of loose samples, read as the facts of a stored model say.

    Args:
        samples: column -> value; a column that is not there is missing.
        facts: of the schema; `columns` is read.
    """
    return {
        c["name"]: read_column([sample.get(c["name"]) for sample in samples], c["kind"], c.get("order", ""))
        for c in facts["columns"]
        if c["use"]
    }


def as_described(columns: Mapping[str, Column], facts: Mapping[str, Any]) -> dict[str, Column]:
    """The columns that a schema uses, each as the kind that the schema names; an absent one is missing throughout."""
    length = len(next(iter(columns.values()))) if columns else 0
    absent = read_column([None] * length)
    used = [c for c in facts["columns"] if c["use"]]
    return {c["name"]: as_kind(columns.get(c["name"], absent), c["kind"], c.get("order", "")) for c in used}
