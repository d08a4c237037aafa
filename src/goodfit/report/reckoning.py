"""The chapters at the end: promise against reality, what it cost, how to do it again."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from ..core.errors import printable
from . import figures
from .links import model_name, path_link, run_link
from .story import Story, Trained, number
from .words import Words, both, digits, duration, named, percent, score_text, short_count, size, value_text

Chapter = dict[str, Any]
LONGEST_COMMAND = 4000  # characters; it must be whole to be repeated


def cost(story: Story) -> Chapter | None:
    """Promise against reality, and what the model costs."""
    told = story.result.get("budget") or {}
    told = told if isinstance(told, Mapping) else {}
    asked = number(told.get("asked")) or number(story.about.get("budget_seconds"))
    used = number(told.get("used")) or number(story.result.get("seconds"))
    rows = _cost_rows(story)
    if used is None and not rows:
        return None
    planned = _planned_seconds(told.get("planned"))
    stages = [(model_name(r), r.seconds, r.href) for r in story.runs if math.isfinite(r.seconds)]
    return {
        "figure": figures.budget(asked, planned, used, stages, "cap-budget") if used else None,
        "sentence": _budget_sentence(asked, used),
        "trained": duration(sum(s for _, s, _ in stages)),
        "rows": rows,
        "machine": _machine(story),
    }


def again(story: Story) -> Chapter:
    """How to repeat it, and every run with its folder."""
    return {
        "command": _command(story),
        "version": story.about.get("version"),
        "started": _moment(story.about.get("started")),
        "fingerprint": story.about.get("fingerprint"),
        "plan": path_link(f"runs/{story.winner.id}/plan.yaml") if story.winner else None,
        "runs": [_run_row(story, run) for run in story.runs],
        "unread": story.unread,
        "verb": story.about.get("verb"),
    }


def _planned_seconds(planned: Any) -> float | None:
    """A number, or the sum of a list or mapping of numbers or of objects with `seconds`."""
    if isinstance(planned, Mapping):
        planned = [planned["seconds"]] if "seconds" in planned else list(planned.values())
    if isinstance(planned, list):
        parts = [number(p.get("seconds") if isinstance(p, Mapping) else p) for p in planned]
        return sum(p for p in parts if p is not None) or None
    return number(planned)


def _budget_sentence(asked: float | None, used: float | None) -> Words | None:
    if used is None:
        return None
    if asked is None:
        return both("cost.no_budget", used=duration(used))
    limit = max(asked * 1.1, asked + 10)
    key = "cost.kept" if used <= limit else "cost.broken"
    return both(key, asked=duration(asked), used=duration(used), share=percent(used / asked, 0))


def _cost_rows(story: Story) -> list[tuple[Words, object]]:
    if story.winner is None or story.winner.result is None:
        return []
    run, c = story.winner, story.winner.result.cost
    rows: list[tuple[Words, object]] = [(both("cost.model"), run_link(model_name(run), run))]
    cells: list[tuple[str, bool, object]] = [
        ("seconds", math.isfinite(c.seconds), duration(c.seconds)),
        ("parameters", bool(c.parameters), digits(c.parameters)),
        ("macs", bool(c.macs), short_count(c.macs)),
        ("size", bool(c.size_bytes), size(c.size_bytes)),
        ("latency", math.isfinite(c.latency_ms), f"{digits(c.latency_ms)} ms"),
        ("memory", math.isfinite(c.memory_mb), f"{digits(c.memory_mb)} MB"),
    ]
    return rows + [(both(f"cost.{name}"), shown) for name, there, shown in cells if there]


def _machine(story: Story) -> list[tuple[str, Words]]:
    rows: dict[str, Words] = {}
    engine = story.winner.recipe.engine if story.winner is not None and story.winner.recipe is not None else None
    told = {key: getattr(engine, key) for key in ("device", "precision", "layout", "threads")} if engine else None
    for tree in (told, story.about.get("engine"), story.about.get("machine")):
        if isinstance(tree, Mapping):
            rows.update({str(k): value_text(v) for k, v in tree.items() if v not in (None, "", [], {})})
    return list(rows.items())


def _command(story: Story) -> Markup:
    told = story.about.get("command")
    text = shlex.join(str(part) for part in told) if isinstance(told, list) else str(told or "")
    return escape(printable(text, LONGEST_COMMAND))


def _moment(value: Any) -> str:
    """Seconds since the epoch as a date in UTC; text as it is."""
    seconds = number(value)
    if seconds is None:
        return str(value or "")
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _run_row(story: Story, run: Trained) -> Chapter:
    score, split = None, ""
    for split in ("confirm", "val", "select"):
        score = run.score(split)
        if score is not None:
            break
    values = [float(r.select.get(story.primary, math.nan)) for r in run.history]
    recipe = run.recipe
    return {
        "run": run,
        "anchor": f"run-{run.number}",
        "folder": path_link(f"runs/{run.id}/"),
        "id": run.id,
        "model": model_name(run),
        "seed": recipe.seed if recipe is not None else "–",
        "epochs": digits(float(recipe.train.epochs)) if recipe is not None and recipe.train.epochs != "auto" else "–",
        "seconds": duration(run.seconds),
        "score": score_text(score.value, story.is_share(story.primary)) if score else "–",
        "split": named("part", split) if score else None,
        "spark": figures.sparkline(values),
        "is_winner": run is story.winner and len(story.runs) > 1,
        "refit": run.result is not None and run.result.refit,
        "state": named("stopped", run.result.stopped) if run.result else both("run.unfinished"),
    }
