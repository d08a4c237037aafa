"""The chapters of proof: what was noticed, what was tried and weighed, how good the model is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from ..core.experiment import Arm, Experiment
from ..core.finding import Finding
from ..core.outcome import Predictions, Score
from ..core.samples import TargetKind
from ..core.target_kinds import kind_of
from ..stats.calibration import expected_calibration_error, probabilities
from ..stats.intervals import known
from . import figures, judgement
from . import quality as pictures
from .links import run_link
from .story import Story, Trained, number, score_from
from .words import (
    Words,
    both,
    digits,
    duration,
    foreign,
    named,
    percent,
    points,
    same,
    score_text,
    value_text,
)

Chapter = dict[str, Any]
MOST_PICTURES = 8  # beside a finding
MOST_MISTAKES = 24  # the worst errors as pictures
MOST_INPUTS = 15  # columns of a table as bars
MOST_LISTED = 60  # sample names under a finding
EMPTY: Chapter = dict.fromkeys(
    (
        "split",
        "truth",
        "confusion",
        "class_bars",
        "class_rows",
        "reliability",
        "mix_ups",
        "mistakes",
        "test_time",
        "are_drawn",
        "inputs",
    )
)  # parts of the quality chapter that a kind of target may not have


def noticed(story: Story) -> Chapter | None:
    """Findings as cards, the gravest first."""
    cards = [_card(story, finding) | {"anchor": anchor} for anchor, finding in _anchored(story)]
    return {"cards": cards} if cards else None


def tried(story: Story) -> Chapter | None:
    """Experiments, each with its forest and its verdicts."""
    shown = [_experiment(story, e, k + 1) for k, e in enumerate(story.experiments)]
    return {"experiments": shown} if shown else None


def _anchored(story: Story) -> list[tuple[str, Finding]]:
    return [(f"finding-{k + 1}", finding) for k, finding in enumerate(story.findings)]


def _because(story: Story, code: str) -> Chapter | None:
    """Where the finding that gave rise to an experiment is told."""
    for anchor, finding in _anchored(story):
        if finding.code == code:
            values = {"n_ids": len(finding.ids), **finding.numbers}
            return {"href": f"#{anchor}", "title": foreign(f"finding.{code}.title", values) or same(code)}
    return None


def _card(story: Story, finding: Finding) -> Chapter:
    values = {"n_ids": len(finding.ids), **finding.numbers}
    title, body, advice = (foreign(f"finding.{finding.code}.{part}", values) for part in ("title", "body", "advice"))
    shown = [(str(i), story.pictures[i]) for i in finding.ids[: MOST_PICTURES * 2] if i in story.pictures]
    return {
        "code": finding.code,
        "severity": finding.severity,
        "label": both(f"severity.{finding.severity}")
        if finding.severity in ("info", "warning", "problem")
        else same(finding.severity),
        "title": title or same(finding.code),
        "body": body,
        "advice": advice,
        "numbers": [(str(k), value_text(v)) for k, v in finding.numbers.items()],
        "ids": list(finding.ids[:MOST_LISTED]),
        "more": max(len(finding.ids) - MOST_LISTED, 0),
        "pictures": shown[:MOST_PICTURES],
        "run": story.run(finding.run_id),
    }


def _experiment(story: Story, e: Experiment, position: int) -> Chapter:
    rows = [_arm_row(story, e, arm) for arm in e.arms]
    question = next(
        (
            w
            for key in (e.question, f"experiment.{e.question}")
            if (w := foreign(key, {"finding": e.finding})) is not None
        ),
        None,
    )
    kept = next((a for a in (e.base, *e.arms) if a.name == e.kept), e.base)
    effects = [
        figures.Effect(name=row["name"], effect=a.effect, low=a.low, high=a.high, verdict=a.verdict, href=row["href"])
        for row, a in zip(rows, e.arms, strict=True)
        if a.values  # a lost arm has no effect to draw
    ]
    metric, share = named("metric", e.metric), story.is_share(e.metric)
    return {
        "position": position,
        "question": question or both("tried.question", metric=metric),
        "because": _because(story, e.finding),
        "setup": both("tried.setup", seeds=len(e.seeds), n=digits(e.n), metric=metric, arms=len(e.arms)),
        "figure": figures.forest(effects, share, e.equivalence, both("tried.base"), f"cap-forest-{position}")
        if effects
        else None,
        "caption": f"cap-forest-{position}",
        "band": points(e.equivalence, share).lstrip("+"),
        "rows": rows,
        "unit": both("unit.points") if share else metric,
        "kept": both("tried.kept_base") if kept is e.base else both("tried.kept", arm=arm_name(kept)),
        "base_values": _arm_values(story, e, e.base),
    }


def _arm_row(story: Story, e: Experiment, arm: Arm) -> Chapter:
    share = story.is_share(e.metric)
    first = next((r for run_id in arm.runs if (r := story.run(run_id)) is not None), None)
    weighed = bool(arm.values)  # a lost arm has neither effect nor interval
    return {
        "name": arm_name(arm),
        "href": first.href if first else "#tried",
        "changes": [(str(k), value_text(v)) for k, v in arm.changes.items()],
        "values": _arm_values(story, e, arm),
        "effect": points(arm.effect, share) if weighed else "–",
        "interval": f"{points(arm.low, share)} … {points(arm.high, share)}" if weighed else "–",
        "p": "–" if not weighed else f"{arm.p:.3f}" if arm.p >= 0.001 else "< 0.001",
        "verdict": both(f"verdict.{arm.verdict.replace(' ', '_')}" if weighed else "verdict.lost"),
        "kind": arm.verdict.replace(" ", "-"),
        "seconds": duration(arm.seconds),
        "is_kept": arm.name == e.kept,
    }


def _arm_values(story: Story, e: Experiment, arm: Arm) -> list[Markup]:
    share = story.is_share(e.metric)
    runs: Sequence[str] = (*arm.runs, *[""] * len(arm.values))
    return [run_link(score_text(v, share), story.run(r)) for v, r in zip(arm.values, runs, strict=False)]


def arm_name(arm: Arm) -> Words:
    """What an arm is called: the remedy's words, else its name."""
    for key in (f"remedy.{arm.name}.title", f"remedy.{arm.name}.name", f"remedy.{arm.name}"):
        if (words := foreign(key, dict(arm.changes))) is not None:
            return words
    return both("tried.base") if arm.name == "base" else same(arm.name)


