"""Spans of time as people write and read them: `90s`, `10m`, `1h30m`, there and back."""

from __future__ import annotations

import re

from .errors import UsageError

_UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(sec|min|[smhd])", re.ASCII)
_ALLOWED = "90s, 10m, 2h, 1h30m, or a number of seconds"
LONGEST = 365 * 86400.0


def parse_seconds(text: str | float) -> float:
    """Seconds from a span of time.

    Args:
        text: numbers with units s, m, h or d, added up; a bare number is seconds.
    Returns: seconds in (0, one year].
    Raises: UsageError if it is no span of time, is not above zero or is longer than a year.
    """
    cleaned = str(text).strip().lower()
    seconds = _bare(cleaned)
    if seconds is None:
        if not cleaned or _PART.sub("", cleaned).strip():
            raise UsageError(
                "not a span of time", got=text, allowed=_ALLOWED, do="write for example 20m", where="budget"
            )
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(cleaned))
    if not 0 < seconds <= LONGEST:
        raise UsageError(
            "not a usable span of time",
            got=text,
            allowed=f"{_ALLOWED}; above 0, at most 365d",
            do="write for example 20m",
            where="budget",
        )
    return seconds


def show_seconds(seconds: float) -> str:
    """A span of time in two units at most: `0.8 s`, `42 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes % 60 else f"{minutes // 60} h"


def _bare(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d+(?:\.\d+)?", text, re.ASCII) else None
