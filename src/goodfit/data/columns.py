"""One column of a table: what kind it is - number, category, date - and its cells as an array of that kind."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import numpy as np

ColumnKind = Literal["number", "category", "date", "text"]
Value = str | float | None  # a cell as a person or a file gives it

# Marks of a missing cell in any column; those of WEAK are words, and may be a category of their own.
MISSING = frozenset({"", "?", "na", "n/a", "#n/a", "nan", "null", "<na>"})
WEAK = frozenset({"none", "-", "--", "nil", "missing", "unknown", "."})
MOSTLY = (
    0.98  # share of present cells that must parse for a column to be of numbers or dates; the rest are typing errors
)
WORDS, LONG = 4, 40  # mean words, or mean characters, from which cells that rarely repeat are free text
REPEATED = 0.5  # text: at most so many of its cells are repeats
LARGEST = 1e150  # of a number's size: its square and sums of squares stay finite; what is larger is a fault
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?([eE][+-]?\d+)?")
_UNITS = "$€£¥￥%"
_DATE = re.compile(
    r"(?P<a>\d{1,4})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{1,4})"
    r"(?:[T ]+(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:\.\d+)?)?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
Order = Literal["ymd", "dmy", "mdy", ""]


@dataclass(frozen=True, kw_only=True)
class Column:
    """The cells of one column.

    Attributes:
        kind: number, category, date, or text (free text, kept as a category).
        values: (N,) float64 numbers or seconds since 1970 (NaN = missing), or int32 places in `names` (-1 = missing).
        names: the categories, in order of first appearance; empty for numbers and dates.
        order: of day, month and year in a column of dates, "" elsewhere.
        strays: present cells that are no number or date though nearly all others are; they count as missing.
    """

    kind: ColumnKind
    values: np.ndarray
    names: tuple[str, ...] = ()
    order: Order = ""
    strays: int = 0

    def __len__(self) -> int:
        return len(self.values)

    def take(self, positions: np.ndarray) -> Column:
        """The cells at `positions`."""
        return replace(self, values=self.values[positions])

    @property
    def missing(self) -> np.ndarray:
        """(N,) bool."""
        return np.isnan(self.values) if self.values.dtype.kind == "f" else self.values < 0

    def value(self, i: int) -> Value:
        """Cell i: a number, a category, a date as ISO 8601 text, or None where it is missing."""
        cell = self.values[i]
        if self.values.dtype.kind != "f":
            return self.names[cell] if cell >= 0 else None
        if cell != cell:
            return None
        return iso(float(cell)) if self.kind == "date" else float(cell)


def read_column(cells: Sequence[Any], kind: ColumnKind | None = None, order: Order = "") -> Column:
    """A column from its cells.

    Args:
        cells: text, numbers or None.
        kind: None = guessed.
        order: of dates where it is known; "" = guessed.
    """
    texts = _texts(cells)
    kind = kind or guess_kind(texts)
    if kind == "number":
        values = _each(texts, number)
        return Column(kind=kind, values=values, strays=_strays(texts, values))
    if kind == "date":
        order = order or order_of(texts)
        values = _each(texts, partial(seconds, order=order))
        return Column(kind=kind, values=values, order=order, strays=_strays(texts, values))
    place: dict[str, int] = {}
    codes = [-1 if text is None else place.setdefault(text, len(place)) for text in texts]
    return Column(kind=kind, values=np.array(codes, dtype=np.int32), names=tuple(place))


def _texts(cells: Sequence[Any]) -> list[str | None]:
    """Cells as text; what repeats is looked at once."""
    if all(cell is None or type(cell) is str for cell in cells):
        known = {cell: as_text(cell) for cell in set(cells)}
        return [known[cell] for cell in cells]
    return [as_text(cell) for cell in cells]


def _each(texts: Sequence[str | None], read: Callable[[str], float]) -> np.ndarray:
    """(N,) float64, NaN where missing; what repeats is read once."""
    known = {text: math.nan if text is None else read(text) for text in set(texts)}
    return np.array([known[text] for text in texts], dtype=np.float64)


def as_kind(column: Column, kind: ColumnKind, order: Order = "") -> Column:
    """The same cells read as another kind, as a stored model saw them in its own table."""
    if column.kind == kind and (kind != "date" or column.order == order) or {column.kind, kind} == {"category", "text"}:
        return replace(column, kind=kind)
    if column.kind == kind == "date":
        return _reordered(column, order)
    if column.kind in ("category", "text"):
        by_name = read_column([*column.names, None], kind, order)
        return replace(by_name, values=by_name.values[column.values])  # -1 takes the last, which is missing
    return read_column([column.value(i) for i in range(len(column))], kind, order)


def _reordered(column: Column, order: Order) -> Column:
    """Dates under another order: the same moments, but where no day is above 12 the order given decides which it is."""
    present = np.flatnonzero(~column.missing)
    moments = [datetime.fromtimestamp(float(column.values[i]), UTC) for i in present]
    if {column.order, order} != {"dmy", "mdy"} or any(moment.day > 12 for moment in moments):
        return replace(column, order=order)
    values = column.values.copy()
    values[present] = [moment.replace(month=moment.day, day=moment.month).timestamp() for moment in moments]
    return replace(column, values=values, order=order)


def stacked(a: Column, b: Column) -> Column:
    """The cells of two columns, read as the kind of the first."""
    b = as_kind(b, a.kind, a.order)
    if a.values.dtype.kind == "f":
        return replace(a, values=np.concatenate([a.values, b.values]), strays=a.strays + b.strays)
    place = {name: k for k, name in enumerate(a.names)}
    moved = np.array([*(place.setdefault(name, len(place)) for name in b.names), -1], dtype=np.int32)
    return replace(a, values=np.concatenate([a.values, moved[b.values]]), names=tuple(place))


def guess_kind(texts: Sequence[str | None]) -> ColumnKind:
    """Number, date, category or text, by nearly all of the cells."""
    present = [text for text in texts if text is not None and text.casefold() not in WEAK]
    if not present:
        return "number" if all(text is None for text in texts) else "category"
    distinct = list(dict.fromkeys(present))
    if not any(_has_leading_zero(text) for text in distinct[:1000]):
        hits = {text for text in distinct if not math.isnan(number(text))}
        if sum(text in hits for text in present) >= MOSTLY * len(present):
            return "number"
    order = order_of(distinct[:1000])
    hits = {text for text in distinct if not math.isnan(seconds(text, order))} if order else set()
    if hits and sum(text in hits for text in present) >= MOSTLY * len(present):
        return "date"
    return "text" if is_free_text(present, distinct) else "category"


def is_free_text(present: Sequence[str], distinct: Sequence[str]) -> bool:
    """Whether cells are sentences that rarely repeat."""
    if len(distinct) <= (1 - REPEATED) * len(present) or len(distinct) < 2:
        return False
    some = distinct[:1000]
    return sum(len(t.split()) for t in some) >= WORDS * len(some) or sum(map(len, some)) >= LONG * len(some)


def as_text(cell: Any) -> str | None:
    """A cell as text, None where it is missing; a whole number is written without `.0`."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float | int | np.number):
        return None if cell != cell else plain(float(cell))
    text = ";".join(map(str, cell)) if isinstance(cell, tuple | list) else str(cell).strip()
    if text.casefold() in MISSING:
        return None
    tail = text.rpartition(".")[2]
    return text[: -len(tail) - 1] if tail and not tail.strip("0") and text[: -len(tail) - 1].isdigit() else text


