"""The chapters of the work in the order in which it was done: the data, the choices, the climb, the learning."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.outcome import Score
from ..core.target_kinds import KINDS
from . import balance, figures
from .links import data_name, path_link, run_link
from .story import Picture, Story, Trained, number, score_from
from .words import (
    Words,
    both,
    digits,
    duration,
    foreign,
    named,
    points,
    same,
    score_text,
    short_count,
    value_text,
)

Chapter = dict[str, Any]
PARTS = ("train", "select", "confirm", "test")
MOST_CLASSES_SHOWN = 12  # rows of sample pictures
MOST_PICTURES = 8  # pictures in a row
MOST_LISTED = 60  # names in a fold-out list


def data(story: Story) -> Chapter | None:
    """What the data are: counts, pictures, what the audit put aside."""
    counts = {p: int(n) for p, n in (story.about.get("counts") or {}).items() if number(n) is not None}
    table = story.about.get("class_counts") or story.audit.get("class_counts") or {}
    if not counts and not table and not story.audit:
        return None
    classes = story.classes or sorted({c for column in table.values() for c in column})
    parts = _by_part(table, classes)
    return {
        "sentence": both(
            "data.sentence",
            n=digits(sum(counts.values())),
            data=data_name(story),
            format=same(story.about.get("format") or "–"),
            k=len(story.classes),
        )
        if story.kind != "number"
        else both("data.sentence_number", n=digits(sum(counts.values())), data=data_name(story)),
        "counts": [(named("part", p), named("part_for", p), digits(n), p) for p, n in counts.items()],
        "figure": figures.class_counts(classes, parts, "cap-counts") if classes and parts else None,
        "parts": [p for p in parts if any(parts[p])],
        "counted": both("data.counts_boxes" if KINDS[story.kind].showing else "data.counts"),
        "hidden_classes": max(len(classes) - figures.MOST_ROWS, 0),
        "pictures": _class_pictures(story),
        "audit": _audit_lists(story),
        "balance": balance.piece(story.audit.get("balance")),
        "facts": _fact_rows({**(story.about.get("facts") or {}), "split": story.about.get("split")}),
    }


def choices(story: Story) -> Chapter | None:
    """What was decided and why, in the order of time."""
    events = [
        _event(story, line)
        for line in story.lines
        if line.get("event") in ("decision", "test_opened", "session", "published", "note")
    ]
    events = [e for e in events if e is not None]
    reasons = _reasons(story)
    return {"events": events, "reasons": reasons} if events or reasons else None


def climb(story: Story) -> Chapter | None:
    """The models of the ladder as points and rows."""
    arms = {run for e in story.experiments for arm in e.arms for run in arm.runs}
    told = [e for e in story.result.get("ladder") or [] if isinstance(e, Mapping)]
    entries = [
        e for e in told if not e.get("refit") and (e.get("run") not in arms or e.get("run") == _id(story.winner))
    ]
    rows = [_rung(story, entry) for entry in entries]
    points_ = [p for row in rows if (p := row["point"]) is not None]
    if not rows:
        return None
    figure = figures.ladder(points_, story.is_share(story.primary), "cap-ladder") if len(points_) >= 2 else None
    winner = story.winner
    return {
        "rows": rows,
        "figure": figure,
        "split": rows[0]["split"],
        "has_reasons": any(row["reason"] for row in rows),
        "has_epochs": any(row["epochs"] for row in rows),
        "sentence": both(
            "climb.sentence",
            n=len(rows),
            winner=run_link(winner.id, winner) if winner else "–",
            metric=named("metric", story.primary),
        ),
    }


def learning(story: Story) -> Chapter | None:
    """Curves of the winner: loss and score, train against select where both are the same figure."""
    run = story.winner
    if run is None or not run.history:
        return None
    loss, score = curve(run, "loss"), curve(run, story.primary, story.is_share(story.primary))
    best = loss.best
    if not KINDS[story.kind].has_logits:  # trained by another figure than select is scored by
        loss = replace(loss, select=[math.nan] * len(loss.epochs))
    scored = any(math.isfinite(v) for v in score.train)
    told = (
        (loss, "learning.how_own_loss" if not KINDS[story.kind].has_logits else "learning.how_loss"),
        (score, "learning.how" if scored else "learning.how_select"),
    )
    shown = [(c, how) for c, how in told if any(math.isfinite(v) for v in [*c.train, *c.select])]
    return {
        "run": run,
        "metric": named("metric", story.primary),
        "figures": [
            (c.metric, figures.curves(c, f"cap-curve-{k}"), f"cap-curve-{k}", both(how))
            for k, (c, how) in enumerate(shown)
        ],
        "sentence": _learning_sentence(story, run, score, best),
        "stopped": named("stopped", run.result.stopped) if run.result else None,
        "records": path_link(f"runs/{run.id}/records.jsonl"),
    }


def curve(run: Trained, metric: str, is_share: bool = False) -> figures.Curve:
    """Train and select values of a run's epochs for "loss" or the leading metric."""
    history = run.history
    first = next((r for r in history if r.epoch), history[0])
    per_epoch = first.step / max(first.epoch, 1) or 1.0
    select = [float(r.select.get(metric, math.nan)) for r in history]
    train_key = "loss" if metric == "loss" else "score"
    return figures.Curve(
        epochs=[r.step / per_epoch for r in history],
        train=[float(r.train.get(train_key, math.nan)) for r in history],
        select=select,
        best=_best(run),
        metric=metric,
        is_share=is_share,
    )


