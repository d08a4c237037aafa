"""Draw how good the model is: confusion, classes with intervals, reliability, predicted against true."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from .svg import WIDTH, Canvas, Label, Scale, text_width, ticks
from .words import both, digits, percent

MOST_NUMBERED = 12  # classes up to which a confusion matrix can carry figures
MOST_CELLS = 60  # classes up to which it can be drawn at all


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of successes with its interval: one class's recall, one bin's accuracy."""

    name: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Bin:
    """A confidence bin: mean confidence, and accuracy with its interval."""

    confidence: float
    share: Share


def confusion(counts: np.ndarray, classes: Sequence[str], caption: str) -> Markup:
    """Rows are the truth, columns the answers; the shade is the share of the row.

    Args:
        counts: (K, K) int, K <= MOST_CELLS.
    """
    k = len(classes)
    numbered = k <= MOST_NUMBERED
    left = min(max([text_width(name) for name in classes]) + 16, 112.0) if numbered else 24.0
    turned = numbered and any(text_width(name) > (WIDTH - left) / k - 2 for name in classes)
    cell = (WIDTH - left - (30 if turned else 4)) / k
    top = 104.0 if turned else 38.0 if numbered else 24.0
    c = Canvas(top + cell * k + (22 if turned else 8))
    c.text(left + cell * k / 2, top + cell * k + 16 if turned else 10, both("fig.answered"), "t small", "middle")
    rows = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    for i in range(k):
        for j in range(k):
            tip = f"{classes[i]} → {classes[j]}: {counts[i, j]:,} ({percent(rows[i, j])})"
            _cell(c, left + j * cell, top + i * cell, cell, float(rows[i, j]), int(counts[i, j]), i == j, numbered, tip)
        if numbered:
            c.text(left - 7, top + (i + 0.5) * cell + 4, Label(classes[i], left - 12), "t", "end")
            _column_name(c, classes[i], left + (i + 0.5) * cell, top - 7, turned)
    if not numbered:
        c.text(
            14,
            top + cell * k / 2,
            both("fig.truth"),
            "t small",
            "middle",
            transform=f"rotate(-90 14 {top + cell * k / 2:.0f})",
        )
    return c.done(caption)


def class_bars(shares: Sequence[Share], overall: float | None, caption: str) -> Markup:
    """A bar a class with its interval; the line is the whole."""
    left = min(max([text_width(s.name) for s in shares] + [40]) + 14, 150.0)
    right, row, top = WIDTH - 58.0, 24, 8.0
    bottom = top + row * len(shares)
    c, x = Canvas(bottom + 24), Scale(0.0, 1.0, left, right)
    for t in (0.0, 0.25, 0.5, 0.75, 1.0):
        c.line(x(t), top, x(t), bottom, "grid")
        c.text(x(t), bottom + 16, percent(t, 0), "t tick", "middle")
    for r, s in enumerate(shares):
        _bar(c, s, x, top + r * row + 4, left)
    if overall is not None and math.isfinite(overall):
        c.line(x(overall), top - 4, x(overall), bottom, "mark-overall")
    return c.done(caption)


def inputs(shares: Sequence[tuple[str, float]], caption: str) -> Markup:
    """A bar an input, as long as its share beside the largest."""
    left = min(max([text_width(name) for name, _ in shares]) + 14, 210.0)
    row, top = 22, 4.0
    c, x = Canvas(top + row * len(shares) + 4), Scale(0.0, max(s for _, s in shares), left, WIDTH - 58.0)
    for k, (name, share) in enumerate(shares):
        y = top + k * row
        c.text(left - 8, y + 13, Label(name, left - 12), "t", "end")
        c.rect(left, y + 2, max(x(share) - left, 0.5), 14, "bar-class", rx=2, tip=f"{name}: {percent(share)}")
        c.text(WIDTH - 4, y + 13, percent(share), "t num", "end")
    return c.done(caption)


