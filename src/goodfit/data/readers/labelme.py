"""LabelMe: one JSON file beside each picture, with rectangles, polygons and circles.

Source: Wada 2016, labelme; Russell et al. 2008, "LabelMe: a database and web-based tool for image annotation".
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import Box, Picture, boxes_dataset, named_like
from ..boxes import Boxes
from ..reader import PLAIN, Context, Reader
from .annotations import Skipped, files_in, folders_in, number, part_of, pictures_in, read_json, relative, size_of

_LOOKED_AT = 50  # files, until one is such an annotation
_OUTLINES = ("rectangle", "polygon", "linestrip", "mask")


def recognises(path: Path, without: Path | None = None) -> str | None:
    """JSON files with shapes and imagePath."""
    places = _places(path, without)
    if not places:
        return None
    parts = [p for p in ("train", "val", "test") if any(part == p for part, _ in places)]
    return "LabelMe boxes" + (f" in {', '.join(parts)}" if parts else "")


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Boxes:
    """Every picture with a JSON file. Raises: DataError if there is none."""
    places = _places(path, context.without)
    if not places:
        raise DataError("no LabelMe files here", where=path, do="name the folder that holds the JSON files")
    root = context.root or path
    skipped, pictures = Skipped(), list[Picture]()
    for part, folder in places:
        found = [p for f in files_in(folder, ".json") if (p := _picture(f, part, root, skipped)) is not None]
        listed = {os.path.realpath(p.where) for p in found if p.where}
        held = sorted({os.path.dirname(where) for where in listed})
        alone = [p for place in held for p in pictures_in(Path(place)) if os.path.realpath(p) not in listed]
        pictures += found
        pictures += [Picture(id=relative(p, root), where=str(p), boxes=None, part=part) for p in alone]
    return boxes_dataset(
        pictures,
        format=str(recognises(path, context.without) or "LabelMe boxes"),
        context=context,
        root=root,
        notes=skipped.findings(),
    )


def _places(path: Path, without: Path | None) -> list[tuple[str, Path]]:
    if not path.is_dir():
        return []
    if _is_labelme(path):
        return [("", path)]
    hidden = os.path.realpath(without) if without else None
    inner = [f for f in folders_in(path) if os.path.realpath(f) != hidden and _is_labelme(f)]
    return [(part_of(f.name), f) for f in inner]


def _is_labelme(folder: Path) -> bool:
    return any(_tree(file) is not None for file in files_in(folder, ".json")[:_LOOKED_AT])


def _tree(file: Path) -> Mapping[str, Any] | None:
    try:
        if file.stat().st_size > 64 << 20:  # a picture may be held inside, but not such a one
            return None
        tree = read_json(file)
    except (DataError, OSError):
        return None
    return tree if isinstance(tree, dict) and isinstance(tree.get("shapes"), list) and "imagePath" in tree else None


def _picture(file: Path, part: str, root: Path, skipped: Skipped) -> Picture | None:
    tree = _tree(file)
    if tree is None:
        skipped.add(relative(file, root), "no LabelMe file")
        return None
    said = str(tree.get("imagePath") or "").replace("\\", "/")
    where = named_like(file.stem, str(file.parent)) or os.path.normpath(os.path.join(file.parent, said))
    boxes, unread = [], 0
    for i, shape in enumerate(tree["shapes"]):
        corners = _corners(shape) if isinstance(shape, dict) else None
        if corners is None:
            skipped.add(f"{relative(file, root)}: shape {i}", "no outline that has a box")
            unread += 1
        else:
            boxes.append(Box(label=str(shape.get("label")), corners=corners))
    return Picture(
        id=relative(where, root),
        where=where if "\0" not in where else "",
        boxes=tuple(boxes),
        unread=unread,
        part=part,
        size=size_of(tree.get("imageHeight"), tree.get("imageWidth")),
    )


def _corners(shape: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    points = shape.get("points")
    if not isinstance(points, list) or not all(isinstance(p, list) and len(p) == 2 for p in points):
        return None
    pairs = [(number(x), number(y)) for x, y in points]
    kind = shape.get("shape_type") or "polygon"
    if kind == "circle" and len(pairs) == 2:
        (x, y), (x2, y2) = pairs
        radius = math.hypot(x2 - x, y2 - y)
        return x - radius, y - radius, x + radius, y + radius
    if kind not in _OUTLINES or len(pairs) < 2:
        return None
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    return min(xs), min(ys), max(xs), max(ys)


READER = Reader(
    name="labelme",
    layout="DATA/*.jpg with a LabelMe file *.json beside each; or DATA/{train,val,test}/ of them",
    recognises=recognises,
    read=read,
    sample="boxes",
)
