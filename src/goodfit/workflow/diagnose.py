"""`diagnose`: name what ails a run, from its stored records and predictions alone; nothing is trained or decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..core.finding import Finding
from ..core.run import Run, open_stored
from ..core.telling import Tell, silent
from ..diagnose import Evidence, chance_score, remedies_for
from ..diagnose import diagnose as look
from ..tasks import TASKS
from .one_run import primary
from .study import Study, find_study


def diagnose(path: Path, *, lang: str = "en", tell: Tell = silent) -> dict[str, Any]:
    """Findings of a run with their evidence and ranked remedies.

    Args:
        path: a run folder, or a study, whose winner is then looked at.
        lang: for messages.
        tell: hears what happens.
    Returns: study, run, findings [{code, severity, numbers}], remedies [name].
    Raises: UsageError if no run lies there.
    """
    study = find_study(path)
    run = open_stored(path) if (path / "plan.yaml").exists() else _winner(study)
    findings = [*_about_data(study), *look(_evidence(study, run))]
    for finding in findings:
        tell("finding", finding=finding)
    return {
        "study": str(study.folder),
        "run": run.id,
        "findings": [f.to_json() for f in findings],
        "remedies": [r.name for r in remedies_for(findings, run.recipe)],
    }


def _winner(study: Study) -> Run:
    result = study.result
    if result is not None:
        return open_stored(study.folder / "runs" / result["winner"])
    return study.runs()[-1]


def _about_data(study: Study) -> list[Finding]:
    return [f for f in study.findings if f.code.startswith("GF-D")]


def _evidence(study: Study, run: Run) -> Evidence:
    about = study.about
    task = TASKS[about["task"]]
    metric = primary(run.recipe, task)
    parts = {name: run.predictions(name) for name in ("train", "select", "confirm")}
    held = [p.target for n, p in parts.items() if p is not None and n != "train"]
    result = run.result()
    train = parts["train"]
    chance = chance_score(metric, train.target, np.concatenate(held)) if train is not None and held else float("nan")
    return Evidence(
        recipe=run.recipe,
        records=tuple(run.records),
        metric=metric,
        chance=chance,
        target_kind=about["target_kind"],
        counts=about["counts"],
        steps=run.records[-1].steps if run.records else 0,
        stopped=result.stopped if result else "done",
        run_id=run.id,
        **parts,
    )