def reliability(after: Sequence[Bin], before: Sequence[Bin], caption: str) -> Markup:
    """Accuracy against confidence with intervals, above how often each confidence was given."""
    left, right, top, bottom = 48.0, WIDTH - 14.0, 24.0, 262.0
    c, x, y = Canvas(366), Scale(0, 1, left, right), Scale(0, 1, bottom, top)
    for t in (0.0, 0.25, 0.5, 0.75, 1.0):
        c.line(left, y(t), right, y(t), "grid")
        c.text(left - 7, y(t) + 4, percent(t, 0), "t tick", "end")
        c.text(x(t), 340, percent(t, 0), "t tick", "middle" if 0 < t < 1 else "end" if t else "start")
    c.line(x(0), y(0), x(1), y(1), "ideal")
    for b in before:
        c.dot(x(b.confidence), y(b.share.value), 3.2, "dot-before", tip=_bin_tip(b))
    for b in after:
        c.line(x(b.confidence), y(b.share.low), x(b.confidence), y(b.share.high), "whisker")
    most = max([b.share.n for b in after] + [1])
    for b in after:
        c.dot(x(b.confidence), y(b.share.value), 3 + 3.5 * math.sqrt(b.share.n / most), "mark-value", tip=_bin_tip(b))
    for b in after:
        height = 46 * b.share.n / most
        c.rect(x(b.confidence) - 8, 324 - height, 16, height, "bar-count", tip=f"n = {b.share.n:,}")
    c.line(left, 324, right, 324, "axis")
    c.text((left + right) / 2, 360, both("fig.confidence"), "t small", "middle")
    c.text(left, 10, both("fig.accuracy_in_bin"), "t small")
    c.text(left + 8, 284, both("fig.how_often"), "t small")
    return c.done(caption)


def truth(target: np.ndarray, predicted: np.ndarray, caption: str) -> Markup:
    """Predicted against true numbers, with the line where both agree; at most 2,000 points, evenly taken."""
    keep = np.unique(np.linspace(0, len(target) - 1, min(len(target), 2000)).astype(int))
    t, p = target[keep], predicted[keep]
    low, high = float(min(t.min(), p.min())), float(max(t.max(), p.max()))
    left, right, top, bottom = 56.0, WIDTH - 12.0, 12.0, 340.0
    c, x, y = Canvas(388), Scale(low, high, left, right), Scale(low, high, bottom, top)
    for v in ticks(low, high, 4):
        c.line(left, y(v), right, y(v), "grid")
        c.text(left - 7, y(v) + 4, digits(v), "t tick", "end")
        c.text(x(v), bottom + 18, digits(v), "t tick", "middle")
    c.line(x(low), y(low), x(high), y(high), "ideal")
    for a, b in zip(t, p, strict=True):
        c.dot(x(float(a)), y(float(b)), 2.4, "dot-truth")
    c.text((left + right) / 2, bottom + 38, both("fig.true_value"), "t small", "middle")
    c.text(left + 8, top + 12, both("fig.predicted_value"), "t small")
    return c.done(caption)


def _cell(
    c: Canvas, x: float, y: float, side: float, share: float, count: int, right: bool, numbered: bool, tip: str
) -> None:
    inset = 1.0 if numbered else 0.25
    c.rect(x + inset, y + inset, side - 2 * inset, side - 2 * inset, "cell-empty")
    if count:
        opacity = f"{0.1 + 0.9 * share if right else min(0.16 + 1.6 * share, 1.0):.2f}"
        kind = "cell-right" if right else "cell-wrong"
        c.rect(x + inset, y + inset, side - 2 * inset, side - 2 * inset, kind, fill_opacity=opacity, tip=tip)
        if numbered:
            dark = share > 0.55 if right else share > 0.3
            c.text(x + side / 2, y + side / 2 + 4, digits(count), "t cell on" if dark else "t cell", "middle")


def _column_name(c: Canvas, name: str, x: float, y: float, turned: bool) -> None:
    if turned:
        c.text(x + 3, y, Label(name, 104), "t", "start", transform=f"rotate(-60 {x + 3:.1f} {y:.1f})")
    else:
        c.text(x, y, name, "t", "middle")


def _bar(c: Canvas, s: Share, x: Scale, y: float, left: float) -> None:
    c.text(left - 8, y + 12, Label(s.name, left - 12), "t", "end")
    if not math.isfinite(s.value):
        c.text(left + 6, y + 12, both("fig.none_here"), "t small")
        return
    c.rect(left, y, x(s.value) - left, 16, "bar-class", rx=2, tip=f"{s.name}: {percent(s.value)}, n = {s.n:,}")
    if math.isfinite(s.low) and math.isfinite(s.high):
        c.line(x(s.low), y + 8, x(s.high), y + 8, "whisker")
        for end in (s.low, s.high):
            c.line(x(end), y + 4, x(end), y + 12, "whisker")
    c.text(WIDTH - 4, y + 12, percent(s.value), "t num", "end")


def _bin_tip(b: Bin) -> str:
    return f"{percent(b.confidence)} → {percent(b.share.value)}, n = {b.share.n:,}"
