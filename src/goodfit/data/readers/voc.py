"""PASCAL VOC: one XML file a picture, with or without lists of train, val and test.

Source: Everingham et al. 2010, "The PASCAL Visual Object Classes Challenge"; its development kit's annotation format.
"""

from __future__ import annotations

import os
from pathlib import Path

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import Box, Picture, boxes_dataset, named_like
from ..boxes import Boxes
from ..reader import PLAIN, Context, Reader
from .annotations import (
    Node,
    Skipped,
    files_in,
    folders_in,
    number,
    part_of,
    pictures_in,
    read_xml,
    relative,
    size_of,
    walk,
)

_LOOKED_AT = 200  # files, until one is such an annotation


def recognises(path: Path, without: Path | None = None) -> str | None:
    """Annotations/*.xml beside JPEGImages, or XML files beside their pictures."""
    places = _places(path, without)
    if not places:
        return None
    lists = _lists(path)
    parts = [p for p in ("train", "val", "test") if p in lists or any(part == p for part, _, _ in places)]
    return "PASCAL VOC boxes" + (f" in {', '.join(parts)}" if parts else "")


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Boxes:
    """Every picture with an XML file, in the parts that the lists give; those on no list are left out.

    Raises: DataError if there is none.
    """
    places, lists = _places(path, context.without), _lists(path)
    if not places:
        raise DataError("no PASCAL VOC files here", where=path, do="name the folder that holds Annotations")
    root = context.root or path
    part_by_stem = {stem: part for part, stems in lists.items() for stem in stems}
    skipped, pictures = Skipped(), list[Picture]()
    for part, folder, image_folders in places:
        stems = {file.stem for file in files_in(folder, ".xml")}
        for file in files_in(folder, ".xml"):
            if lists and file.stem not in part_by_stem:
                continue
            given = part_by_stem.get(file.stem, part)
            picture = _picture(file, image_folders, given, root, skipped)
            pictures += [picture] if picture is not None else []
        for place in image_folders:
            alone = [p for p in pictures_in(place) if p.stem not in stems and (not lists or p.stem in part_by_stem)]
            pictures += [
                Picture(id=relative(p, root), where=str(p), boxes=None, part=part_by_stem.get(p.stem, part))
                for p in alone
            ]
    return boxes_dataset(
        pictures,
        format=str(recognises(path, context.without) or "PASCAL VOC boxes"),
        context=context,
        root=root,
        counts_from_one=True,
        notes=skipped.findings(),
    )


def broken(path: Path, without: Path | None = None) -> DataError | None:
    """XML files in a folder called Annotations, none of which is an annotation."""
    for folder in walk(path, 1) if path.is_dir() else ():
        inside = without is not None and os.path.realpath(folder).startswith(os.path.realpath(without))
        files = files_in(folder, ".xml") if folder.name.lower() == "annotations" and not inside else []
        if files and not _is_voc(folder):
            try:
                read_xml(files[0])
            except DataError as error:
                return error
            return DataError(
                "this XML file is no PASCAL VOC annotation",
                allowed="an annotation with objects, or with filename and size",
                where=files[0],
                do="export the annotations again",
            )
    return None


def _places(path: Path, without: Path | None) -> list[tuple[str, Path, list[Path]]]:
    """(part, folder of XML files, folders in which their pictures may lie)."""
    if not path.is_dir():
        return []
    hidden = os.path.realpath(without) if without else None
    inner = {f.name.lower(): f for f in folders_in(path) if os.path.realpath(f) != hidden}
    if "annotations" in inner and _is_voc(inner["annotations"]):
        beside = [f for name, f in inner.items() if name in ("jpegimages", "images", "imgs", "pngimages")]
        return [("", inner["annotations"], [*beside, inner["annotations"], path])]
    if _is_voc(path):
        return [("", path, [path])]
    parted = [(part_of(name), f) for name, f in inner.items() if part_of(name)]
    return [place for part, f in parted for place in _part(part, f)]


def _part(part: str, folder: Path) -> list[tuple[str, Path, list[Path]]]:
    return [(part, place, images) for _, place, images in _places_inside(folder)]


def _places_inside(folder: Path) -> list[tuple[str, Path, list[Path]]]:
    inner = {f.name.lower(): f for f in folders_in(folder)}
    if "annotations" in inner and _is_voc(inner["annotations"]):
        return [("", inner["annotations"], [*inner.values(), folder])]
    return [("", folder, [folder])] if _is_voc(folder) else []


def _is_voc(folder: Path) -> bool:
    files = files_in(folder, ".xml")
    for file in files[:_LOOKED_AT]:
        try:
            root = read_xml(file)
        except DataError:
            continue
        if root.all("object") or (root.all("filename") and root.all("size")):
            return True
    return False


def _lists(path: Path) -> dict[str, list[str]]:
    """Part -> names, from ImageSets/Main; train and val before trainval, which gives no part."""
    folder = path / "ImageSets" / "Main"
    found: dict[str, list[str]] = {}
    for part, name in (("", "trainval"), ("test", "test"), ("train", "train"), ("val", "val")):
        file = folder / f"{name}.txt"
        try:
            words = file.read_text("utf-8", errors="replace").splitlines() if file.is_file() else []
        except OSError:
            words = []
        stems = [line.split()[0] for line in words if line.strip()]
        if stems:
            found[part] = stems
    if "train" in found:
        found.pop("", None)
    return found


def _picture(file: Path, folders: list[Path], part: str, root: Path, skipped: Skipped) -> Picture | None:
    try:
        tree = read_xml(file)
    except DataError as error:
        skipped.add(relative(file, root), f"{error.wrong}: {error.got}")
        return None
    boxes = [_box(thing) for thing in tree.all("object")]
    said = os.path.basename(tree.one("filename").replace("\\", "/"))
    where = next((p for f in folders if (p := named_like(file.stem, str(f)))), None)
    if where is None and said:
        where = next((str(f / said) for f in folders if "\0" not in said and (f / said).is_file()), None)
    return Picture(
        id=relative(where or file, root),
        where=where or "",
        boxes=tuple(box for box in boxes if box is not None),
        unread=sum(box is None for box in boxes),
        part=part,
        size=size_of(tree.one("size", "height"), tree.one("size", "width")),
    )


def _box(thing: Node) -> Box | None:
    """A box of an object; one with other shapes alone has none."""
    if not thing.all("bndbox"):
        return None
    x1, y1, x2, y2 = (number(thing.one("bndbox", name)) for name in ("xmin", "ymin", "xmax", "ymax"))
    return Box(label=thing.one("name"), corners=(x1, y1, x2, y2), crowd=thing.one("difficult") == "1")


READER = Reader(
    name="voc",
    layout="DATA/{Annotations/*.xml,JPEGImages,ImageSets/Main/{train,val,test}.txt}; or DATA/{train,valid,test}/ with "
    "an XML file beside each picture",
    recognises=recognises,
    read=read,
    usual=True,
    sample="boxes",
    broken=broken,
)
