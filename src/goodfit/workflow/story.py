"""What a study keeps for its readers: study.json, audit.json, pictures.json, findings, the result and the report."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ..core.finding import Finding
from ..core.outcome import Predictions, Score
from ..core.recipe import Recipe
from ..core.task import Metric, Task
from ..engine.hardware import machine
from ..stats.intervals import known
from .prepare import Prepared, about
from .study import Study, merge, same_split

WORST = 24  # pictures of the worst errors
MOST_CLASSES = 40  # classes whose pictures are kept


def open_story(study: Study, verb: str, asked: Recipe, data: Prepared) -> None:
    """Write what is known before training. Raises UsageError if the study began with another split."""
    if (study.folder / "study.json").exists():
        same_split(study, data.split.digest())
        study.ledger.write("session", resumed=True)
        return
    study.write(
        "study.json",
        {
            "id": study.folder.name,
            "verb": verb,
            "command": command(verb, asked, study.clock.budget),
            "version": metadata.version("goodfit"),
            "started": time.time(),
            "data": asked.data.path,
            "asked": asked.model_dump(mode="json"),
            "fingerprint": data.dataset.fingerprint,
            "split_digest": data.split.digest(),
            "budget_seconds": study.clock.budget,
            "machine": machine(),
            **about(data),
            "metrics": {
                name: {"higher_is_better": m.higher_is_better, "is_share": m.is_share}
                for name, m in data.task.metrics.items()
            },
            "class_counts": {part: dict(n) for part, n in data.audit.class_counts.items()},
        },
    )
    study.write("audit.json", data.audit.to_json())
    shown = list(data.audit.samples.values())[:MOST_CLASSES]
    keep_pictures(study, data, [name for ids in shown for name in ids])
    study.add_findings(data.audit.findings)
    study.ledger.write("session", resumed=False)


def command(verb: str, asked: Recipe, budget: float | None) -> list[str]:
    """The words that ask for the same again: those typed to goodfit, else made from what was asked in Python."""
    program = Path(sys.argv[0])
    is_own = program.stem == "goodfit" or program.parent == Path(__file__).parents[1]  # the latter: python -m goodfit
    if is_own and sys.argv[1:2] == [verb]:
        return ["goodfit", *sys.argv[1:]]
    changed = {key: new for key, (_, new) in Recipe().diff(asked).items() if key not in ("data.path", "seed")}
    pairs = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in changed.items()]
    span = [] if budget is None else ["--budget", f"{budget:.10g}s"]
    return ["goodfit", verb, asked.data.path, *pairs, *span, "--seed", str(asked.seed)]


def keep_pictures(study: Study, data: Prepared, ids: Sequence[str], answers: Predictions | None = None) -> None:
    """Small pictures of samples, for the report; with what the model answered where a task can draw it."""
    where = {str(name): i for i, name in enumerate(data.dataset.index.id)}
    said = {} if answers is None else {str(name): row for name, row in zip(answers.ids, answers.outputs, strict=True)}
    shown = {}
    for name in ids:
        if name not in where:
            continue
        i, draw = where[name], data.task.show_answer
        sample = data.dataset[i]
        shown[name] = draw(sample, data.dataset.index.target[i], said.get(name)) if draw else data.task.show(sample)
    merge(study.folder / "pictures.json", shown)


def worst(p: Predictions, task: Task, metric: Metric, most: int = WORST) -> list[str]:
    """Ids of the samples that a model is most wrong about, worst first."""
    target, outputs = known(p)
    loss = next((m for m in task.metrics.values() if m.wrongness or (not m.higher_is_better and m.per_sample)), metric)
    if loss.wrongness is not None:
        each = np.asarray(loss.wrongness(target, outputs))
        order = np.argsort(-each, kind="stable")[:most]
        return [str(i) for i in np.asarray(p.ids)[order[each[order] > 0]]]
    if loss.per_sample is None:
        return []
    each = np.asarray(loss.per_sample(target, outputs))
    order = np.argsort(-each if not loss.higher_is_better else each, kind="stable")[:most]
    if metric.per_sample is not None and metric.is_share:
        wrong = np.asarray(metric.per_sample(target, outputs)) < 1
        order = order[wrong[order]]
    return [str(i) for i in np.asarray(p.ids)[order]]


def result_json(
    study: Study,
    *,
    task: Task,
    family: str,
    metric: Metric,
    val: Score | None,
    test: Score | None,
    extras: Mapping[str, Any],
) -> dict[str, Any]:
    """The object that `--json` prints, kept as result.json."""
    return {
        "study": str(study.folder),
        "task": task.name,
        "family": family,
        "primary": metric.name,
        "higher_is_better": metric.higher_is_better,
        "is_share": metric.is_share,
        "val": val.as_json() if val else None,
        "test": test.as_json() if test else None,
        "seconds": round(study.clock.used, 3),
        "model": str(study.model),
        "report": str(study.report_path),
        "findings": sorted({f.code for f in study.findings}),
        **extras,
    }


def note_findings(study: Study, findings: Sequence[Finding], tell: Any) -> None:
    """Keep findings, write new ones into the ledger, and say them aloud."""
    for finding in study.add_findings(findings):
        study.ledger.write(
            "finding", code=finding.code, severity=finding.severity, numbers=dict(finding.numbers), run=finding.run_id
        )
        tell("finding", finding=finding)
