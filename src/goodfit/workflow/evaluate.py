"""`evaluate`: score a stored model on the test part of some data, or on all of them where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.outcome import Predictions
from ..core.recipe import Recipe
from ..core.recipe_yaml import apply_pairs
from ..core.samples import Dataset
from ..core.target_kinds import KINDS
from ..core.telling import Tell, silent
from ..data.reading import read
from ..data.scan import scan
from ..engine.cachefolder import cache_folder
from ..stats.calibration import expected_calibration_error
from ..stats.intervals import interval
from .model import Model, load
from .scoring import metric_name


def evaluate(
    model: Path, data: str, pairs: Sequence[str] = (), *, device: str = "auto", lang: str = "en", tell: Tell = silent
) -> dict[str, Any]:
    """Every metric with its interval; pictures are prepared as `predict` prepares them, whatever these data are like.

    Args:
        model: a model folder, or a study that holds one.
        data: path of the data.
        pairs: recipe keys that say how to read them, `data.test=...`.
        device: as `--device`.
        lang: for messages.
        tell: hears what happens.
    Returns: task, family, primary, test {value, low, high, n}, metrics, part, calibration_error, model.
    Raises: DataError if the data do not fit the model; UsageError.
    """
    loaded = load(model, device)
    section = apply_pairs(Recipe(), pairs).with_("data.path", data).data
    if loaded.task.asked_of is not None:
        section = loaded.task.asked_of(section, loaded.schema)
    whole = read(section, cache_folder(), loaded.task.name)
    dataset = whole.take(np.flatnonzero(scan(whole, cache_folder()).ok))
    test = np.flatnonzero(dataset.index.part == "test")
    positions = test if len(test) else np.arange(len(dataset))
    positions = positions[KINDS[dataset.schema.target_kind].known(dataset.index.target[positions])]
    if not len(positions):
        raise DataError("no sample here has a label, so nothing can be scored", where=data, do="use `goodfit predict`")
    target = _in_order_of(loaded, dataset)
    recipe = loaded.recipe.with_("engine.loader", "stream")  # each picture is seen once
    loader = loaded.task.loader(replace(dataset, schema=loaded.schema), positions, recipe, loaded.engine, False)
    tell("stage", name="evaluate")
    outputs = loaded.learner.predict(loader)
    positions = loader.positions  # of those that could be read
    target = target[positions]
    found = Predictions(
        ids=dataset.index.id[positions].astype(str),
        target=target,
        outputs=outputs,
        split="test",
        run_id=str(loaded.folder),
    )
    scores = {name: interval(m, found, 0) for name, m in loaded.task.metrics.items()}
    primary = metric_name(loaded.recipe, loaded.task, loaded.schema)
    result: dict[str, Any] = {
        "task": loaded.task.name,
        "family": loaded.learner.family,
        "primary": primary,
        "test": scores[primary].as_json(),
        "metrics": {name: s.as_json() for name, s in scores.items()},
        "part": "test" if len(test) else "all",
        "model": str(loaded.folder),
    }
    if loaded.task.temperature is not None:
        error = loaded.task.calibration_error(outputs, target, loaded.temperature, expected_calibration_error)
        result["calibration_error"] = error
    return result


def _in_order_of(model: Model, dataset: Dataset) -> np.ndarray:
    """The data's targets with the model's class numbers.

    Raises: DataError if kind or classes differ.
    """
    mine, theirs = model.schema, dataset.schema
    target = dataset.index.target
    if mine.target_kind != theirs.target_kind:
        raise DataError(
            "these data have another kind of target",
            got=theirs.target_kind,
            allowed=mine.target_kind,
            do="name the target with data.target=",
        )
    unknown = [c for c in theirs.classes if c not in mine.classes]
    if unknown:
        raise DataError(
            "these data have classes that the model does not know",
            got=", ".join(unknown[:10]),
            allowed=", ".join(mine.classes[:20]),
            do="use the data that the model is for",
        )
    order = np.array([mine.classes.index(c) for c in theirs.classes], dtype=np.int64)
    return KINDS[mine.target_kind].recode(target, order, len(mine.classes))
