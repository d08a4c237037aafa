"""Label Studio's rectangles, polygons and ellipses on pictures; corners are percentages of the sides.

Source: the documentation of Label Studio, "Label Studio JSON format of annotated tasks".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import Box, Picture, boxes_dataset
from ..boxes import Boxes
from ..reader import PLAIN, Context, Reader
from .annotations import Skipped, number, relative, size_of
from .studio import picture_of, studio_file, studio_tasks

_SHAPES = ("rectanglelabels", "polygonlabels", "ellipselabels")


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A JSON list of tasks with rectangles, polygons or ellipses."""
    file = _file(path, without)
    return f"Label Studio boxes ({file.name})" if file is not None else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Boxes:
    """One task a picture; tasks that nobody annotated are pictures without labels.

    Raises: DataError if there is no such file.
    """
    file = _file(path, context.without)
    if file is None:
        raise DataError("no Label Studio file here", where=path, do="name the JSON file or its folder")
    root = context.root or (path if path.is_dir() else path.parent)
    skipped, pictures = Skipped(), list[Picture]()
    for task in studio_tasks(file):
        where = picture_of(task.data, root, file)
        boxes: list[Box] = []
        unread = 0
        for result in task.results or ():
            box = _box(result)
            if isinstance(box, Box):
                boxes.append(box)
            elif box:
                skipped.add(f"{file.name}: task {task.number}", box)
                unread += 1
        first = next((r for r in task.results or () if "original_width" in r), {})
        pictures.append(
            Picture(
                id=relative(where, root) if where else f"{file.name}:{task.number}",
                where=where,
                boxes=None if task.results is None else tuple(boxes),
                size=size_of(first.get("original_height"), first.get("original_width")),
                unread=unread,
            )
        )
    return boxes_dataset(
        pictures,
        format=str(recognises(path, context.without) or "Label Studio boxes"),
        context=context,
        root=root,
        is_share=True,
        notes=skipped.findings(),
    )


def _file(path: Path, without: Path | None) -> Path | None:
    return next((f for name in _SHAPES if (f := studio_file(path, without, f'"{name}"'.encode())) is not None), None)


def _box(result: Mapping[str, Any]) -> Box | str:
    """The box of a result as shares of the sides; words on what is wrong; "" where it is none, such as a choice."""
    value = result.get("value")
    kind = next((name for name in _SHAPES if isinstance(value, dict) and isinstance(value.get(name), list)), None)
    if kind is None or not isinstance(value, dict):
        return ""
    if not value[kind]:
        return "a shape without a label"
    corners = _corners(kind, value)
    if corners is None:
        return "a shape without corners"
    x1, y1, x2, y2 = (side / 100 for side in corners)
    return Box(label=str(value[kind][0]), corners=(x1, y1, x2, y2))


def _corners(kind: str, value: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """Percentages of the sides; a rectangle that was turned gets the box around it only where it is upright."""
    if kind == "polygonlabels":
        points = value.get("points")
        pairs = [p for p in points if isinstance(p, list) and len(p) == 2] if isinstance(points, list) else []
        xs, ys = [number(x) for x, _ in pairs], [number(y) for _, y in pairs]
        return (min(xs), min(ys), max(xs), max(ys)) if len(pairs) > 1 else None
    if not math.isclose(number(value.get("rotation") or 0) % 180, 0, abs_tol=1e-3):
        return None
    x, y = number(value.get("x")), number(value.get("y"))
    if kind == "ellipselabels":
        rx, ry = number(value.get("radiusX")), number(value.get("radiusY"))
        return x - rx, y - ry, x + rx, y + ry
    return x, y, x + number(value.get("width")), y + number(value.get("height"))


READER = Reader(
    name="label_studio",
    layout="DATA/*.json as Label Studio exports rectangles (JSON or JSON-MIN), beside the pictures",
    recognises=recognises,
    read=read,
    sample="boxes",
)
