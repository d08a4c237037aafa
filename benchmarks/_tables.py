"""Small helpers for drawing: groups of rows, medians with spread, Markdown tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """Rows by key, in order of first appearance."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def by_machine(rows: Iterable[Row], *keys: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by (machine, version, trial keys...); `machine` is the letter that draw.py gave."""
    return grouped(rows, lambda r: (r["machine"], r["goodfit"], *(r["trial"].get(k) for k in keys)))


def values(rows: Iterable[Row], name: str) -> list[float]:
    """A result of each row that has it."""
    found = (row["result"].get(name) for row in rows)
    return [float(v) for v in found if v is not None and math.isfinite(v)]


def spread(numbers: Sequence[float], form: Callable[[float], str] = "{:.2f}".format) -> str:
    """`median [least-most]`; the number alone where there is one."""
    if not numbers:
        return "-"
    middle = form(statistics.median(numbers))
    return middle if len(numbers) == 1 else f"{middle} [{form(min(numbers))}-{form(max(numbers))}]"


def interval(numbers: Sequence[float]) -> tuple[float, float, float]:
    """Mean of two numbers or more, with the ends of Student's 95 % interval."""
    from scipy.stats import t

    mean = statistics.fmean(numbers)
    half = float(t.ppf(0.975, len(numbers) - 1)) * statistics.stdev(numbers) / math.sqrt(len(numbers))
    return mean, mean - half, mean + half


def percent(value: float) -> str:
    """A share as per cent with two digits."""
    return f"{100 * value:.2f} %"


def seconds(value: float) -> str:
    """Seconds, with a digit where that matters."""
    return f"{value:,.1f} s" if value < 100 else f"{value:,.0f} s"


def verdict(kept: bool | None, words: str) -> str:
    """A promise and whether it was kept: `>= 98 %: yes`; None = not judged yet."""
    return f"{words}: {'not judged' if kept is None else 'yes' if kept else '**no**'}"


def judged(numbers: Sequence[float], least: float, need: int = 3) -> bool | None:
    """Whether the median reaches `least`; None with fewer than `need` numbers."""
    return statistics.median(numbers) >= least if len(numbers) >= need else None


def table(heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """A Markdown table."""
    text = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    text += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join(text)


def seeds(rows: Iterable[Row]) -> str:
    """The seeds of some rows."""
    return ", ".join(str(s) for s in sorted({r["trial"]["seed"] for r in rows}))


def machine_has_bf16(row: Mapping[str, Any], worth: float = 1.15) -> bool:
    """Whether bf16 was measured to be really faster on the row's machine."""
    return bool(row["hardware"]["bf16_speedup"] >= worth)
