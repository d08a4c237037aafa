"""The balance of the classes as a piece of the audit and the report: bars and a table of samples and annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import figures
from .story import number
from .words import Words, both, digits, percent, same

MOST_ROWS = 60  # classes in the table, the most frequent first; findings.json and audit.json hold all


def piece(balance: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the macro `balance` shows; None where there are no classes.

    Args:
        balance: as `audit.balance.Balance.to_json` gives it, maybe from an older or a foreign file.
    """
    if not isinstance(balance, Mapping) or not balance.get("classes"):
        return None
    classes = [str(name) for name in balance["classes"]]
    columns = {name: _counts(balance.get(name), len(classes)) for name in ("samples", "boxes") if balance.get(name)}
    if not columns:
        return None
    leading = columns.get("boxes") or columns["samples"]
    order = sorted(range(len(classes)), key=lambda k: -leading[k])
    names = [classes[k] for k in order]
    return {
        "figures": [
            (figures.class_counts(names, {"all": [column[k] for k in order]}, f"cap-balance-{name}"), name)
            for name, column in columns.items()
        ],
        "columns": list(columns),
        "rows": [_row(classes[k], [column[k] for column in columns.values()], columns) for k in order[:MOST_ROWS]],
        "hidden": max(0, len(classes) - MOST_ROWS),
        "hidden_bars": max(0, len(classes) - figures.MOST_ROWS),
        "sentences": [_sentence(balance, name, len(classes)) for name in columns] + _background(balance),
    }


def _counts(column: Any, classes: int) -> list[int]:
    found = [int(number(n) or 0) for n in column] if isinstance(column, Sequence) else []
    return [*found, *[0] * classes][:classes]


def _row(name: str, counts: Sequence[int], columns: Mapping[str, Sequence[int]]) -> tuple[Words, list[tuple[str, str]]]:
    shares = [count / max(1, sum(column)) for count, column in zip(counts, columns.values(), strict=True)]
    return same(name), [(digits(n), percent(share)) for n, share in zip(counts, shares, strict=True)]


def _sentence(balance: Mapping[str, Any], column: str, classes: int) -> Words:
    figures_of = {key: number((balance.get(key) or {}).get(column)) for key in ("ratio", "effective")}
    shown = {key: digits(value) for key, value in figures_of.items()}
    return both(f"balance.{column}", classes=digits(classes), **shown)


def _background(balance: Mapping[str, Any]) -> list[Words]:
    empty, total = number(balance.get("background")), number(balance.get("total"))
    if empty is None or not total:
        return []
    called = str(balance.get("background_class") or "")
    values = {"n": digits(empty), "share": percent(empty / total), "name": same(called)}
    return [both("balance.background_class" if called else "balance.background", **values)]