def quality(story: Story) -> Chapter | None:
    """How good the model is on what it had not seen: scores, classes, mix-ups, calibration, worst mistakes."""
    scores = _scores(story)
    judged = story.judged
    if judged is None:
        return {**EMPTY, "scores": scores} if scores["rows"] else None
    chapter: Chapter = {
        **EMPTY,
        "scores": scores,
        "split": named("part", judged.split),
        "run": story.winner,
        "n": digits(len(judged)),
        "test_time": _test_time(story),
        "mistakes": _mistakes(story, judged),
        "inputs": _inputs(story),
    }
    return chapter | _OF_KIND[kind_of(judged.target).name](story, judged)


def _inputs(story: Story) -> Markup | None:
    """What the answers rest on, the most important first."""
    told = story.result.get("importance")
    shares = {str(name): number(share) for name, share in told.items()} if isinstance(told, Mapping) else {}
    ranked = sorted(((name, share) for name, share in shares.items() if share), key=lambda pair: -pair[1])
    return pictures.inputs(ranked[:MOST_INPUTS], "cap-inputs") if ranked else None


def _of_number(story: Story, judged: Predictions) -> Chapter:
    guess = judged.outputs[:, 0].astype(float)
    return {"truth": pictures.truth(judged.target.astype(float), guess, "cap-truth")}


def _of_labels(story: Story, judged: Predictions) -> Chapter:
    return _classes(story, judged, _class_names(story, judged)) | _calibration(story, judged)


def _of_classes(story: Story, judged: Predictions) -> Chapter:
    return _of_labels(story, judged) | _confusion(judged, _class_names(story, judged))


def _of_boxes(story: Story, judged: Predictions) -> Chapter:
    return _classes(story, judged, story.classes) | {"are_drawn": True}


_OF_KIND: Mapping[TargetKind, Callable[[Story, Predictions], Chapter]] = {
    "number": _of_number,
    "multilabel": _of_labels,
    "class": _of_classes,
    "boxes": _of_boxes,
}


def _scores(story: Story) -> Chapter:
    """All metrics by split: the winner's own, and on test those of the model that counts."""
    result = story.winner.result if story.winner else None
    scores: dict[str, Mapping[str, Score]] = dict(result.scores) if result is not None else {}
    told = story.result.get("test_scores")
    if isinstance(told, Mapping):
        scores["test"] = {str(m): s for m, tree in told.items() if (s := score_from(tree, str(m))) is not None}
    splits = [s for s in ("train", "select", "confirm", "val", "test") if scores.get(s)]
    metrics = sorted(dict.fromkeys(m for s in splits for m in scores[s]), key=lambda m: m != story.primary)
    rows = []
    for metric in metrics:
        runs = [story.final if s == "test" else story.winner for s in splits]
        cells = [
            _score_cell(scores[s].get(metric), run, story.is_share(metric)) for s, run in zip(splits, runs, strict=True)
        ]
        rows.append((named("metric", metric), cells, metric == story.primary))
    return {"splits": [(s, named("part", s)) for s in splits], "rows": rows}


def _score_cell(score: Score | None, run: Trained | None, share: bool) -> tuple[Markup, str]:
    if score is None:
        return Markup("–"), ""
    known_ends = math.isfinite(score.low) and math.isfinite(score.high)
    ends = f"{score_text(score.low, share)} – {score_text(score.high, share)}" if known_ends else ""
    return run_link(score_text(score.value, share), run), ends


