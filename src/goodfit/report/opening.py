"""The top of the page: the one number that matters, what it rests on, and the study in a few facts."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from ..core.outcome import Score
from . import figures
from .judgement import chance
from .links import data_name, model_name, run_link
from .story import Story, Trained, number, score_from
from .words import Words, both, clean, digits, duration, join, named, score_text, short_count, size

Chapter = dict[str, Any]


def opening(story: Story) -> Chapter:
    """The one number that matters, what it rests on, and the state of the study in a few facts."""
    score, part = final_score(story)
    share = score is not None and story.is_share(score.metric)
    finished = bool(story.result)
    return {
        "name": story.about.get("name") or story.folder.name,
        "data": data_name(story),
        "task": named("task", str(story.about.get("task") or "")),
        "finished": finished,
        "score": score,
        "part": part,
        "run": story.final,
        "before": part == "test" and score_from(story.result.get("val"), story.primary) is not None,
        "headline": _headline(story, score, part),
        "value": _big(score, share),
        "interval": _interval_words(score, share),
        "strip": _strip(story, score, part),
        "strip_words": both("open.strip" if _luck(story, score) is not None else "open.strip_plain"),
        "facts": _facts(story),
    }


def final_score(story: Story) -> tuple[Score | None, str]:
    """The score that counts and the part it was measured on: test if opened, else val, confirm or select."""
    metric = story.primary
    for part in ("test", "val"):
        if (score := score_from(story.result.get(part), metric)) is not None:
            return score, part
    for run, parts in ((story.final, ("test",)), (story.winner, ("test", "val", "confirm", "select"))):
        for part in parts:
            if run is not None and (score := run.score(part)) is not None and math.isfinite(score.value):
                return score, part
    return None, ""


def _headline(story: Story, score: Score | None, part: str) -> Words:
    if score is None:
        return both("open.none")
    share = story.is_share(score.metric)
    values = {
        "value": score_text(score.value, share),
        "n": digits(score.n),
        "metric": named("metric", score.metric),
    }
    kind = "accuracy" if score.metric == "accuracy" else "share" if share else "number"
    noun = "picture" if str(story.about.get("task", "")).startswith("image") else "sample"
    return both(f"open.{'test' if part == 'test' else 'val'}.{kind}", noun=both(f"noun.{noun}"), **values)


def _big(score: Score | None, share: bool) -> tuple[str, str] | None:
    if score is None:
        return None
    text = score_text(score.value, share)
    return (text[:-1], "%") if text.endswith("%") else (text, "")


def _interval_words(score: Score | None, share: bool) -> Words | None:
    if score is None:
        return None
    if not (math.isfinite(score.low) and math.isfinite(score.high)):
        return both("open.no_interval", n=digits(score.n)) if score.n else None
    return both(
        "open.interval",
        low=score_text(score.low, share),
        high=score_text(score.high, share),
        n=digits(score.n),
    )


def _strip(story: Story, score: Score | None, part: str) -> Markup | None:
    if score is None or not story.is_share(score.metric) or not 0 <= score.value <= 1:
        return None
    val = score_from(story.result.get("val"), story.primary) if part == "test" else None
    return figures.interval_strip(
        score.value, score.low, score.high, _luck(story, score), val.value if val else None, "cap-strip"
    )


def _luck(story: Story, score: Score | None) -> float | None:
    """What always naming the commonest class would score, where that is a fair comparison."""
    if story.judged is None or score is None or score.metric != "accuracy":
        return None
    return chance(story.judged)


def _seal(story: Story) -> Words:
    openings = len(story.events("test_opened"))
    if not openings:
        return both("open.seal.unknown" if final_score(story)[1] == "test" else "open.seal.never")
    return both("open.seal.once") if openings == 1 else both("open.seal.often", n=openings)


def _facts(story: Story) -> list[tuple[Words, Words]]:
    rows = []
    if story.winner is not None:
        rows.append((both("facts.model"), join(_model_facts(story.winner))))
    used = number((story.result.get("budget") or {}).get("used")) or number(story.result.get("seconds"))
    asked = number(story.about.get("budget_seconds"))
    if used is not None:
        rows.append(
            (
                both("facts.time"),
                both("facts.of", used=duration(used), asked=duration(asked)) if asked else duration(used),
            )
        )
    if story.runs:
        rows.append((both("facts.work"), both("facts.runs", runs=len(story.runs), experiments=len(story.experiments))))
    rows.append((both("facts.test"), _seal(story)))
    grave = [sum(f.severity == s for f in story.findings) for s in ("problem", "warning", "info")]
    if any(grave):
        named_ = zip(("problem", "warning", "info"), grave, strict=True)
        rows.append((both("facts.noticed"), join([both(f"facts.{s}", n=n) for s, n in named_ if n])))
    return rows


def _model_facts(run: Trained) -> list[object]:
    facts: list[object] = [run_link(model_name(run), run)]
    if run.result is not None:
        cost_ = run.result.cost
        facts.append(clean(run.result.family))
        facts += [both("facts.parameters", n=short_count(cost_.parameters))] if cost_.parameters else []
        facts += [clean(size(cost_.size_bytes))] if cost_.size_bytes else []
        facts += [both("facts.latency", ms=digits(cost_.latency_ms))] if math.isfinite(cost_.latency_ms) else []
    return facts
