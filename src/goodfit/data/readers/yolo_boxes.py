"""YOLO labels: a text file a picture with rows `class cx cy w h` in shares of the sides, named in data.yaml.

Source: Redmon et al. 2016, arXiv:1506.02640 (darknet's label files); the layouts of the tools that write them. A row of
more than five numbers is a polygon, whose box is taken.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import Box, Picture, boxes_dataset
from ..boxes import Boxes
from ..reader import PLAIN, Context, Reader
from .annotations import Skipped, files_in, number, part_of, pictures_in, read_bytes, relative, walk

_NAME_FILES = ("classes.txt", "obj.names", "classes.names", "labels.txt")
_TEXT_LIMIT = 16 << 20
_LOOKED_AT = 20  # files, and rows of each
_MOST_GAPS = 10_000  # numbers without a name between named classes


def recognises(path: Path, without: Path | None = None) -> str | None:
    """data.yaml with names, or folders of pictures beside folders of labels."""
    places = _places(path, without)
    if not places:
        return None
    parts = [part for part in ("train", "val", "test") if any(p == part for p, _, _ in places)]
    return "YOLO boxes" + (f" in {', '.join(parts)}" if parts else "")


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Boxes:
    """Every picture with a label file; an empty file says that there is nothing to be seen.

    Raises: DataError if there is none.
    """
    places = _places(path, context.without)
    if not places:
        raise DataError("no YOLO labels here", where=path, do="name the folder that holds images and labels")
    folder = path if path.is_dir() else path.parent
    _check_settings(path)
    root = context.root or folder
    names, skipped, pictures = _names(path), Skipped(), list[Picture]()
    for part, images, labels in places:
        found = pictures_in(images)
        stems = {picture.stem for picture in found}
        for picture in found:
            file = labels / f"{picture.stem}.txt"
            boxes, unread = _boxes(file, names, root, skipped) if file.is_file() else (None, 0)
            name = relative(picture, root)
            pictures.append(Picture(id=name, where=str(picture), boxes=boxes, part=part, unread=unread))
        for file in files_in(labels, ".txt"):
            if file.stem not in stems and file.name.lower() not in _NAME_FILES:
                pictures.append(Picture(id=relative(file, root), where="", boxes=(), part=part))
    return boxes_dataset(
        pictures,
        format=str(recognises(path, context.without) or "YOLO boxes"),
        context=context,
        root=root,
        classes=names,
        is_share=True,
        notes=skipped.findings(),
    )


def broken(path: Path, without: Path | None = None) -> DataError | None:
    """Folders of pictures beside folders called labels, or a YAML file with names, and no row of a box there."""
    if not path.is_dir():
        return None
    told = bool(_settings(path))
    for images in walk(path, 2):
        labels = _labels_of(images)
        inside = without is not None and os.path.realpath(images).startswith(os.path.realpath(without))
        files = [] if inside or (labels == images and not told) else _label_files(labels)
        if files and pictures_in(images):
            odd = next(((file, line) for file in files for line in _lines(file)[:1]), None)
            file, line = odd or (files[0], "")
            return DataError(
                "these label files hold no rows of boxes",
                got=repr(line[:80]) if odd else f"{len(files)} empty files",
                allowed="class cx cy w h: a number from 0 and four shares of the sides",
                where=file,
                do="export the labels again",
            )
    return None


def _places(path: Path, without: Path | None) -> list[tuple[str, Path, Path]]:
    """(part, folder of pictures, folder of labels)."""
    folder = path if path.is_dir() else path.parent
    if path.is_file() and path.suffix.lower() not in (".yaml", ".yml"):
        return []
    if not folder.is_dir():
        return []
    hidden = os.path.realpath(without) if without else None
    tree = _settings(path)
    pairs: list[tuple[str, Path, Path]] = []
    for part, key in (("train", "train"), ("val", "val"), ("val", "valid"), ("test", "test")):
        for place in _named(tree.get(key), folder, tree) if tree else ():
            if not any(images == place for _, images, _ in pairs):
                pairs.append((part, place, _labels_of(place)))
    if not pairs and path.is_dir():
        pairs = [(_part_of(images, folder), images, _labels_of(images)) for images in walk(folder, 2)]
    return [
        (part, images, labels)
        for part, images, labels in pairs
        if os.path.realpath(images) != hidden and (_is_yolo(labels) and bool(pictures_in(images)))
    ]


def _part_of(images: Path, root: Path) -> str:
    return part_of(os.path.relpath(images, root).replace(os.sep, " "))


def _settings(path: Path) -> Mapping[str, Any]:
    """The first YAML file here with `names`; {} where there is none."""
    files = [path] if path.is_file() else [*files_in(path, ".yaml"), *files_in(path, ".yml")]
    for file in files[:20]:
        try:
            tree = yaml.safe_load(read_bytes(file, 1 << 20))
        except (yaml.YAMLError, DataError, ValueError, RecursionError):
            continue
        if isinstance(tree, dict) and isinstance(tree.get("names"), list | dict):
            return tree
    return {}


def _named(value: object, folder: Path, tree: Mapping[str, Any]) -> list[Path]:
    """Folders of pictures that a YAML entry names; absolute ones of another machine are looked for here."""
    found = []
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, str) or "\0" in entry:
            continue
        words = [w for w in entry.replace("\\", "/").split("/") if w not in ("", ".", "..")]
        said = tree.get("path", "")
        base = (said if isinstance(said, str) else "").replace("\\", "/").strip("/").split("/")[-1]
        trials = [folder.joinpath(*words[i:]) for i in range(len(words))] + [folder.joinpath(base, *words)]
        trials += [t / "images" for t in trials]
        place = next((t for t in trials if t.is_dir() and pictures_in(t)), None)
        found += [place] if place is not None and place != folder else []
    return found


def _labels_of(images: Path) -> Path:
    """The last folder called images replaced by labels; the same folder where there is none."""
    parts = list(images.parts)
    for i in reversed(range(len(parts))):
        if parts[i].lower() in ("images", "imgs", "jpegimages"):
            labels = Path(*parts[:i], "labels", *parts[i + 1 :])
            if labels.is_dir():
                return labels
    beside = images.parent / "labels"
    return beside if beside.is_dir() and images.name.lower() == "images" else images


def _is_yolo(labels: Path) -> bool:
    """Whether most rows of the first label files are five numbers or more, of which the first one counts."""
    rows = [line.split() for file in _label_files(labels)[:_LOOKED_AT] for line in _lines(file)[:_LOOKED_AT]]
    right = sum(len(words) >= 5 and (k := number(words[0])) >= 0 and k.is_integer() for words in rows)
    return 2 * right > len(rows)


def _label_files(labels: Path) -> list[Path]:
    return [file for file in files_in(labels, ".txt") if file.name.lower() not in _NAME_FILES]


def _check_settings(path: Path) -> None:
    """Raises: DataError for a YAML file that cannot be read, since it may name the classes."""
    for file in [path] if path.is_file() else [*files_in(path, ".yaml"), *files_in(path, ".yml")]:
        try:
            yaml.safe_load(read_bytes(file, 1 << 20))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            first = " ".join(str(error).split())[:200]
            raise DataError(
                "this YAML file cannot be read, and it may name the classes",
                got=first,
                where=file,
                do="mend it, or take it away: the classes are then known by their numbers",
            ) from None


def _lines(file: Path) -> list[str]:
    try:
        text = read_bytes(file, _TEXT_LIMIT).decode("utf-8-sig", "replace")
    except DataError:
        return []
    return [line for line in text.splitlines() if line.strip()]


def _names(path: Path) -> tuple[str, ...] | None:
    """Classes in index order; None where no file names them.

    Raises: DataError for a name that is no word or number, or a number far above the count of names.
    """
    told = _settings(path).get("names")
    if isinstance(told, list):
        told = dict(enumerate(told))
    if isinstance(told, dict):
        numbers = {int(n): _name(v, path) for k, v in told.items() if math.isfinite(n := number(k))}
        last = max(numbers, default=-1)
        if last >= len(numbers) + _MOST_GAPS:
            raise DataError(
                "a class has a number far above the count of classes",
                got=last,
                allowed=f"{len(numbers)} names and up to {_MOST_GAPS} gaps",
                where=path,
                do="number the names from 0",
            )
        return tuple(numbers.get(k, str(k)) for k in range(last + 1))
    folder = path if path.is_dir() else path.parent
    for place in walk(folder, 1):
        for name in _NAME_FILES:
            if (place / name).is_file():
                return tuple(line.strip() for line in _lines(place / name))
    return None


def _name(value: object, path: Path) -> str:
    if not isinstance(value, str | int | float):  # a list may repeat itself by aliases without end
        raise DataError(
            "the name of a class is no word",
            got=type(value).__name__,
            allowed="names: [cat, dog], or names: {0: cat, 1: dog}",
            where=path,
            do="mend names in the YAML file",
        )
    return str(value)


def _boxes(file: Path, names: Sequence[str] | None, root: Path, skipped: Skipped) -> tuple[tuple[Box, ...], int]:
    """The boxes of a label file, and how many of its rows could not be read."""
    boxes, unread = [], 0
    for i, line in enumerate(_lines(file), start=1):
        cells = [number(word) for word in line.split()]
        if len(cells) < 5 or not math.isfinite(cells[0]) or (len(cells) > 6 and len(cells) % 2 == 0):
            skipped.add(f"{relative(file, root)}:{i}", "not a class and four numbers")
            unread += 1
            continue
        k = int(cells[0])
        label = str(k) if names is None else names[k] if 0 <= k < len(names) else f"number {k}"
        boxes.append(Box(label=label, corners=corners_of(cells[1:])))
    return tuple(boxes), unread


def corners_of(cells: Sequence[float]) -> tuple[float, float, float, float]:
    """x1, y1, x2, y2 of `cx cy w h` (and a score), or of the points of a polygon."""
    if len(cells) > 5:
        xs, ys = cells[0::2], cells[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    x, y, width, height = cells[:4]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


READER = Reader(
    name="yolo_boxes",
    layout="DATA/{data.yaml,images/{train,val}/*.jpg,labels/{train,val}/*.txt}",
    recognises=recognises,
    read=read,
    usual=True,
    sample="boxes",
    broken=broken,
)
