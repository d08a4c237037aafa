"""Ultralytics NDJSON: a first line on the data set, then one line a picture with its part and boxes.

Source: the dataset pages of Ultralytics, "Ultralytics NDJSON format": boxes as in YOLO's labels, class cx cy w h in
shares of the sides; a polygon, whose box is taken, as class x1 y1 x2 y2 ...
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import Box, Picture, boxes_dataset
from ..boxes import Boxes
from ..reader import PLAIN, Context, Reader
from .annotations import Skipped, files_in, number, part_of, place_of, read_bytes, relative, size_of, walk
from .yolo_boxes import corners_of

_KINDS = ("boxes", "segments", "pose", "obb")
_SUFFIXES = (".ndjson", ".jsonl")
_TASKS = ("detect", "segment", "pose", "obb")


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A file whose first line is of the type dataset and of a task with boxes."""
    file = _file(path, without)
    return f"Ultralytics NDJSON boxes ({file.name})" if file is not None else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Boxes:
    """One line a picture; an empty list of boxes says that there is nothing to be seen.

    Raises: DataError if there is no such file.
    """
    file = _file(path, context.without)
    if file is None:
        raise DataError("no Ultralytics NDJSON file here", where=path, do="name the file or its folder")
    root = context.root or (path if path.is_dir() else path.parent)
    skipped, pictures = Skipped(), list[Picture]()
    folders = [file.parent, file.parent / "images", *walk(root, 3)]
    names: dict[int, str] = {}
    for line, entry in _objects(file, skipped):
        if entry.get("type") == "dataset":
            names = _names(entry)
        elif isinstance(entry.get("file"), str):
            pictures.append(_picture(entry, names, f"{file.name}:{line}", folders, root, skipped))
    return boxes_dataset(
        pictures,
        format=str(recognises(path, context.without)),
        context=context,
        root=root,
        classes=[names.get(k, str(k)) for k in range(1 + max(names))] if names else None,
        is_share=True,
        notes=skipped.findings(),
    )


def _file(path: Path, without: Path | None) -> Path | None:
    hidden = os.path.realpath(without) if without else None
    files = [path] if path.is_file() else [f for suffix in _SUFFIXES for f in files_in(path, suffix)]
    return next((f for f in files if os.path.realpath(f) != hidden and _is_told(f)), None)


def _is_told(file: Path) -> bool:
    if file.suffix.lower() not in _SUFFIXES:
        return False
    try:
        with open(file, "rb") as opened:
            first = json.loads(opened.readline(1 << 20).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and first.get("type") == "dataset" and first.get("task", "detect") in _TASKS


def _objects(file: Path, skipped: Skipped) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(line, object) of every line that is one."""
    for number_, line in enumerate(read_bytes(file).decode("utf-8-sig", "replace").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if isinstance(entry, dict):
            yield number_, entry
        else:
            skipped.add(f"{file.name}:{number_}", "no JSON object")


def _names(entry: Mapping[str, Any]) -> dict[int, str]:
    told = entry.get("class_names")
    pairs = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    return {int(k): str(name) for k, name in pairs if str(k).isdecimal() and len(str(k)) < 6}


def _picture(
    entry: Mapping[str, Any], names: Mapping[int, str], line: str, folders: list[Path], root: Path, skipped: Skipped
) -> Picture:
    part = part_of(str(entry.get("split", "")))
    near = [f for f in folders if part and part_of(f.name) == part]  # one name may be in every part
    where = place_of(str(entry["file"]), root, [*near, *folders])
    told = entry.get("annotations")
    shapes = told if isinstance(told, dict) else {}
    rows: list[object] = next((shapes[kind] for kind in _KINDS if isinstance(shapes.get(kind), list)), [])
    boxes, unread = [], 0
    for row in rows:
        cells = [number(cell) for cell in row] if isinstance(row, list) else []
        if len(cells) < 5 or not cells[0].is_integer():
            skipped.add(line, "not a class and four numbers")
            unread += 1
            continue
        k = int(cells[0])
        boxes.append(Box(label=names.get(k, str(k) if not names else f"number {k}"), corners=corners_of(cells[1:])))
    return Picture(
        id=relative(where, root) if where else line,
        where=where,
        boxes=tuple(boxes) if isinstance(told, dict) else None,
        part=part,
        size=size_of(entry.get("height"), entry.get("width")),
        unread=unread,
    )


READER = Reader(
    name="ultralytics_ndjson",
    layout="DATA/*.ndjson as Ultralytics exports it, beside the pictures",
    recognises=recognises,
    read=read,
    sample="boxes",
)
