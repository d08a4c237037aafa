"""From a path to samples that can be trained on: read, scan, audit, split."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..audit import Audit
from ..audit import run as run_audit
from ..augment.scene import contradictions
from ..core.finding import Finding
from ..core.recipe import Recipe, build_part
from ..core.samples import Dataset, Schema, Split
from ..core.task import Task
from ..core.telling import Tell
from ..data.near import near_copies
from ..data.reading import describe, read
from ..data.scan import Scan, scan
from ..data.splits import make_split
from ..engine.cachefolder import cache_folder
from ..engine.engine import find_device
from ..tasks import TASKS
from .negatives import with_fewer_negatives
from .watch import watched


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Data that are ready.

    Attributes:
        whole: every sample that was read, also those that the audit left out.
        dataset: usable samples only.
        schema: of the data, with the target's mean and std where it is a number.
        split: test sealed.
        task: what kind of problem it is.
        audit: what was found on the way.
        counts: samples of train, select, confirm, test.
        scan: of the whole, where it was asked to be kept.
    """

    whole: Dataset
    dataset: Dataset
    schema: Schema
    split: Split
    task: Task
    audit: Audit
    counts: Mapping[str, int]
    scan: Scan | None = None

    @property
    def findings(self) -> list[Finding]:
        return list(self.audit.findings)


def prepare(asked: Recipe, tell: Tell, ends: float = float("inf"), *, keep_scan: bool = False) -> Prepared:
    """Read, audit and split the data of a recipe.

    Args:
        asked: names the data.
        tell: hears what happens.
        ends: time.time() at which the budget is used up.
        keep_scan: whether what was found of each sample is wanted afterwards; it may be large.
    Raises: DataError if they cannot be used; UsageError for a wrong path, column, task or augmentation, or an absent
        device; BudgetError if the time ran out; Interrupted after a signal.
    """
    find_device(asked.engine.device)  # what was asked for and is absent is said before the long work
    tell("stage", name="read")
    whole = read(asked.data, cache_folder(), asked.task)
    task = TASKS[whole.schema.task if asked.task == "auto" else asked.task]
    build_part("augment", task.augment_options, asked.augment)
    tell("data", guess=describe(whole))
    tell("stage", name="audit")
    scanned = scan(whole, cache_folder(), progress=watched(tell, "scan", lambda: ends - time.time()))
    copies = near_copies(whole, scanned, cache_folder(), watched(tell, "near", lambda: ends - time.time()))
    audit = run_audit(whole, scanned, copies)
    audit = replace(audit, findings=(*audit.findings, *_about_scene(asked, task)))
    for finding in audit.findings:
        tell("finding", finding=finding)
    dataset = whole.take(audit.keep)
    split = make_split(dataset.index, dataset.schema.target_kind, asked.split, asked.seed, audit.groups, task.val_share)
    split, sampled = with_fewer_negatives(split, dataset, asked)
    audit = replace(audit, findings=(*audit.findings, *sampled))
    for finding in sampled:
        tell("finding", finding=finding)
    schema = _with_target_facts(dataset, split)
    schema = replace(schema, facts={**schema.facts, **dataset.learnt(split.train)})
    dataset = replace(dataset, schema=schema)
    counts = {
        "train": len(split.train),
        "select": len(split.select),
        "confirm": len(split.confirm),
        "test": len(split.test),
    }
    tell("split", counts=counts, how=split.how)
    return Prepared(
        whole=whole,
        dataset=dataset,
        schema=schema,
        split=split,
        task=task,
        audit=audit,
        counts=counts,
        scan=scanned if keep_scan else None,
    )


def _about_scene(asked: Recipe, task: Task) -> list[Finding]:
    """Answers about the scene that keys speak against, or that mean nothing to this task."""
    if task.drawn is not None:
        return contradictions(asked.scene, asked.augment)
    answered = [f"scene.{key}" for key, value in asked.scene.model_dump().items() if value != "auto"]
    numbers = {"keys": ", ".join(answered), "task": task.name}
    return [Finding(code="GF-A002", severity="warning", numbers=numbers)] if answered else []


def _with_target_facts(dataset: Dataset, split: Split) -> Schema:
    """The schema, with what training samples show of the target: mean and std of a number, counts of classes."""
    schema, target = dataset.schema, dataset.index.target[split.train]
    found: dict[str, Any] = {}
    if schema.target_kind == "number":
        found = {"target_mean": float(np.mean(target)), "target_std": float(np.std(target)) or 1.0}
    elif schema.target_kind == "class":
        found = {"class_counts": np.bincount(target[target >= 0], minlength=len(schema.classes)).tolist()}
    return replace(schema, facts={**schema.facts, **found})


def about(data: Prepared) -> dict[str, Any]:
    """What study.json says of the data."""
    schema = data.schema
    return {
        "format": schema.format,
        "task": data.task.name,
        "target_kind": schema.target_kind,
        "classes": list(schema.classes),
        "facts": dict(schema.facts),
        "counts": dict(data.counts),
        "split": list(data.split.how),
    }
