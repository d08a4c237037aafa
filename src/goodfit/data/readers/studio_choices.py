"""Label Studio's choices: one class or several for each picture or text.

Source: the documentation of Label Studio, "Label Studio JSON format of annotated tasks".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import is_inside
from ..images import ImageFiles
from ..reader import PLAIN, Context, Reader
from ..targets import Label, Row, files_dataset
from ..texts import LONGEST, Texts, text_dataset
from .annotations import relative
from .studio import StudioTask, picture_of, studio_file, studio_tasks, text_of


def _recognises(path: Path, without: Path | None, texts: bool) -> str | None:
    file = studio_file(path, without, b'"choice')
    if file is None:
        return None
    try:
        first = next(studio_tasks(file), None)
    except DataError:
        return None
    if first is None or (text_of(first.data) is not None) != texts:
        return None
    return f"Label Studio choices of {'texts' if texts else 'pictures'} ({file.name})"


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A JSON list of tasks with choices, whose data are pictures."""
    return _recognises(path, without, texts=False)


def recognises_texts(path: Path, without: Path | None = None) -> str | None:
    """A JSON list of tasks with choices, whose data are texts."""
    return _recognises(path, without, texts=True)


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageFiles:
    """One task a picture. Raises: DataError if there is no such file."""
    file, tasks, labels = _tasks(path, context)
    root = context.root or (path if path.is_dir() else path.parent)
    rows: list[Row] = []
    refused: list[tuple[str, str]] = []
    for task, label in zip(tasks, labels, strict=True):
        where = picture_of(task.data, root, file)
        if not where or not is_inside(where, root):
            refused.append((f"{file.name}:{task.number}", "outside" if where else "no_path"))
            continue
        rows.append(Row(id=relative(where, root), where=where, label=label))
    return files_dataset(
        rows,
        format=str(recognises(path, context.without)),
        target_name="choices",
        context=context,
        named=not any(isinstance(label, tuple) for label in labels),
        refused=refused,
    )


def read_texts(path: Path, section: DataSection, context: Context = PLAIN) -> Texts:
    """One task a text. Raises: DataError if there is no such file."""
    file, tasks, labels = _tasks(path, context)
    rows: list[Row] = []
    texts: list[str] = []
    refused: list[tuple[str, str]] = []
    for task, label in zip(tasks, labels, strict=True):
        text = (text_of(task.data) or "").strip()
        if not text:
            refused.append((f"{file.name}:{task.number}", "empty"))
            continue
        rows.append(Row(id=f"{file.name}:{task.number}", where="", label=label))
        texts.append(text[:LONGEST])
    return text_dataset(
        rows,
        texts,
        format=str(recognises_texts(path, context.without)),
        target_name="choices",
        context=context,
        named=not any(isinstance(label, tuple) for label in labels),
        refused=refused,
    )


def _tasks(path: Path, context: Context) -> tuple[Path, list[StudioTask], list[Label]]:
    """The file, its tasks and a label each: a tuple where some task has several choices."""
    file = studio_file(path, context.without, b'"choice')
    if file is None:
        raise DataError("no Label Studio file with choices here", where=path, do="name the JSON file")
    tasks = list(studio_tasks(file))
    chosen = [None if task.results is None else _choices(task.results) for task in tasks]
    several = any(found is not None and len(found) > 1 for found in chosen)
    labels: list[Label] = [found if several or found is None else found[0] if found else None for found in chosen]
    return file, tasks, labels


def _choices(results: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    values = [r["value"] for r in results if isinstance(r.get("value"), dict)]
    return tuple(str(c) for value in values if isinstance(value.get("choices"), list) for c in value["choices"])


READER = Reader(
    name="studio_choices",
    layout="DATA/*.json as Label Studio exports choices, beside the pictures",
    recognises=recognises,
    read=read,
)
TEXTS = Reader(
    name="studio_texts",
    layout="DATA.json as Label Studio exports choices of texts",
    recognises=recognises_texts,
    read=read_texts,
    sample="text",
)
