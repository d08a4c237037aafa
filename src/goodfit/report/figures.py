"""Draw how the work went: counts, curves with their gap, the ladder, experiments as a forest, the budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .svg import WIDTH, Canvas, Label, Scale, apart, log_ticks, text_width, ticks
from .words import Words, both, digits, duration, percent, points, score_text

MOST_ROWS = 30  # bars in one figure; the table below it holds all


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One pair of lines over the epochs.

    Attributes:
        epochs: (T,) epochs finished at each point.
        train: (T,) measured on training batches; NaN where absent.
        select: (T,) measured on select; NaN where absent.
        best: position of the weights that were kept, or None.
        metric: name; "loss" for the loss.
        is_share: whether it is shown as per cent.
    """

    epochs: Sequence[float]
    train: Sequence[float]
    select: Sequence[float]
    best: int | None
    metric: str
    is_share: bool = False


@dataclass(frozen=True, kw_only=True)
class Climb:
    """A trained model as a point of the ladder: value with interval (NaN where none) against seconds."""

    name: str
    href: str
    seconds: float
    value: float
    low: float
    high: float
    is_winner: bool


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A row of the forest: an arm's paired difference to the base, with its interval and verdict."""

    name: object
    effect: float
    low: float
    high: float
    verdict: str
    href: str


def interval_strip(
    value: float, low: float, high: float, chance: float | None, before: float | None, caption: str
) -> Markup:
    """One score on the whole scale from 0 to 100 %: its interval, chance, and what val had promised."""
    c, scale, y = Canvas(64), Scale(0.0, 1.0, 8, WIDTH - 8), 28.0
    c.rect(8, y - 3, WIDTH - 16, 6, "track", rx=3)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        c.text(scale(share), y + 30, percent(share, 0), "t tick", anchor)
    if chance is not None:
        c.line(scale(chance), y - 9, scale(chance), y + 9, "mark-chance")
        c.text(
            scale(chance),
            y - 14,
            both("fig.chance", share=percent(chance, 0)),
            "t small",
            "start" if chance < 0.3 else "middle",
        )
    if math.isfinite(low) and math.isfinite(high):
        c.rect(
            scale(low),
            y - 7,
            max(scale(high) - scale(low), 2.0),
            14,
            "interval",
            rx=3,
            tip=f"{percent(low)} – {percent(high)}",
        )
    if before is not None and math.isfinite(before):
        c.shape("path", d=_diamond(scale(before), y + 12, 4), class_="mark-before", tip=percent(before))
    c.dot(scale(value), y, 5.5, "mark-value", tip=percent(value))
    return c.done(caption)


def class_counts(classes: Sequence[str], parts: Mapping[str, Sequence[int]], caption: str) -> Markup:
    """Stacked bars: samples of each class by part, largest first where there are many."""
    totals = [sum(column[k] for column in parts.values()) for k in range(len(classes))]
    shown = _largest(totals)
    left, right, row = _label_room([classes[k] for k in shown]), WIDTH - 52, 22
    c, scale = Canvas(row * len(shown) + 4), Scale(0, max(totals, default=1) or 1, left, right)
    for r, k in enumerate(shown):
        y, x = r * row + 4.0, float(left)
        c.text(left - 8, y + 12, Label(classes[k], left - 12), "t", "end")
        for part, column in parts.items():
            width = scale(column[k]) - left
            if column[k]:
                c.rect(x, y, max(width - 1, 1), 16, f"part-{part}", tip=f"{part}: {column[k]:,}")
            x += width
        c.text(x + 6, y + 12, digits(totals[k]), "t num")
    return c.done(caption)