def _classes(story: Story, judged: Predictions, classes: Sequence[str]) -> Chapter:
    rows = judgement.class_figures(judged, classes, number(story.result.get("temperature")) or 1.0)
    shown = [r.recall for r in rows[: figures.MOST_ROWS]]
    recalls = [r.recall.value for r in rows if math.isfinite(r.recall.value)]
    target, outputs = known(judged)
    exclusive = kind_of(target).is_exclusive and len(target) > 0
    overall = float((outputs.argmax(1) == target).mean()) if exclusive else None
    hardest = next((r for r in rows if math.isfinite(r.recall.value)), None)
    return {
        "class_bars": pictures.class_bars(shown, overall, "cap-classes"),
        "hidden_classes": max(len(rows) - figures.MOST_ROWS, 0),
        "class_rows": [_class_row(r) for r in rows],
        "class_sentence": both(
            "quality.hardest",
            hardest=same(hardest.name),
            value=run_link(percent(hardest.recall.value), story.run(judged.run_id) or story.final),
            best=percent(max(recalls)),
        )
        if hardest is not None
        else None,
    }


def _class_row(row: judgement.ClassFigures) -> Chapter:
    ends = lambda s: f"{percent(s.low)} – {percent(s.high)}" if math.isfinite(s.value) else ""  # noqa: E731
    return {
        "name": row.name,
        "n": digits(row.recall.n),
        "recall": (percent(row.recall.value), ends(row.recall)),
        "precision": (percent(row.precision.value), ends(row.precision)),
        "f1": percent(row.f1),
        "ap": percent(row.ap) if math.isfinite(row.ap) else None,
    }


def _confusion(judged: Predictions, classes: Sequence[str]) -> Chapter:
    counts = judgement.confusion_counts(judged, classes)
    drawn = 2 <= len(classes) <= pictures.MOST_CELLS
    return {
        "confusion": pictures.confusion(counts, classes, "cap-confusion") if drawn else None,
        "confusion_numbered": len(classes) <= pictures.MOST_NUMBERED,
        "mix_ups": [
            (m.truth, m.answer, digits(m.count), percent(m.count / m.of)) for m in judgement.mix_ups(counts, classes)
        ],
        "wrong": digits(int(counts.sum() - np.trace(counts))),
        "all": digits(int(counts.sum())),
    }


def _calibration(story: Story, judged: Predictions) -> Chapter:
    """The diagram after the temperature, the curve before it, and both errors on the same samples."""
    temperature = number(story.result.get("temperature"))
    after = judgement.bins(judged, temperature or 1.0)
    before = judgement.bins(judged, 1.0) if temperature and abs(temperature - 1) > 0.005 else []
    target, outputs = known(judged)
    error = lambda t: expected_calibration_error(probabilities(outputs, target, t), target)  # noqa: E731
    told = story.result.get("calibration")
    return {
        "reliability": pictures.reliability(after, before, "cap-reliability"),
        "has_before": bool(before),
        "calibration": both(
            "quality.calibrated", before=percent(error(1.0)), after=percent(error(temperature)), t=f"{temperature:.2f}"
        )
        if temperature
        else both("quality.uncalibrated", ece=percent(error(1.0))),
        "calibration_told": _told_calibration(told) if isinstance(told, Mapping) else None,
    }


def _told_calibration(told: Mapping[str, Any]) -> Words | None:
    before, after = number(told.get("before")), number(told.get("after"))
    if before is None or after is None:
        return None
    split = named("part", str(told.get("split") or "confirm"))
    return both("quality.calibration_told", before=percent(before), after=percent(after), split=split)


def _test_time(story: Story) -> Words | None:
    told = story.result.get("test_time")
    if not isinstance(told, Mapping):
        return None
    with_, without = (score_from(told.get(k), story.primary) for k in ("with", "without"))
    if with_ is None or without is None:
        return None
    link = lambda s: run_link(score_text(s.value, story.is_share(story.primary)), story.final)  # noqa: E731
    return both("quality.test_time", with_=link(with_), without=link(without))


def _mistakes(story: Story, judged: Predictions) -> list[Chapter]:
    temperature = number(story.result.get("temperature")) or 1.0
    classes = _class_names(story, judged) if kind_of(judged.target).has_logits else story.classes
    found = judgement.worst(judged, classes, temperature, most=len(judged))
    with_picture = [m for m in found if m.id in story.pictures][:MOST_MISTAKES]
    return [
        {
            "id": m.id,
            "picture": story.pictures.get(m.id),
            "truth": m.truth,
            "answer": m.answer,
            "sure": percent(m.confidence, 0) if math.isfinite(m.confidence) else None,
        }
        for m in with_picture or found[:8]
    ]


def _class_names(story: Story, judged: Predictions) -> list[str]:
    """The study's class names; numbers where predictions know more classes than the study tells."""
    count = judged.outputs.shape[1]
    return [*story.classes[:count], *(str(k) for k in range(len(story.classes), count))]
