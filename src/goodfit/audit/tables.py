"""Checks of the columns of a table: those that cannot serve, those that give the target away, those that repeat.

A column that tells the target nearly alone is named as a problem and kept: whether it is known when an answer is wanted
is for a person to say.

Sources: Kaufman et al. 2012, "Leakage in Data Mining", doi:10.1145/2382577.2382579; Hanley and McNeil 1982 (the area
under the ROC curve of one column); the correlation ratio, Fisher 1925.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..core.errors import DataError, printable
from ..core.finding import Finding
from ..data.columns import Column
from ..data.row_scan import RowScan
from .check import Check, Outcome, View

GIVEN_AWAY = (
    0.99  # area under the ROC curve, or share of variance explained, by one column alone; honest ones stay below
)
OFTEN_MISSING = 0.5  # share of missing cells from which a column says more by being filled than by its value
STRAYS_SAID = 1  # cells that are no number in a column of numbers, from which they are mentioned
FEWEST = 20  # rows below which nothing can be said of a column
ROWS_A_CATEGORY = 5  # a category that stands for fewer rows on average memorises the target instead of telling it
_SHOWN = 20
_WHY = {"id": "GF-D032", "constant": "GF-D033", "empty": "GF-D033", "text": "GF-D037"}


def unused(view: View) -> Outcome:
    """Columns that are no inputs: names of rows, one value throughout, empty, free text.

    Raises: DataError if no other column is left.
    """
    scan = view.scan
    if not isinstance(scan, RowScan):
        return Outcome()
    if not any(c["use"] for c in scan.described):
        raise DataError(
            "no column is left to learn from",
            got=_cut([f"{printable(str(c['name']), 60)} ({c['why']})" for c in scan.described]),
            allowed="at least one column that varies and repeats, or measures",
            do="add columns; free text wants a table of text and target alone",
        )
    found = []
    for code in dict.fromkeys(_WHY.values()):
        names = [str(c["name"]) for c in scan.described if _WHY.get(str(c.get("why", ""))) == code]
        if names:
            severity = "warning" if code == "GF-D037" else "info"
            found.append(Finding(code=code, severity=severity, numbers={"count": len(names), "names": _list(names)}))  # type: ignore[arg-type]
    return Outcome(findings=tuple(found))


def cells(view: View) -> Outcome:
    """Columns with more missing cells than others, and cells that are no numbers among numbers."""
    scan = view.scan
    if not isinstance(scan, RowScan):
        return Outcome()
    used = [c for c in scan.described if c["use"]]
    missing = [f"{printable(str(c['name']), 60)} {c['missing']:.0%}" for c in used if _share(c) >= OFTEN_MISSING]
    strays = [c for c in used if int(str(c.get("strays", 0))) >= STRAYS_SAID]
    found = []
    if missing:
        found.append(Finding(code="GF-D036", severity="info", numbers={"count": len(missing), "names": _cut(missing)}))
    if mixed := [c for c in scan.described if c.get("numeric")]:
        shown = [f"{printable(str(c['name']), 60)} {c['numeric']:.0%}" for c in mixed]
        found.append(Finding(code="GF-D039", severity="warning", numbers={"count": len(mixed), "names": _cut(shown)}))
    if strays:
        shown = [f"{printable(str(c['name']), 60)} {c['strays']}" for c in strays]
        found.append(Finding(code="GF-D038", severity="warning", numbers={"count": len(strays), "names": _cut(shown)}))
    return Outcome(findings=tuple(found))


def given_away(view: View) -> Outcome:
    """Columns each of which tells the target nearly perfectly, judged on the training side alone."""
    scan, side = view.scan, np.flatnonzero(view.kept & ~view.test)
    if not isinstance(scan, RowScan) or len(side) < FEWEST:
        return Outcome()
    target = view.index.target[side]
    used = {str(c["name"]) for c in scan.described if c["use"]}
    told = {name: _told(column.take(side), target) for name, column in scan.columns.items() if name in used}
    names = sorted((name for name, share in told.items() if share > GIVEN_AWAY), key=lambda name: -told[name])
    if not names:
        return Outcome()
    shown = [f"{printable(name, 60)} {told[name]:.4f}" for name in names]
    numbers = {"count": len(names), "names": _cut(shown), "limit": GIVEN_AWAY}
    return Outcome(findings=(Finding(code="GF-D034", severity="problem", numbers=numbers),))


def in_time(view: View) -> Outcome:
    """A date column by which the rows lie in order, while the parts are drawn as if time did not matter."""
    scan, rows = view.scan, np.flatnonzero(view.kept & (view.index.part == ""))
    if not isinstance(scan, RowScan) or view.index.time is not None or len(rows) < FEWEST:
        return Outcome()
    names = [name for name, column in scan.columns.items() if column.kind == "date" and _is_ordered(column.take(rows))]
    if not names:
        return Outcome()
    numbers = {"count": len(names), "names": _list(names), "column": printable(names[0], 60)}
    return Outcome(findings=(Finding(code="GF-D133", severity="warning", numbers=numbers),))


def _is_ordered(dates: Column) -> bool:
    """Whether nearly no date is missing and each is no earlier, or no later, than the one before; FEWEST differ."""
    steps = np.diff(dates.values[~dates.missing])
    is_whole = len(steps) + 1 >= (1 - OFTEN_MISSING / 10) * len(dates)
    return bool(is_whole and (steps != 0).sum() >= FEWEST - 1 and ((steps >= 0).all() or (steps <= 0).all()))


def _told(column: Column, target: np.ndarray) -> float:
    """How much one column alone says of the target, 0 to 1: area under the ROC curve, or share of variance."""
    present = ~column.missing
    if present.sum() < max(FEWEST, 0.5 * len(target)):
        return 0.0
    values, target = column.values[present], target[present]
    if column.values.dtype.kind != "f":
        if present.sum() < ROWS_A_CATEGORY * len(np.unique(values)):
            return 0.0
        return _by_category(values, target)
    if target.dtype.kind == "f":
        return float(_ranks_agree(values, target))
    classes = np.unique(target)
    return min((_area(target == k, values) for k in classes), default=0.0) if len(classes) > 1 else 0.0


def _by_category(codes: np.ndarray, target: np.ndarray) -> float:
    """Share of rows whose class is the commonest of their category, or the correlation ratio of a number."""
    place = np.unique(codes, return_inverse=True)[1]
    if target.dtype.kind == "f":
        count = np.bincount(place)
        mean = np.bincount(place, weights=target) / count
        spread = float(((target - target.mean()) ** 2).sum())
        return float((count * (mean - target.mean()) ** 2).sum() / spread) if spread > 0 else 0.0
    table = np.zeros((place.max() + 1, int(target.max()) + 1))
    np.add.at(table, (place, target), 1)
    right, prior = table.max(1).sum() / len(target), table.sum(0).max() / len(target)
    return float((right - prior) / (1 - prior)) if prior < 1 else 0.0


def _area(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve of one column for one class, whichever way it points."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    hits = int(positive.sum())
    area = (rank[positive].sum() - hits * (hits + 1) / 2) / (hits * (len(score) - hits))
    return float(max(area, 1 - area))


def _ranks_agree(values: np.ndarray, target: np.ndarray) -> float:
    """Squared correlation of values or of ranks, whichever is larger: a target-derived column may be transformed."""
    squared = lambda a, b: float(np.corrcoef(a, b)[0, 1] ** 2) if a.std() > 0 and b.std() > 0 else 0.0  # noqa: E731
    return max(squared(values, target), squared(_rank(values), _rank(target)))


def _rank(values: np.ndarray) -> np.ndarray:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place])


def repeated(view: View) -> Outcome:
    """Columns whose cells equal those of another column in every row."""
    scan = view.scan
    if not isinstance(scan, RowScan):
        return Outcome()
    groups: dict[bytes, list[str]] = {}
    used = {str(c["name"]) for c in scan.described if c["use"]}
    for name, column in scan.columns.items():
        if name in used:
            groups.setdefault(_pattern(column), []).append(name)
    same = [names for names in groups.values() if len(names) > 1]
    if not same:
        return Outcome()
    shown = [" = ".join(printable(name, 60) for name in names) for names in same]
    numbers = {"count": len(same), "names": _cut(shown)}
    return Outcome(findings=(Finding(code="GF-D035", severity="info", numbers=numbers),))


def _pattern(column: Column) -> bytes:
    """Which cells are alike; categories that were only renamed have the same pattern."""
    if column.values.dtype.kind == "f":
        return column.values.tobytes()
    codes, first, place = np.unique(column.values, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    return b"c" + np.where(codes[place] < 0, -1, order[place]).astype(np.int32).tobytes()


def _share(described: object) -> float:
    return float(described["missing"])  # type: ignore[index]


def _list(names: Iterable[str]) -> str:
    return _cut([printable(name, 60) for name in names])


def _cut(shown: list[str]) -> str:
    return ", ".join(shown[:_SHOWN]) + (f", ... ({len(shown)})" if len(shown) > _SHOWN else "")


CHECKS = (
    Check(
        name="unused_columns",
        codes=("GF-D032", "GF-D033", "GF-D037"),
        look=unused,
        source="Kaufman et al. 2012 (names of rows leak their order)",
    ),
    Check(name="cells", codes=("GF-D036", "GF-D038", "GF-D039"), look=cells, source="Little and Rubin 2002"),
    Check(name="given_away", codes=("GF-D034",), look=given_away, source="Kaufman et al. 2012"),
    Check(name="in_time", codes=("GF-D133",), look=in_time, source="Bergmeir and Benitez 2012 (time and validation)"),
    Check(name="repeated_columns", codes=("GF-D035",), look=repeated, source="columns compared cell by cell"),
)