def _by_part(table: Mapping[str, Mapping[str, Any]], classes: Sequence[str]) -> dict[str, list[int]]:
    """Part -> samples of each class; before the split is drawn all but test is one side, or all there is."""
    known = [p for p in (*PARTS, "val", "") if p in table]
    rest = "side" if "test" in table else "all"
    named_ = {p: p if "select" in table or p == "test" else rest for p in known}
    parts: dict[str, list[int]] = {}
    for part in known:
        column = [int(number(table[part].get(c)) or 0) for c in classes]
        held = parts.setdefault(named_[part], [0] * len(classes))
        parts[named_[part]] = [a + b for a, b in zip(held, column, strict=True)]
    return dict(sorted(parts.items(), key=lambda item: item[0] == "test"))


def _class_pictures(story: Story) -> list[tuple[Words, list[tuple[str, Picture]]]]:
    rows = []
    samples = story.audit.get("samples") or {}
    for name in story.classes or list(samples):
        shown = [(str(i), story.pictures[str(i)]) for i in samples.get(name) or [] if str(i) in story.pictures]
        if shown:
            rows.append((same(name) if name else both("data.low_to_high"), shown[:MOST_PICTURES]))
    return rows[:MOST_CLASSES_SHOWN]


def _audit_lists(story: Story) -> list[tuple[Words, str, list[str], int]]:
    """(what it is, count, names, names left out) of each kind of sample that the audit found."""
    lists = []
    for kind in ("quarantined", "duplicates", "conflicts", "leaks"):
        found = story.audit.get(kind)
        if found is None:
            continue
        names = [_audited(item) for item in found]
        lists.append((both(f"audit.{kind}"), digits(len(names)), names[:MOST_LISTED], max(len(names) - MOST_LISTED, 0)))
    return lists


def _audited(item: Any) -> str:
    if isinstance(item, Mapping):
        return " – ".join(str(v) for v in item.values())
    return " = ".join(str(v) for v in item) if isinstance(item, list) else str(item)


def _fact_rows(facts: Mapping[str, Any]) -> list[tuple[Words, Words]]:
    return [(named("fact", str(k)), value_text(v)) for k, v in facts.items() if v is not None]


def _event(story: Story, line: Mapping[str, Any]) -> Chapter | None:
    event = str(line.get("event"))
    numbers = line.get("numbers") if isinstance(line.get("numbers"), Mapping) else {}
    run = story.run(str(line.get("run") or (numbers or {}).get("run") or ""))
    sentence = _event_sentence(event, line, numbers or {})
    if sentence is None:
        return None
    return {
        "kind": event,
        "when": _since(story, line),
        "sentence": sentence,
        "key": line.get("key"),
        "value": value_text(line["value"]) if "value" in line else None,
        "numbers": [(str(k), value_text(v)) for k, v in (numbers or {}).items() if not (k == "run" and run)],
        "cost": _ledger_cost(line.get("cost")),
        "run": run,
    }


def _event_sentence(event: str, line: Mapping[str, Any], numbers: Mapping[str, Any]) -> Words | None:
    if event == "test_opened":
        return both("choices.test_opened")
    if event == "published":
        return both("choices.published")
    why = str(line.get("why") or line.get("key") or "")
    values = {**{k: v for k, v in line.items() if isinstance(k, str)}, **numbers}
    for key in (why, f"ledger.{why}") if why else ():
        if (words := foreign(key, values)) is not None:
            return words
    if event == "session":
        return both("choices.resumed" if line.get("resumed") else "choices.session")
    return same(why or "–") if event == "decision" else None


