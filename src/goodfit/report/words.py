"""Say things in both languages at once: a value with an English and a Chinese half; numbers as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from ..core.errors import printable
from ..core.messages import has, texts
from ..core.telling import show_number

LONGEST_TEXT = 400  # characters of one string from data; more helps nobody and could bloat the page


@dataclass(frozen=True)
class Words:
    """One thing said in two languages; both halves are already safe HTML.

    Attributes:
        en: English.
        zh: simplified Chinese.
    """

    en: Markup
    zh: Markup

    def of(self, lang: str) -> Markup:
        return self.zh if lang == "zh" else self.en

    def __html__(self) -> str:
        """Two spans, of which the page shows one; a single piece where the languages agree."""
        if self.en == self.zh:
            return str(self.en)
        return f'<span lang="en">{self.en}</span><span lang="zh">{self.zh}</span>'


def both(key: str, /, **values: Any) -> Words:
    """The sentence under `report.<key>` in both languages.

    Args:
        key: without the prefix.
        values: placeholders; Words show their own half, Markup stays, everything else is escaped.
    Raises: KeyError if the key or a placeholder is missing; a test keeps the catalogue complete.
    """
    return Words(*(_fill(texts(lang)[f"report.{key}"], lang, values) for lang in ("en", "zh")))


def foreign(key: str, numbers: Mapping[str, Any]) -> Words | None:
    """A sentence of another room's catalogue, or None where it has no words or the numbers do not fill them.

    Args:
        key: whole key, for example "finding.GF-F001.title".
        numbers: JSON values from a study folder.
    """
    if not has(key):
        return None
    try:
        return Words(*(_fill(texts(lang)[key], lang, numbers, code=True) for lang in ("en", "zh")))
    except (KeyError, ValueError, IndexError, TypeError, AttributeError):
        return None


def clean(value: object) -> Markup:
    """Text from data, escaped: control and direction characters shown, long strings cut."""
    return escape(printable(value, LONGEST_TEXT))


def join(parts: list[Any], separator: str = " · ") -> Words:
    """Several things said one after the other."""
    return Words(*(Markup(separator).join(_half(p, lang) for p in parts) for lang in ("en", "zh")))


def wrap(before: Markup, words: object, after: Markup) -> Words:
    """Words inside an element."""
    return Words(*(Markup(before) + _half(words, lang) + after for lang in ("en", "zh")))


def score_text(value: float | None, is_share: bool) -> str:
    """A score as people read it: 91.3% for a share, four digits otherwise."""
    if value is None or not math.isfinite(value):
        return "–"
    return percent(value) if is_share else digits(value)


def percent(share: float | None, places: int = 1) -> str:
    """0.9134 -> 91.3%."""
    if share is None or not math.isfinite(share):
        return "–"
    return f"{100 * share:.{places}f}%"


def points(difference: float, is_share: bool) -> str:
    """A signed difference of two scores: +1.2 (percentage points) or in the metric's unit."""
    if not math.isfinite(difference):
        return "–"
    text = f"{100 * difference:+.1f}" if is_share else f"{difference:+.3g}"
    return text.replace("-", "−")


def digits(value: float | None) -> str:
    """About four significant digits, thousands separated."""
    if value is None or not math.isfinite(value):
        return "–"
    return show_number(value).replace("-", "−")


def short_count(value: float) -> Words:
    """1,234,567 -> 1.2 M; Chinese counts by ten thousands."""
    return Words(
        Markup(_scaled(value, ((1e9, " B"), (1e6, " M"), (1e3, " k")))),
        Markup(_scaled(value, ((1e8, " 亿"), (1e4, " 万")))),
    )


def duration(seconds: float | None) -> Words:
    """Seconds as people say them: 45 s, 12 min 3 s, 1 h 4 min."""
    if seconds is None or not math.isfinite(seconds):
        return Words(Markup("–"), Markup("–"))
    if seconds < 9.95:
        return both("time.s", s=f"{max(seconds, 0):.1f}")
    whole = round(seconds)
    if whole < 60:
        return both("time.s", s=whole)
    if whole < 3600:
        return both("time.min", m=whole // 60, s=whole % 60) if whole % 60 else both("time.min_only", m=whole // 60)
    return both("time.h", h=whole // 3600, m=whole % 3600 // 60)


def size(size_bytes: float) -> str:
    """Bytes as kB, MB or GB (powers of 1,000)."""
    return _scaled(size_bytes, ((1e9, " GB"), (1e6, " MB"), (1e3, " kB"))) + ("" if size_bytes >= 1e3 else " B")


def value_text(value: Any) -> Words:
    """Any JSON value from a ledger or a plan, as short text."""
    if isinstance(value, bool):
        return both("value.yes" if value else "value.no")
    if value is None:
        return both("value.none")
    if isinstance(value, int | float):
        return same(digits(float(value)))
    if isinstance(value, Mapping):
        return join([join([clean(k), value_text(v)], " ") for k, v in value.items()]) if value else same("–")
    if isinstance(value, list | tuple):
        return join([value_text(v) for v in value], ", ") if value else same("–")
    return same(value)


def same(value: object) -> Words:
    """Text from data that has no language."""
    return Words(clean(value), clean(value))


def named(kind: str, name: str) -> Words:
    """The words for a known name (`report.<kind>.<name>`), or the name itself, as text from data."""
    key = f"{kind}.{name}"
    return both(key) if has(f"report.{key}") else same(name)


def _fill(text: str, lang: str, values: Mapping[str, Any], code: bool = False) -> Markup:
    """The text with its placeholders filled; `code` turns what stands in backticks into code."""
    safe = str(escape(text))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", safe) if code else safe).format(
        **{k: _placeholder(v, lang) for k, v in values.items()}
    )


def _placeholder(value: Any, lang: str) -> Any:
    if isinstance(value, int | float):
        return value
    return _half(value, lang)


def _half(value: Any, lang: str) -> Markup:
    if isinstance(value, Words):
        return value.of(lang)
    if isinstance(value, Markup):
        return value
    return value_text(value).of(lang) if isinstance(value, list | tuple | Mapping) else clean(value)


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    for unit, name in units:
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}" if value / unit < 1000 else f"{value / unit:,.0f}{name}"
    return f"{value:.0f}"
