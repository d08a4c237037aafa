"""Training labels as `train.wrong_labels` wants them: all, without those that are probably wrong, or mended.

Labels of train are judged by models of the other folds of train, labels of val by models of train alone, so that val
stays what proves a remedy: in a comparison its labels are never touched, and only a refit learns from it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..audit.wrong_labels import TRUSTED, proposals
from ..core.errors import RecipeError
from ..core.files import write_json
from ..core.finding import Finding
from ..core.recipe import Recipe
from ..core.telling import Tell
from ..stats.label_noise import folds_of
from .cleaned import RELABELLED
from .cross import FOLDS, cross
from .label_check import judged_by
from .prepare import Prepared
from .work import Goal

_FILE = "wrong_labels.json"


def with_trusted_labels(
    folder: Path, recipe: Recipe, data: Prepared, goal: Goal, left: float, tell: Tell
) -> tuple[Prepared, Goal, list[Finding]]:
    """(data, goal) of a run that learns as `train.wrong_labels` says, and what was done.

    Args:
        folder: of the study, where the judgement is kept: a resumed command repeats it.
        recipe: resolved, of the run.
        left: seconds that the judging may take.
    Raises: RecipeError where a sample has no single class.
    """
    how = recipe.train.wrong_labels
    if how == "keep":
        return data, goal, []
    if data.schema.target_kind != "class" or data.task.quick is None:
        raise RecipeError(
            "labels can be judged where a sample has one class",
            got=how,
            allowed="keep",
            where="train.wrong_labels",
            do=f"leave it out for {data.task.name}",
        )
    suspects = _stored(folder) or _judged(folder, recipe, data, left, tell)
    if "seconds" in suspects:
        numbers = {"seconds": suspects["seconds"], "minutes": max(1, round(suspects["seconds"] / 60)), "room": left}
        return data, goal, [Finding(code="GF-D081", severity="warning", numbers=numbers)]
    target = data.dataset.index.target.copy()
    place = {str(name): i for i, name in enumerate(data.dataset.index.id)}
    learnt = set(goal.positions.tolist())
    found = [s for s in suspects["suspects"] if place.get(s["id"], -1) in learnt]
    if how == "relabel":
        found = [s for s in found if s["confidence"] >= RELABELLED]
        for s in found:
            target[place[s["id"]]] = data.schema.classes.index(s["proposed"])
        data = replace(data, dataset=data.dataset.with_target(target))
    else:
        found = _sparing(found, place, target, goal.positions)
        gone = np.array([place[s["id"]] for s in found], dtype=np.int64)
        goal = replace(goal, positions=np.setdiff1d(goal.positions, gone))
    numbers = {"count": len(found), "n": len(learnt), "share": len(found) / max(1, len(learnt))}
    ids = tuple(s["id"] for s in found)
    code = {"leave_out": "GF-D083", "relabel": "GF-D084"}[how]
    return data, goal, [Finding(code=code, severity="info", numbers=numbers, ids=ids)]


def _stored(folder: Path) -> dict[str, Any]:
    path = folder / _FILE
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def _judged(folder: Path, recipe: Recipe, data: Prepared, left: float, tell: Tell) -> dict[str, Any]:
    """Suspects of train and val, the worst first; or the seconds that judging would take and has not."""
    index, train, val = data.dataset.index, data.split.train, data.split.val
    fold = np.full(len(index), -1)
    groups = np.arange(len(index)) if data.audit.groups is None else data.audit.groups
    fold[train] = folds_of(groups[train], index.target[train], FOLDS)
    fold[val[index.target[val] >= 0]] = FOLDS
    models = cross(recipe, data, fold, FOLDS)
    assert models is not None
    if models.seconds > left:
        found: dict[str, Any] = {"seconds": models.seconds}
    else:
        tell("note", key="note.labels", seconds=models.seconds)
        judged, known = judged_by(models, tell, left), np.flatnonzero(fold >= 0)
        found = {"suspects": [] if judged.noise is None else _listed(judged, known, data)}
    write_json(folder / _FILE, found)
    return found


def _listed(judged: Any, known: np.ndarray, data: Prepared) -> list[dict[str, Any]]:
    given, ids, classes = data.dataset.index.target[known], data.dataset.index.id[known], data.schema.classes
    trust, (proposed, confidence) = judged.trust(given), proposals(judged, given)
    order = [i for i in np.argsort(trust, kind="stable").tolist() if trust[i] < TRUSTED]
    return [{"id": str(ids[i]), "proposed": classes[proposed[i]], "confidence": float(confidence[i])} for i in order]


def _sparing(
    found: list[dict[str, Any]], place: dict[str, int], target: np.ndarray, positions: np.ndarray
) -> list[dict[str, Any]]:
    """Those that may go without taking the last sample of a class."""
    gone = np.array([place[s["id"]] for s in found], dtype=np.int64)
    classes = int(target.max(initial=0)) + 1
    left = np.bincount(target[np.setdiff1d(positions, gone)], minlength=classes)
    return [s for s, i in zip(found, gone, strict=True) if left[target[i]]]
