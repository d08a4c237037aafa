"""KITTI labels: a text file a picture with fifteen words a line, of which the fifth to eighth are the corners.

Source: Geiger, Lenz and Urtasun 2012, "Are we ready for autonomous driving?", the development kit of the object
benchmark: image_2 beside label_2, regions `DontCare` that were not labelled.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from ...core.errors import DataError
from ...core.finding import Finding
from ...core.recipe import DataSection
from ..annotated import Box, Picture, boxes_dataset
from ..boxes import Boxes
from ..reader import PLAIN, Context, Reader
from .annotations import Skipped, files_in, folders_in, number, part_of, pictures_in, read_bytes, relative, walk

_LABELS = ("label_2", "labels", "label", "label_02", "annotations")
_PICTURES = ("image_2", "images", "image", "image_02")
_IGNORED = "dontcare"
_WORDS = (15, 16)  # with a score behind them
_LOOKED_AT = 20  # files, until one tells
_TEXT_LIMIT = 16 << 20


def recognises(path: Path, without: Path | None = None) -> str | None:
    """Folders of pictures beside folders of such files."""
    places = _places(path, without)
    if not any(labels is not None for _, _, labels in places):
        return None
    parts = [part for part in ("train", "val", "test") if any(p == part for p, _, _ in places)]
    return "KITTI boxes" + (f" in {', '.join(parts)}" if parts else "")


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Boxes:
    """Every picture with a label file; regions called DontCare are left out and counted.

    Raises: DataError if there is none.
    """
    places = _places(path, context.without)
    if not places:
        raise DataError("no KITTI labels here", where=path, do="name the folder that holds image_2 and label_2")
    root = context.root or path
    skipped, pictures, ignored = Skipped(), list[Picture](), 0
    for part, images, labels in places:
        found = pictures_in(images)
        stems = {picture.stem for picture in found}
        for picture in found:
            file = labels / f"{picture.stem}.txt" if labels is not None else None
            told = _boxes(file, root, skipped) if file is not None and file.is_file() else (None, 0, 0)
            ignored += told[2]
            pictures.append(
                Picture(id=relative(picture, root), where=str(picture), boxes=told[0], part=part, unread=told[1])
            )
        for file in files_in(labels, ".txt") if labels is not None else ():
            if file.stem not in stems:
                pictures.append(Picture(id=relative(file, root), where="", boxes=(), part=part))
    left_out = [Finding(code="GF-D130", severity="info", numbers={"count": ignored})] if ignored else []
    return boxes_dataset(
        pictures,
        format=str(recognises(path, context.without) or "KITTI boxes"),
        context=context,
        root=root,
        notes=[*left_out, *skipped.findings()],
    )


def _places(path: Path, without: Path | None) -> list[tuple[str, Path, Path | None]]:
    """(part, folder of pictures, folder of labels or None for a part that has none)."""
    hidden = os.path.realpath(without) if without else None
    found: list[tuple[str, Path, Path | None]] = []
    for folder in walk(path, 2) if path.is_dir() else ():
        inner = {f.name.lower(): f for f in folders_in(folder)}
        images = next((inner[name] for name in _PICTURES if name in inner), None)
        labels = next((inner[name] for name in _LABELS if name in inner), None)
        part = part_of(os.path.relpath(folder, path).replace(os.sep, " "))
        inside = hidden is not None and (os.path.realpath(folder) + os.sep).startswith(hidden + os.sep)
        if images is None or inside:
            continue
        if labels is not None and _is_kitti(labels):
            found.append((part, images, labels))
        elif labels is None and part == "test" and pictures_in(images):
            found.append((part, images, None))
    return found if any(labels is not None for _, _, labels in found) else []


def _is_kitti(labels: Path) -> bool:
    """Whether the lines of the first files are a class, seven numbers or more, and corners that make a box."""
    rows = [line.split() for file in files_in(labels, ".txt")[:_LOOKED_AT] for line in _lines(file)[:_LOOKED_AT]]
    right = sum(len(words) in _WORDS and not math.isnan(sum(map(number, words[1:]))) for words in rows)
    return 2 * right > len(rows)


def _lines(file: Path) -> list[str]:
    try:
        text = read_bytes(file, _TEXT_LIMIT).decode("utf-8-sig", "replace")
    except DataError:
        return []
    return [line for line in text.splitlines() if line.strip()]


def _boxes(file: Path, root: Path, skipped: Skipped) -> tuple[tuple[Box, ...], int, int]:
    """The boxes of a label file, how many of its lines could not be read, and how many regions are ignored."""
    boxes, unread, ignored = [], 0, 0
    for i, line in enumerate(_lines(file), start=1):
        words = line.split()
        if words[0].lower() == _IGNORED:
            ignored += 1
        elif len(words) not in _WORDS:
            skipped.add(f"{relative(file, root)}:{i}", f"{len(words)} words instead of {_WORDS[0]}")
            unread += 1
        else:
            x1, y1, x2, y2 = map(number, words[4:8])
            boxes.append(Box(label=words[0], corners=(x1, y1, x2, y2)))
    return tuple(boxes), unread, ignored


READER = Reader(
    name="kitti",
    layout="DATA/training/{image_2/*.png,label_2/*.txt}, also DATA/{train,val}/{images,labels} with KITTI's lines",
    recognises=recognises,
    read=read,
    sample="boxes",
)
