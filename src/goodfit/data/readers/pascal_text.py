"""PASCAL annotation 1.00 in text files, as the Penn-Fudan pedestrians have it: one file a picture.

Source: Wang et al. 2007, "Object Detection Combining Recognition and Segmentation" (Penn-Fudan database).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import Box, Picture, boxes_dataset, named_like
from ..boxes import Boxes
from ..reader import PLAIN, Context, Reader
from .annotations import Skipped, files_in, folders_in, number, pictures_in, read_bytes, relative

_MARK = "PASCAL Annotation Version 1.00"
_SIZE = re.compile(r"Image size \(X x Y x C\)\s*:\s*(\d+) x (\d+)")
_FILE = re.compile(r'Image filename\s*:\s*"([^"]*)"')
_BOX = re.compile(
    r'Bounding box for object \d+ "([^"]*)" \(Xmin, Ymin\) - \(Xmax, Ymax\)\s*:\s*'
    r"\((-?[\d.]+), (-?[\d.]+)\) - \((-?[\d.]+), (-?[\d.]+)\)"
)
_TEXT_LIMIT = 1 << 20
_LOOKED_AT = 3


def recognises(path: Path, without: Path | None = None) -> str | None:
    """Text files that begin with the words of the format."""
    folder = _folder(path)
    return "PASCAL text annotations" if folder is not None else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Boxes:
    """Every picture with a text file. Raises: DataError if there is none."""
    folder = _folder(path)
    if folder is None:
        raise DataError("no PASCAL text annotations here", where=path, do="name the folder that holds Annotation")
    root = context.root or path
    skipped, pictures = Skipped(), list[Picture]()
    places = [f for f in folders_in(path) if "mask" not in f.name.lower()] + [folder, path]
    for file in files_in(folder, ".txt"):
        text = _text(file)
        if _MARK not in text:
            skipped.add(relative(file, root), "not of this format")
            continue
        said = Path(found.group(1).replace("\\", "/")).stem if (found := _FILE.search(text)) else file.stem
        where = next((p for f in places for stem in (file.stem, said) if (p := named_like(stem, str(f)))), "")
        size = _SIZE.search(text)
        boxes = tuple(
            Box(label=_class_of(name), corners=(number(a), number(b), number(c), number(d)))
            for name, a, b, c, d in _BOX.findall(text)
        )
        pictures.append(
            Picture(
                id=relative(where or file, root),
                where=where,
                boxes=boxes,
                size=(int(size.group(2)), int(size.group(1))) if size else None,
            )
        )
    listed = {os.path.realpath(p.where) for p in pictures if p.where}
    held = {Path(where).parent for where in listed}
    alone = [p for f in sorted(held) for p in pictures_in(f) if os.path.realpath(p) not in listed]
    pictures += [Picture(id=relative(p, root), where=str(p), boxes=None) for p in alone]
    return boxes_dataset(
        pictures,
        format="PASCAL text annotations",
        context=context,
        root=root,
        counts_from_one=True,
        notes=skipped.findings(),
    )


def _class_of(name: str) -> str:
    """`person` of `PASpersonWalking`: the class is what stands before the view or pose."""
    return found.group(1) if (found := re.match(r"PAS([a-z]+)", name)) else name


def _folder(path: Path) -> Path | None:
    if not path.is_dir():
        return None
    for folder in (path, *(f for f in folders_in(path) if f.name.lower().startswith("annotation"))):
        if any(_MARK in _text(file) for file in files_in(folder, ".txt")[:_LOOKED_AT]):
            return folder
    return None


def _text(file: Path) -> str:
    try:
        return read_bytes(file, _TEXT_LIMIT).decode("utf-8", "replace")
    except DataError:
        return ""


READER = Reader(
    name="pascal_text",
    layout="DATA/{Annotation/*.txt,PNGImages} with PASCAL annotation 1.00 text (Penn-Fudan)",
    recognises=recognises,
    read=read,
    sample="boxes",
)
