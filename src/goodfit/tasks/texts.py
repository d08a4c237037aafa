"""What all text tasks share; one task adds its metric and kind of target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..augment.text_options import TextAugment
from ..core.errors import DataError
from ..core.recipe import DataSection, Recipe
from ..core.samples import Schema, TargetKind
from ..core.task import Metric, Opened, Task
from ..data.readers import fasttext, text_table
from ..data.readers.tabletext import is_table
from ..data.texts import open_text
from ..data.words import words
from ..stats.calibration import fit_temperature
from .answers import answer, probs
from .planned import LABEL_REMEDIES, quickened
from .rebalancing import leading
from .text_learner import cost, learner, memory, rebuild, trial
from .text_loaders import loader, remember, warm
from .text_plan import LINEAR, ladder, probe_samples, settle_texts

SHOWN = 600  # characters of a text in the report


def text_task(name: str, kind: TargetKind, metric: Metric, metrics: Mapping[str, Metric]) -> Task:
    """A text task.

    Args:
        name: name in TASKS.
        kind: what the target is.
        metric: leading metric.
        metrics: all of them.
    """
    return Task(
        name=name,
        metric=metric.name,
        metrics=metrics,
        augment_options=TextAugment,
        settle=settle_texts,
        ladder=ladder,
        warm=warm,
        loader=loader,
        learner=partial(learner, metric),
        trial=partial(trial, metric),
        probe_samples=probe_samples,
        rebuild=partial(rebuild, metric),
        probs=partial(probs, kind),
        answer=partial(answer, kind),
        open_samples=open_samples,
        show=show,
        reads_text=True,
        bears=bears,
        quick=partial(quickened, {"model.name": LINEAR}) if kind == "class" else None,
        asked_of=asked_of,
        remember=remember,
        cost=partial(cost, metric),
        memory=partial(memory, metric),
        leading=partial(leading, metric.name) if kind == "class" else None,
        temperature=fit_temperature if kind != "number" else None,
    )


def open_samples(path: Path, schema: Schema) -> Opened:
    """A table holds a text a row, a fastText file one a line; any other file is one text.

    Raises: DataError naming the file if it cannot be read or holds no word.
    """
    if is_table(path):
        return _several(text_table.texts_of(path, schema.facts.get("inputs", ())))
    if (lines := fasttext.texts_of(path)) is not None:
        return _several(lines)
    text = open_text(path)
    if not words(text):
        raise DataError("this text is empty", where=path, do="leave it out")
    return Opened(samples=(("", text),))


def _several(found: list[tuple[str, str]]) -> Opened:
    """The texts of one file; a row without a word cannot be answered."""
    empty = tuple((name, "this text is empty; leave it out") for name, text in found if not words(text))
    return Opened(samples=tuple(pair for pair in found if words(pair[1])), faults=empty)


def bears(recipe: Recipe, remedy: str) -> bool:
    """The linear floor is fitted in one go: no rate, no length, nothing to drop; no text network skips whole blocks."""
    if recipe.model.name == LINEAR:
        return remedy in LABEL_REMEDIES | {"no_rebalancing", "class_weights"}
    return remedy != "drop_path"


def asked_of(section: DataSection, schema: Schema) -> DataSection:
    """How to read a table for a model: by the columns that it learnt from, unless others are named."""
    changes: dict[str, Any] = {}
    if section.target == "auto" and schema.target_name not in ("folder", fasttext.MARK):
        changes["target"] = schema.target_name
    if section.input == "auto" and schema.facts.get("inputs"):
        changes["input"] = ",".join(schema.facts["inputs"])
    return section.model_copy(update=changes)


def show(sample: Any) -> dict[str, str]:
    """A text as the report shows it: its beginning."""
    text = str(sample).strip()
    return {"text": text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"}
