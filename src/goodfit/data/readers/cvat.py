"""CVAT for images 1.1: one XML file with an element for each picture, boxes, polygons and ellipses inside.

Source: the format description of CVAT, "CVAT for image"; Sekachev et al. 2020, doi:10.5281/zenodo.4009388.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import Box, Picture, boxes_dataset
from ..boxes import Boxes
from ..reader import PLAIN, Context, Reader
from .annotations import Node, Skipped, files_in, number, part_of, place_of, read_xml, relative, size_of, walk

_XML_LIMIT = 512 << 20  # one file for all pictures
_HEAD = 1 << 16  # bytes in which the first picture is looked for
_OUTLINES = ("polygon", "polyline")


def recognises(path: Path, without: Path | None = None) -> str | None:
    """XML files with annotations of images."""
    files = _files(path, without)
    return f"CVAT boxes ({', '.join(f.name for f in files)})" if files else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Boxes:
    """Every picture that the files list.

    Raises: DataError if there is none, or a file is broken.
    """
    files = _files(path, context.without)
    if not files:
        raise DataError("no CVAT file here", where=path, do="name the XML file or its folder")
    root = context.root or (path if path.is_dir() else path.parent)
    skipped, pictures = Skipped(), list[Picture]()
    for file in files:
        tree = read_xml(file, _XML_LIMIT)
        base = part_of(file.stem) or (part_of(file.parent.name) if file.parent != root else "")
        pictures += [_picture(image, file, base, root, skipped) for image in tree.all("image")]
    return boxes_dataset(
        pictures,
        format=str(recognises(path, context.without) or "CVAT boxes"),
        context=context,
        root=root,
        notes=skipped.findings(),
    )


def broken(path: Path, without: Path | None = None) -> DataError | None:
    """A file called annotations.xml that is no such file: CVAT's name for it, also for its other formats."""
    for folder in walk(path, 1) if path.is_dir() else ():
        file = folder / "annotations.xml"
        inside = without is not None and os.path.realpath(folder).startswith(os.path.realpath(without))
        if file.is_file() and not inside and not _is_cvat(file):
            return DataError(
                "this XML file lists no pictures, as CVAT's format for videos does not",
                allowed="annotations with image elements",
                where=file,
                do="export it as `CVAT for images 1.1` or as COCO, with the pictures",
            )
    return None


def _files(path: Path, without: Path | None) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == ".xml" and _is_cvat(path) else []
    hidden = os.path.realpath(without) if without else None
    found = [f for folder in (walk(path, 1) if path.is_dir() else ()) for f in files_in(folder, ".xml")[:50]]
    visible = (f for f in found if hidden is None or not (os.path.realpath(f) + os.sep).startswith(hidden + os.sep))
    return [file for file in visible if _is_cvat(file)]


def _is_cvat(file: Path) -> bool:
    try:
        with open(file, "rb") as opened:
            head = opened.read(_HEAD)
    except OSError:
        return False
    return b"<annotations" in head and b"<image " in head


def _picture(image: Node, file: Path, base: str, root: Path, skipped: Skipped) -> Picture:
    said = image.attributes.get("name", "")
    part = part_of(image.attributes.get("subset", "")) or base
    where = place_of(said, root, [file.parent, file.parent / "images", *walk(root, 2)])
    boxes: list[Box] = []
    unread = 0
    for label, corners in _shapes(image):
        if corners is None:
            skipped.add(f"{file.name}: {said}", f"a shape of '{label}' without corners")
            unread += 1
        else:
            boxes.append(Box(label=label, corners=corners))
    size = size_of(image.attributes.get("height"), image.attributes.get("width"))
    name = relative(where, root) if where else said
    return Picture(id=name, where=where, boxes=tuple(boxes), part=part, size=size, unread=unread)


def _shapes(image: Node) -> Iterator[tuple[str, tuple[float, float, float, float] | None]]:
    """(label, corners or None) of everything that has an outline; points, tags and masks are none."""
    for box in image.all("box"):
        x1, y1, x2, y2 = (number(box.attributes.get(key)) for key in ("xtl", "ytl", "xbr", "ybr"))
        yield box.attributes.get("label", ""), (x1, y1, x2, y2)
    for ellipse in image.all("ellipse"):
        x, y, rx, ry = (number(ellipse.attributes.get(key)) for key in ("cx", "cy", "rx", "ry"))
        yield ellipse.attributes.get("label", ""), (x - rx, y - ry, x + rx, y + ry)
    for name in _OUTLINES:
        for shape in image.all(name):
            pairs = [pair.split(",") for pair in shape.attributes.get("points", "").split(";") if pair.count(",") == 1]
            xs, ys = [number(x) for x, _ in pairs], [number(y) for _, y in pairs]
            yield shape.attributes.get("label", ""), (min(xs), min(ys), max(xs), max(ys)) if len(pairs) > 1 else None


READER = Reader(
    name="cvat",
    layout="DATA/annotations.xml as `CVAT for images 1.1` writes it, beside the pictures or the folder images",
    recognises=recognises,
    read=read,
    sample="boxes",
    broken=broken,
)
