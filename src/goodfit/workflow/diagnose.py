"""`diagnose`: name what ails a run, from its stored records and predictions alone; nothing is trained or decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import UsageError
from ..core.finding import Finding
from ..core.recipe import build
from ..core.run import Run, open_stored
from ..core.samples import Schema
from ..core.telling import Tell, silent
from ..diagnose import Evidence, chance_score, remedies_for
from ..diagnose import diagnose as look
from ..tasks import TASKS
from .limits import Change, size_steps
from .scoring import primary
from .study import Study, find_study


def diagnose(path: Path, *, lang: str = "en", tell: Tell = silent) -> dict[str, Any]:
    """Findings of a run with their evidence and ranked remedies.

    Args:
        path: a run folder, or a study, whose winner is then looked at.
        lang: for messages.
        tell: hears what happens.
    Returns: study, run, findings [{code, severity, numbers}], remedies [name].
    Raises: UsageError if no run lies there, or the study was cut before its first.
    """
    study = find_study(path)
    run = open_stored(path) if (path / "plan.yaml").exists() else _winner(study)
    findings = [*_about_data(study), *look(_evidence(study, run))]
    for finding in findings:
        tell("finding", finding=finding)
    sizes, bears = _sizes(study, run), TASKS[study.about["task"]].bears
    return {
        "study": str(study.folder),
        "run": run.id,
        "findings": [f.to_json() for f in findings],
        "remedies": [r.name for r in remedies_for(findings, run.recipe, *sizes, bears=bears)],
    }


def _winner(study: Study) -> Run:
    result = study.result
    if result is not None:
        return open_stored(study.folder / "runs" / result["winner"])
    runs = study.runs()
    if not runs:
        raise UsageError(
            "this study was cut before its first run", where=study.folder, do="repeat its command to go on"
        )
    return runs[-1]


def _about_data(study: Study) -> list[Finding]:
    return [f for f in study.findings if f.code.startswith("GF-D")]


def _sizes(study: Study, run: Run) -> tuple[Change | None, Change | None]:
    """Steps to the next larger and smaller model, on the part of the study's ladder that keeps the target's limits."""
    about = study.about
    rungs = TASKS[about["task"]].ladder(build(about["asked"]), _schema(study), about["counts"])
    decided = study.ledger.events("decision")
    beyond = {line["numbers"]["rung"] for line in decided if line["why"] in ("limits.dropped", "limits.no_memory")}
    return size_steps([rung for rung in rungs if rung.name not in beyond], run.recipe)


def _schema(study: Study) -> Schema:
    """The data's, as the study remembers it."""
    known = {key: study.about[key] for key in ("task", "format", "target_kind", "facts")}
    return Schema(**known, classes=tuple(study.about["classes"]))


def _evidence(study: Study, run: Run) -> Evidence:
    about = study.about
    task = TASKS[about["task"]]
    metric = primary(run.recipe, task, _schema(study))
    parts = {name: run.predictions(name) for name in ("train", "augmented", "select", "confirm")}
    held = [p.target for n in ("select", "confirm") if (p := parts[n]) is not None]
    result = run.result()
    train = parts["train"]
    chance = chance_score(metric, train.target, np.concatenate(held)) if train is not None and held else float("nan")
    return Evidence(
        recipe=run.recipe,
        records=tuple(run.records),
        metric=metric,
        chance=chance,
        target_kind=about["target_kind"],
        counts={**about["counts"], "conflicts": _conflicts(study)},
        steps=run.records[-1].steps if run.records else 0,
        stopped=result.stopped if result else "done",
        run_id=run.id,
        **parts,
    )


def _conflicts(study: Study) -> int:
    """Samples that the audit left out because their labels contradict each other."""
    return next((int(f.numbers["count"]) for f in study.findings if f.code == "GF-D004"), 0)