def _ledger_cost(value: Any) -> Words | None:
    seconds = number(value.get("seconds") if isinstance(value, Mapping) else value)
    return duration(seconds) if seconds is not None else None


def _since(story: Story, line: Mapping[str, Any]) -> str:
    start, now = number(story.lines[0].get("time")), number(line.get("time"))
    if start is None or now is None:
        return ""
    seconds = max(round(now - start), 0)
    return (
        f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
        if seconds >= 3600
        else f"{seconds // 60}:{seconds % 60:02d}"
    )


def _reasons(story: Story) -> list[tuple[str, Words, Words]]:
    if story.winner is None:
        return []
    rows = []
    for reason in story.winner.reasons:
        words = None
        for key in (f"plan.{reason.why}", reason.why):
            words = words or foreign(key, {"value": reason.value, **reason.numbers})
        rows.append((reason.key, value_text(reason.value), words or same(reason.why)))
    return rows


def _rung(story: Story, entry: Mapping[str, Any]) -> Chapter:
    run = story.run(str(entry.get("run")))
    score, split = _rung_score(story, entry, run)
    share = story.is_share(story.primary)
    seconds = number(entry.get("seconds")) or (run.seconds if run else math.nan)
    point = None
    if score is not None and seconds and math.isfinite(seconds):
        point = figures.Climb(
            name=str(entry.get("rung") or entry.get("run")),
            href=run.href if run else "#climb",
            seconds=seconds,
            value=score.value,
            low=score.low,
            high=score.high,
            is_winner=run is not None and run is story.winner,
        )
    why = str(entry.get("reason") or "")
    words = next((w for key in (why, f"ledger.{why}") if why and (w := foreign(key, entry)) is not None), None)
    return {
        "name": run_link(entry.get("rung") or entry.get("run") or "–", run),
        "family": entry.get("family"),
        "seconds": duration(seconds),
        "score": score_text(score.value, share) if score else "–",
        "interval": _short_interval(score, share),
        "parameters": short_count(float(entry["parameters"])) if number(entry.get("parameters")) else same("–"),
        "latency": f"{digits(number(entry.get('latency_ms')))} ms" if number(entry.get("latency_ms")) else "–",
        "epochs": digits(number(entry["epochs"])) if "epochs" in entry else "",
        "reason": words or (same(why) if why else None),
        "is_winner": run is not None and run is story.winner,
        "point": point,
        "split": split,
    }


def _id(run: Trained | None) -> str:
    return run.id if run is not None else ""


def _rung_score(story: Story, entry: Mapping[str, Any], run: Trained | None) -> tuple[Score | None, str]:
    """Confirm before select, since select chose the epoch; the run's own result has the interval."""
    for split in ("confirm", "select", "val"):
        own = run.score(split) if run else None
        if own is not None and math.isfinite(own.value):
            return own, split
        if (told := score_from(entry.get(split), story.primary)) is not None:
            return told, split
    return None, "confirm"


def _short_interval(score: Score | None, share: bool) -> str:
    if score is None or not (math.isfinite(score.low) and math.isfinite(score.high)):
        return ""
    return f"{score_text(score.low, share)} – {score_text(score.high, share)}"


def _best(run: Trained) -> int | None:
    history = run.history
    if run.result is not None and not run.result.refit:
        kept = [k for k, r in enumerate(history) if r.step == run.result.steps]
        if kept:
            return kept[0]
    metric = run.result.primary if run.result is not None else "accuracy"
    score = run.score("select", "val")
    sign = -1.0 if score is not None and not score.higher_is_better else 1.0
    values = [sign * float(r.select.get(metric, math.nan)) for r in history]
    finite = [k for k, v in enumerate(values) if math.isfinite(v)]
    return max(finite, key=lambda k: values[k]) if finite else None


def _learning_sentence(story: Story, run: Trained, score: figures.Curve, best: int | None) -> Words | None:
    if best is None:
        return None
    train, select = score.train[best], score.select[best]
    if not math.isfinite(select):
        return None
    share = story.is_share(story.primary)
    values = {
        "run": run_link(run.id, run),
        "epoch": digits(score.epochs[best]),
        "epochs": digits(score.epochs[-1]),
        "metric": named("metric", story.primary),
        "select": run_link(score_text(select, share), run),
    }
    if not math.isfinite(train):
        return both("learning.sentence_select", **values)
    values |= {
        "train": run_link(score_text(train, share), run),
        "gap": points(train - select, share).removeprefix("+"),
    }
    return both("learning.sentence" if share else "learning.sentence_plain", **values)