def plain(value: float) -> str:
    """A number as people write it: `7`, not `7.0`."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)


def number(text: str) -> float:
    """The number that a text is - `1,200`, `$5`, ` 7 `, `12 %`, `(3)` - else NaN; none is above LARGEST."""
    bare = text.strip()
    sign = 1.0
    if bare.startswith("(") and bare.endswith(")"):
        sign, bare = -1.0, bare[1:-1]
    if bare[:1] in ("+", "-") and bare[1:2] in tuple(_UNITS):
        sign, bare = -sign if bare[0] == "-" else sign, bare[1:]
    bare = bare.strip(_UNITS + " ")
    if not bare or _NUMBER.fullmatch(bare) is None or not any(c.isdigit() for c in bare):
        return math.nan
    try:
        value = sign * float(bare.replace(",", ""))
    except ValueError:
        return math.nan
    return value if abs(value) <= LARGEST else math.nan


def seconds(text: str, order: Order) -> float:
    """Seconds since 1970, UTC, of a date such as `2024-01-31`, `31.1.2024 12:30` or `1/31/2024`; else NaN.

    Args:
        text: year, month and day, and perhaps hours, minutes, seconds and zone.
        order: of day, month and year; a text that begins with a year of four digits says it itself.
    """
    found = _DATE.fullmatch(text.strip())
    if found is None or not order:
        return math.nan
    order = "ymd" if len(found["a"]) == 4 else order
    a, b, c = int(found["a"]), int(found["b"]), int(found["c"])
    year, month, day = {"ymd": (a, b, c), "dmy": (c, b, a), "mdy": (c, a, b)}[order]
    if len(found["a" if order == "ymd" else "c"]) != 4:
        return math.nan
    hour, minute, second = (int(found[k] or 0) for k in ("h", "m", "s"))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return math.nan
    zone = found["zone"]
    shift = 0 if zone in (None, "Z") else int(zone[0] + "1") * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)
    return moment.timestamp() - shift


def order_of(texts: Sequence[str | None]) -> Order:
    """The order of day, month and year under which most cells are dates; day first where both are possible.

    A column in which no day is above 12 does not tell; then most of the world's order is taken (ISO 8601 needs none).
    """
    shown = [text for text in texts[:1000] if text is not None]
    counts: dict[Order, int] = {"ymd": 0, "dmy": 0, "mdy": 0}
    for order in counts:
        counts[order] = sum(not math.isnan(seconds(text, order)) for text in shown)
    best = max(counts, key=lambda order: counts[order])
    return best if counts[best] else ""


def iso(value: float) -> str:
    """Seconds since 1970 as ISO 8601 text, the time of day left out at midnight."""
    moment = datetime.fromtimestamp(value, UTC)
    return moment.strftime("%Y-%m-%d" if value % 86400 == 0 else "%Y-%m-%dT%H:%M:%SZ")


def _has_leading_zero(text: str) -> bool:
    """`02139`: a code, not a quantity."""
    return len(text) > 1 and text[0] == "0" and text.isdigit()


def _strays(texts: Sequence[str | None], values: np.ndarray) -> int:
    present = np.array([text is not None and text.casefold() not in WEAK for text in texts], dtype=bool)
    return int((present & np.isnan(values)).sum())
