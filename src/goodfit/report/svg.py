"""Draw plain SVG by hand: a canvas whose every attribute and text is escaped, scales, ticks and axes."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from .words import Words, clean, same

WIDTH = 460  # units; near the pixels of a column, so that text keeps its size on a phone
LETTER = 6.4  # mean advance of a 12-unit sans letter
WIDE_LETTER = 12.0  # of a full-width (CJK) one


class Canvas:
    """Collects shapes and closes them into one `<svg>`; styles come from classes alone, as the page's policy asks.

    Args:
        height: units.
        width: units.
    """

    def __init__(self, height: float, width: float = WIDTH) -> None:
        self.width, self.height = width, height
        self._parts: list[Markup] = []

    def shape(self, tag: str, *, tip: object = None, **attributes: object) -> None:
        """One element; `class_` is `class`, underscores are dashes; `tip` becomes its hover text."""
        inside = Markup("<title>{}</title>").format(clean(tip)) if tip is not None else Markup("")
        self._parts.append(Markup("<{}{}>{}</{}>").format(Markup(tag), _attributes(attributes), inside, Markup(tag)))

    def line(self, x1: float, y1: float, x2: float, y2: float, class_: str) -> None:
        self.shape("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)

    def rect(self, x: float, y: float, width: float, height: float, class_: str, **more: object) -> None:
        self.shape("rect", x=x, y=y, width=max(width, 0.0), height=max(height, 0.0), class_=class_, **more)

    def dot(self, x: float, y: float, r: float, class_: str, **more: object) -> None:
        self.shape("circle", cx=x, cy=y, r=r, class_=class_, **more)

    def polyline(self, xs: Sequence[float], ys: Sequence[float], class_: str, closed: bool = False) -> None:
        """A line through the finite points; a gap where a value is not finite."""
        path, pen = [], "M"
        for x, y in zip(xs, ys, strict=True):
            if math.isfinite(x) and math.isfinite(y):
                path.append(f"{pen}{x:.1f} {y:.1f}")
                pen = "L"
            else:
                pen = "M"
        if path:
            self.shape("path", d=" ".join(path) + (" Z" if closed else ""), class_=class_)

    def text(self, x: float, y: float, words: object, class_: str = "t", anchor: str = "start", **more: object) -> None:
        """Words at a point: one `<text>` a language where they differ."""
        attributes = _attributes({"x": x, "y": y, "class_": class_, "text_anchor": anchor, **more})
        if isinstance(words, Label):
            self._parts.append(Markup("<text{}>{}</text>").format(attributes, words.cut))
            return
        said = words if isinstance(words, Words) else same(words)
        if said.en == said.zh:
            self._parts.append(Markup("<text{}>{}</text>").format(attributes, said.en))
            return
        for lang in ("en", "zh"):
            self._parts.append(Markup('<text lang="{}"{}>{}</text>').format(lang, attributes, said.of(lang)))

    def open_link(self, href: str) -> None:
        """Shapes until `close_link` lead to an anchor of this page."""
        self._parts.append(Markup('<a href="{}">').format(href))

    def close_link(self) -> None:
        self._parts.append(Markup("</a>"))

    def done(self, labelled_by: str = "") -> Markup:
        """The finished element; `labelled_by` is the id of its caption."""
        label = Markup(' aria-labelledby="{}"').format(labelled_by) if labelled_by else Markup("")
        return Markup('<svg viewBox="0 0 {:.0f} {:.0f}" role="img"{}>{}</svg>').format(
            self.width, self.height, label, Markup("").join(self._parts)
        )


@dataclass(frozen=True)
class Label:
    """A name from data, cut to a width, whole in its hover text."""

    text: str
    width: float

    @property
    def cut(self) -> Markup:
        whole = clean(self.text)
        short = shorten(str(whole.unescape()), self.width)
        return escape(short) if short == whole.unescape() else Markup("{}<title>{}</title>").format(short, whole)


@dataclass(frozen=True)
class Scale:
    """Values to units.

    Attributes:
        low, high: values at the ends.
        start, end: units at the ends.
        log: logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, v = (math.log(max(x, 1e-12)) if self.log else x for x in (self.low, self.high, value))
        return self.start + (self.end - self.start) * ((v - low) / (high - low) if high > low else 0.5)


def ticks(low: float, high: float, count: int = 4, whole: bool = False) -> list[float]:
    """About `count` round values within [low, high]; `whole` ones only where asked."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    raw = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    steps = (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)
    step = next(power * m for m in steps if power * m >= raw * 0.999)
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, int(math.floor(high / step + 1e-9)) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Seconds at which people count: 1, 10, 30 s, 1, 2, 5, 10, 30 min, 1 h, ..."""
    known = [0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18000, 36000, 86400, 259200, 864000]
    inside = [k for k in known if low <= k <= high]
    while len(inside) > 6:
        inside = inside[::2]
    return inside or [low]


def text_width(text: str) -> float:
    """Rough width in units of a 12-unit sans text."""
    return sum(WIDE_LETTER if unicodedata.east_asian_width(c) in "WF" else LETTER for c in text)


def shorten(text: str, width: float) -> str:
    """The text cut to a width, with an ellipsis."""
    if text_width(text) <= width:
        return text
    kept = ""
    for c in text:
        if text_width(kept + c) > width - 8:
            break
        kept += c
    return kept + "…"


def apart(wanted: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, each at least `distance` from the next, within [low, high] where that can be."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [min(max(wanted[i], low), high) for i in order]
    for k in range(1, len(placed)):
        placed[k] = max(placed[k], placed[k - 1] + distance)
    limit = high
    for k in range(len(placed) - 1, -1, -1):
        placed[k] = min(placed[k], limit)
        limit = placed[k] - distance
    result = [0.0] * len(wanted)
    for k, i in enumerate(order):
        result[i] = placed[k]
    return result


def _attributes(attributes: dict[str, object]) -> Markup:
    pieces = []
    for name, value in attributes.items():
        if value is None or value == "":
            continue
        shown = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
        pieces.append(f' {name.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    return Markup("".join(pieces))