def curves(curve: Curve, caption: str) -> Markup:
    """Train and select over the epochs, the kept weights marked; the gap is shaded but between two kinds of loss."""
    c, right, top, bottom = Canvas(252), WIDTH - 62.0, 14.0, 216.0
    finite = [v for v in [*curve.train, *curve.select] if math.isfinite(v)] or [0.0, 1.0]
    x = Scale(min(0.0, *curve.epochs), max(*curve.epochs, 1e-9), 44, right)
    y = _value_scale(finite, curve.is_share, bottom, top)
    _grid(c, y, curve.is_share, 44, right)
    for e in ticks(0, x.high, 5, whole=x.high > 3):
        c.text(x(e), bottom + 16, digits(e), "t tick", "middle")
    c.text((44 + right) / 2, bottom + 32, both("fig.epochs"), "t small", "middle")
    xs = [x(e) for e in curve.epochs]
    up = [[y(v) if math.isfinite(v) else math.nan for v in line] for line in (curve.train, curve.select)]
    if curve.metric != "loss":  # on train it is the loss that was trained on, smoothed or weighted
        _shade(c, xs, up[0], up[1])
    if curve.best is not None:
        c.line(xs[curve.best], top, xs[curve.best], bottom, "mark-best")
    for line, values, name in zip(("train", "select"), up, (curve.train, curve.select), strict=True):
        c.polyline(xs, values, f"line-{line}")
        for k, v in enumerate(values):
            if math.isfinite(v) and (len(xs) <= 25 or k == curve.best):
                c.dot(
                    xs[k],
                    v,
                    2.6,
                    f"dot-{line}",
                    tip=f"{line}, {digits(curve.epochs[k])}: {score_text(name[k], curve.is_share)}",
                )
    _end_labels(c, xs, up, right, top, bottom)
    if curve.best is not None and math.isfinite(up[1][curve.best]):
        c.dot(
            xs[curve.best], up[1][curve.best], 4.5, "dot-best", tip=score_text(curve.select[curve.best], curve.is_share)
        )
    return c.done(caption)


def ladder(climbs: Sequence[Climb], is_share: bool, caption: str) -> Markup:
    """Each model as score against seconds, in the order in which they were climbed."""
    c, right, top, bottom = Canvas(262), WIDTH - 16.0, 16.0, 222.0
    seconds = [p.seconds for p in climbs]
    x = Scale(min(seconds) / 1.6, max(seconds) * 1.9, 48, right, log=True)
    finite = [v for p in climbs for v in (p.value, p.low, p.high) if math.isfinite(v)]
    y = _value_scale(finite, is_share, bottom, top)
    _grid(c, y, is_share, 48, right)
    for s in log_ticks(x.low, x.high):
        c.line(x(s), bottom, x(s), bottom + 4, "axis")
        c.text(x(s), bottom + 17, duration(s), "t tick", "middle")
    c.text((48 + right) / 2, bottom + 34, both("fig.training_time"), "t small", "middle")
    c.polyline([x(p.seconds) for p in climbs], [y(p.value) for p in climbs], "climb")
    boxes = [(x(p.seconds) - 8, y(p.value) - 8, x(p.seconds) + 8, y(p.value) + 8) for p in climbs]
    known = [p for p in climbs if math.isfinite(p.low + p.high)]
    boxes += [(x(p.seconds) - 3, y(p.high), x(p.seconds) + 3, y(p.low)) for p in known]
    for p in climbs:
        _climb(c, p, x, y, is_share, boxes, right)
    return c.done(caption)


def forest(effects: Sequence[Effect], is_share: bool, equivalence: float, base: object, caption: str) -> Markup:
    """Effects against the base with intervals; the band is what counts as no effect."""
    row, left, right, top = 34, 150.0, WIDTH - 66.0, 26.0
    bottom = top + row * len(effects)
    c = Canvas(bottom + 40)
    ends = [v for e in effects for v in (e.low, e.high, e.effect) if math.isfinite(v)]
    reach = max([abs(v) for v in ends] + [equivalence * 1.5, 1e-9]) * 1.12
    x = Scale(-reach, reach, left, right)
    c.rect(x(-equivalence), top - 4, x(equivalence) - x(-equivalence), bottom - top + 4, "band")
    c.line(x(0), top - 8, x(0), bottom, "zero")
    c.text(x(0), top - 13, base, "t small", "middle")
    for r, e in enumerate(effects):
        _effect(c, e, x, top + row * r + row / 2 - 2, left, is_share)
    for t in ticks(-reach, reach, 4):
        c.text(x(t), bottom + 16, points(t, is_share) if t else "0", "t tick", "middle")
    c.text(left, bottom + 33, both("fig.worse"), "t small")
    c.text(right, bottom + 33, both("fig.better"), "t small", "end")
    return c.done(caption)


def budget(
    asked: float | None, planned: float | None, used: float, stages: Sequence[tuple[str, float, str]], caption: str
) -> Markup:
    """Promise above reality: what was asked and planned, and what each stage took, on one scale of time."""
    rows = [(name, s) for name, s in (("asked", asked), ("planned", planned)) if s]
    left, right, row = 78.0, WIDTH - 90.0, 34
    c = Canvas(row * (len(rows) + 1) + 4)
    x = Scale(0, max([s for _, s in rows] + [used, 1e-9]), left, right)
    for r, (name, seconds) in enumerate([*rows, ("used", used)]):
        y = r * row + 6.0
        c.text(left - 8, y + 15, both(f"fig.{name}"), "t", "end")
        c.text(WIDTH - 2, y + 15, duration(seconds), "t num strong" if name == "used" else "t num", "end")
        if name != "used":
            c.rect(left, y, x(seconds) - left, 22, f"bar-{name}", rx=3)
    y = len(rows) * row + 6.0
    _stages(c, stages, used, x, y, left)
    if asked:
        c.line(x(asked), 2, x(asked), y + 26, "mark-deadline")
    return c.done(caption)


def sparkline(values: Sequence[float], caption: str = "") -> Markup:
    """A tiny line of the select score over a run."""
    c = Canvas(22, 96)
    finite = [v for v in values if math.isfinite(v)]
    if len(finite) < 2:
        return Markup("")
    x, y = Scale(0, len(values) - 1, 3, 88), Scale(min(finite), max(finite), 18, 4)
    c.polyline([x(k) for k in range(len(values))], [y(v) for v in values], "line-select")
    c.dot(x(len(values) - 1), y(finite[-1]), 2.6, "dot-select")
    return c.done(caption)


def _largest(totals: Sequence[int]) -> list[int]:
    if len(totals) <= MOST_ROWS:
        return list(range(len(totals)))
    return sorted(range(len(totals)), key=lambda k: -totals[k])[:MOST_ROWS]


def _label_room(names: Sequence[str]) -> int:
    return int(min(max([text_width(n) for n in names] + [40]) + 14, 150))


def _value_scale(values: Sequence[float], is_share: bool, start: float, end: float) -> Scale:
    low, high = min(values), max(values)
    spare = max((high - low) * 0.08, 0.01 if is_share else abs(high) * 0.02 + 1e-9)
    low = max(low - spare, 0.0) if low >= 0 else low - spare
    high = min(high + spare, 1.0) if is_share and high <= 1 else high + spare
    return Scale(low, high, start, end)


def _grid(c: Canvas, y: Scale, is_share: bool, left: float, right: float) -> None:
    marks = ticks(y.low, y.high, 4)
    places = 0 if all(abs(100 * t - round(100 * t)) < 1e-6 for t in marks) else 1
    for t in marks:
        c.line(left, y(t), right, y(t), "grid")
        shown = percent(t, places) if is_share else digits(t)
        c.text(left - 7, y(t) + 4, shown, "t tick", "end")


def _shade(c: Canvas, xs: Sequence[float], train: Sequence[float], select: Sequence[float]) -> None:
    both_known = [k for k in range(len(xs)) if math.isfinite(train[k]) and math.isfinite(select[k])]
    if len(both_known) >= 2:
        back = both_known[::-1]
        c.polyline(
            [xs[k] for k in both_known + back],
            [train[k] for k in both_known] + [select[k] for k in back],
            "gap",
            closed=True,
        )


def _end_labels(
    c: Canvas, xs: Sequence[float], lines: Sequence[Sequence[float]], right: float, top: float, bottom: float
) -> None:
    names, wanted = [], []
    for name, values in zip(("train", "select"), lines, strict=True):
        last = next((v for v in reversed(values) if math.isfinite(v)), None)
        if last is not None:
            names.append(name)
            wanted.append(last + 4)
    for name, y in zip(names, apart(wanted, 15, top + 4, bottom), strict=True):
        c.text(right + 6, y, both(f"part.{name}"), f"t label-{name}")


def _climb(
    c: Canvas,
    p: Climb,
    x: Scale,
    y: Scale,
    is_share: bool,
    boxes: list[tuple[float, float, float, float]],
    right: float,
) -> None:
    cx, cy = x(p.seconds), y(p.value)
    c.open_link(p.href)
    if math.isfinite(p.low) and math.isfinite(p.high):
        c.line(cx, y(p.low), cx, y(p.high), "whisker")
    if p.is_winner:
        c.dot(cx, cy, 9, "ring")
    c.dot(cx, cy, 5, "mark-value" if p.is_winner else "mark-run", tip=f"{p.name}: {score_text(p.value, is_share)}")
    width = min(text_width(p.name), 140)
    places = [(cx + 13, cy + 4, "start"), (cx - 13, cy + 4, "end"), (cx, cy - 14, "middle"), (cx, cy + 22, "middle")]
    tx, ty, anchor = next((q for q in places if _is_free(q, width, boxes, right)), places[2])
    boxes.append(_box((tx, ty, anchor), width))
    c.text(tx, ty, Label(p.name, 146), "t strong" if p.is_winner else "t", anchor)
    c.close_link()


def _box(place: tuple[float, float, str], width: float) -> tuple[float, float, float, float]:
    x, y, anchor = place
    start = x if anchor == "start" else x - width if anchor == "end" else x - width / 2
    return start, y - 11, start + width, y + 4


def _is_free(
    place: tuple[float, float, str], width: float, boxes: Sequence[tuple[float, float, float, float]], right: float
) -> bool:
    a, b, c, d = _box(place, width)
    if a < 50 or c > right or b < 2:
        return False
    return all(c < p or a > r or d < q or b > s for p, q, r, s in boxes)


def _effect(c: Canvas, e: Effect, x: Scale, y: float, left: float, is_share: bool) -> None:
    kind = {"better": "better", "worse": "worse", "no effect": "same"}.get(e.verdict, "unsure")
    c.open_link(e.href)
    name = e.name if isinstance(e.name, Words) else Label(str(e.name), left - 16)
    c.text(left - 12, y + 4, name, "t", "end")
    if math.isfinite(e.low) and math.isfinite(e.high):
        c.line(x(e.low), y, x(e.high), y, f"reach {kind}")
        for end in (e.low, e.high):
            c.line(x(end), y - 5, x(end), y + 5, f"reach {kind}")
    if math.isfinite(e.effect):
        c.dot(x(e.effect), y, 5.5, f"mark {kind}", tip=points(e.effect, is_share))
    c.text(WIDTH - 4, y + 4, points(e.effect, is_share), f"t num {kind}", "end")
    c.close_link()


def _stages(c: Canvas, stages: Sequence[tuple[str, float, str]], used: float, x: Scale, y: float, left: float) -> None:
    c.rect(left, y, x(used) - left, 22, "bar-rest", rx=3)
    at = 0.0
    for k, (name, seconds, href) in enumerate(stages):
        if seconds <= 0 or at >= used:
            continue
        seconds = min(seconds, used - at)
        width = max(x(at + seconds) - x(at) - 1, 0.8)
        c.open_link(href)
        c.rect(x(at), y, width, 22, f"stage-{k % 2}", tip=f"{name}: {duration(seconds).en}")
        if text_width(name) < width - 8:
            c.text(x(at) + 6, y + 15, Label(name, width), "t on")
        c.close_link()
        at += seconds


def _diamond(x: float, y: float, r: float) -> str:
    return f"M{x:.1f} {y - r:.1f} L{x + r:.1f} {y:.1f} L{x:.1f} {y + r:.1f} L{x - r:.1f} {y:.1f} Z"
