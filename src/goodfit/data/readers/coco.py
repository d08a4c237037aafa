"""COCO annotation files: one JSON a part, with images, annotations and categories.

Source: Lin et al. 2014, "Microsoft COCO", arXiv:1405.0312; the data format page of cocodataset.org; Roboflow's export
`<part>/_annotations.coco.json`.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import Box, Picture, boxes_dataset
from ..boxes import Boxes
from ..reader import PLAIN, Context, Reader
from ..targets import class_names
from .annotations import Skipped, files_in, folders_in, number, part_of, pictures_in, read_json, relative, size_of, walk

_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_HEAD = 1 << 16  # bytes at either end in which the three keys are looked for
_LOOKED_AT = 50


def recognises(path: Path, without: Path | None = None) -> str | None:
    """JSON files with images, annotations and categories, whose annotations have boxes."""
    files = coco_files(path, without)
    if not files or not any(_has_boxes(file) for file in files.values()):
        return None
    parts = [part for part in ("train", "val", "test") if part in files]
    return (
        "COCO boxes" + (f" in {', '.join(parts)}" if parts else "") + f" ({', '.join(f.name for f in files.values())})"
    )


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Boxes:
    """Every picture that the files list, with its boxes.

    Raises: DataError if a file is no COCO file, or no picture is found.
    """
    files = coco_files(path, context.without)
    if not files:
        raise DataError("no COCO file here", where=path, do="name the JSON file or its folder")
    root = context.root or (path if path.is_dir() else path.parent)
    trees = {part: _tree(file) for part, file in files.items()}
    names = {part: _categories(tree) for part, tree in trees.items()}
    skipped = Skipped()
    pictures, bases = list[Picture](), list[Path]()
    for part, tree in trees.items():
        found, base = _pictures(tree, names[part], files[part], part, root, skipped)
        pictures += found
        bases += [base] if found and base != root else []
    pictures += _loose(pictures, bases, root)
    used = {box.label for p in pictures for box in p.boxes or ()}
    known = class_names(name for table in names.values() for name in table.values() if name in used)
    return boxes_dataset(
        pictures,
        format=str(recognises(path, context.without) or "COCO boxes"),
        context=context,
        root=root,
        classes=known,
        notes=skipped.findings(),
    )


def annotated(file: Path, part: str, root: Path, skipped: Skipped) -> list[tuple[Picture, list[str]]]:
    """The pictures that one file lists, each with the classes of its annotations, boxes or not.

    Raises: DataError if it is no COCO file.
    """
    tree = _tree(file)
    names = _categories(tree)
    labels: dict[object, list[str]] = defaultdict(list)
    for entry in tree["annotations"]:
        if isinstance(entry, dict) and "image_id" in entry and "category_id" in entry:
            category = _key(entry["category_id"])
            labels[_key(entry["image_id"])].append(names.get(category, f"id {category}"))
    images = _listed(tree, file, skipped)
    base = _base(images, file, root)
    return [(_picture(e, [], 0, base, part, root), labels.get(_key(e["id"]), [])) for e in images]


def broken(path: Path, without: Path | None = None) -> DataError | None:
    """A JSON file that speaks of boxes or bears the name of a COCO file, and is none."""
    hidden = os.path.realpath(without) if without else None
    for folder in walk(path, 1) if path.is_dir() else ():
        for file in files_in(folder, ".json")[:200]:
            inside = hidden is not None and (os.path.realpath(file) + os.sep).startswith(hidden + os.sep)
            if not inside and _is_meant(file):
                try:
                    _tree(file)
                except DataError as error:
                    return error
    return None


def _is_meant(file: Path) -> bool:
    named = file.name.lower().startswith(("instances", "_annotations"))
    return named or any(b'"bbox"' in part for part in _ends(file))


def _has_boxes(file: Path) -> bool:
    """Whether the first or last bytes speak of boxes, or too little is seen of the annotations to tell."""
    return any(b'"bbox"' in part for part in _ends(file)) or not any(b'"category_id"' in part for part in _ends(file))


def coco_files(path: Path, without: Path | None) -> dict[str, Path]:
    """Given part -> COCO file; "" where the name tells none.

    Args:
        path: a JSON file or a folder.
        without: a file or folder to overlook, or None.
    """
    if path.is_file():
        return {"": path} if path.suffix.lower() == ".json" and _looks_right(path) else {}
    if not path.is_dir():
        return {}
    hidden = os.path.realpath(without) if without else None
    found: dict[str, Path] = {}
    for folder in walk(path, 1):
        for file in files_in(folder, ".json")[:200]:
            inside = hidden is not None and (os.path.realpath(file) + os.sep).startswith(hidden + os.sep)
            if inside or not _looks_right(file):
                continue
            part = part_of(file.stem) or (part_of(folder.name) if folder != path else "")
            if part not in found or _rank(file) < _rank(found[part]):
                found[part] = file
        if found:
            break
    for folder in folders_in(path) if not found or set(found) <= {"train", "val", "test"} else ():  # Roboflow
        for file in files_in(folder, ".json")[:20]:
            part = part_of(folder.name)
            if part and part not in found and _looks_right(file):
                found[part] = file
    return {part: found[part] for part in ("", "train", "val", "test") if part in found}


def _rank(file: Path) -> tuple[bool, str]:
    """Instances before key points and captions of the same pictures."""
    return (not file.stem.lower().startswith(("instances", "_annotations")), file.name)


def _looks_right(file: Path) -> bool:
    if file.name.lower().startswith(("captions_", "person_keypoints_")):
        return False
    ends = _ends(file)
    return sum(any(key in part for part in ends) for key in _KEYS) >= 2


def _ends(file: Path) -> tuple[bytes, bytes]:
    """The first and the last bytes of a file; empty where it cannot be read."""
    try:
        with open(file, "rb") as handle:
            head = handle.read(_HEAD)
            handle.seek(max(0, os.fstat(handle.fileno()).st_size - _HEAD))
            return head, handle.read(_HEAD)
    except OSError:
        return b"", b""


def _tree(file: Path) -> Mapping[str, Any]:
    tree = read_json(file)
    if not isinstance(tree, dict) or not all(isinstance(tree.get(k), list) for k in ("images", "annotations")):
        raise DataError(
            "this JSON file is no COCO file",
            got=", ".join(list(tree)[:10]) if isinstance(tree, dict) else type(tree).__name__,
            allowed="an object with the lists images, annotations and categories",
            where=file,
            do="export the annotations again",
        )
    return tree


def _categories(tree: Mapping[str, Any]) -> dict[object, str]:
    entries = tree.get("categories") or []
    return {_key(e["id"]): str(e.get("name", e["id"])) for e in entries if isinstance(e, dict) and "id" in e}


def _key(value: object) -> object:
    """An id as JSON writers give it, number or text."""
    return str(value)


def _pictures(
    tree: Mapping[str, Any], names: Mapping[object, str], file: Path, part: str, root: Path, skipped: Skipped
) -> tuple[list[Picture], Path]:
    """The pictures that one file lists, and the folder that their names start from."""
    boxes, unread = _boxes(tree["annotations"], names, file, skipped)
    images = _listed(tree, file, skipped)
    listed = {_key(entry["id"]) for entry in images}
    if strangers := [str(key) for key in boxes if key not in listed]:
        count = sum(len(found) for key, found in boxes.items() if key not in listed)
        raise DataError(
            "annotations name pictures that the file does not list",
            got=f"image_id {', '.join(strangers[:10])} ({count} boxes)",
            allowed=f"the ids of its {len(listed)} images",
            where=file,
            do="add these pictures to images, or take their annotations away",
        )
    base = _base(images, file, root)
    found = []
    for entry in images:
        key = _key(entry["id"])
        found.append(_picture(entry, boxes.get(key, []), unread[key], base, part, root))
    return found, base


def _listed(tree: Mapping[str, Any], file: Path, skipped: Skipped) -> list[Mapping[str, Any]]:
    """Entries of pictures that can be used. Raises: DataError where two have one id."""
    images: list[Mapping[str, Any]] = [
        e for e in tree["images"] if isinstance(e, dict) and "file_name" in e and "id" in e
    ]
    if len(images) < len(tree["images"]):
        skipped.add(file.name, f"{len(tree['images']) - len(images)} entries of images without id or file_name")
    times = Counter(_key(entry["id"]) for entry in images)
    if twice := [str(key) for key, count in times.items() if count > 1]:
        raise DataError(
            "several pictures have one id, so nobody can tell whose the boxes are",
            got=f"id {', '.join(twice[:10])}",
            allowed="an id of its own for each entry of images",
            where=file,
            do="number the images anew, in their annotations too",
        )
    return images


def _loose(listed: Sequence[Picture], bases: Sequence[Path], root: Path) -> list[Picture]:
    """Pictures beside the listed ones that no file lists, each once; of no part, for parts may share one folder."""
    known = {os.path.realpath(p.where) for p in listed if "\0" not in p.where}
    alone = [p for base in dict.fromkeys(bases) for p in pictures_in(base) if os.path.realpath(p) not in known]
    return [Picture(id=relative(p, root), where=str(p), boxes=None) for p in alone]


def _boxes(
    annotations: Sequence[Any], names: Mapping[object, str], file: Path, skipped: Skipped
) -> tuple[dict[object, list[Box]], Counter[object]]:
    """Boxes of each picture, and how many annotations of it could not be read."""
    boxes: dict[object, list[Box]] = defaultdict(list)
    unread: Counter[object] = Counter()
    for i, entry in enumerate(annotations):
        if not isinstance(entry, dict) or "image_id" not in entry:
            skipped.add(f"{file.name}: annotation {i}", "no image_id")
            continue
        corners = entry.get("bbox")
        if not isinstance(corners, list) or len(corners) != 4:
            skipped.add(f"{file.name}: annotation {entry.get('id', i)}", "no bbox of four numbers")
            unread[_key(entry["image_id"])] += 1
            continue
        x, y, width, height = (number(c) for c in corners)
        category = _key(entry.get("category_id"))
        boxes[_key(entry["image_id"])].append(
            Box(
                label=names.get(category, f"id {category}"),
                corners=(x, y, x + width, y + height),
                crowd=bool(entry.get("iscrowd")),
            )
        )
    return boxes, unread


def _picture(entry: Mapping[str, Any], boxes: list[Box], unread: int, base: Path, part: str, root: Path) -> Picture:
    where = os.path.normpath(os.path.join(base, str(entry["file_name"]).replace("\\", "/")))
    size = size_of(entry.get("height"), entry.get("width"))
    return Picture(id=relative(where, root), where=where, boxes=tuple(boxes), part=part, size=size, unread=unread)


def _base(images: Sequence[Mapping[str, Any]], file: Path, root: Path) -> Path:
    """The folder that the names lead to most pictures from."""
    names = [str(e["file_name"]).replace("\\", "/") for e in images[:: max(1, len(images) // _LOOKED_AT)]]
    best = (-1, root)
    for folder in (file.parent, *(f for f in walk(root, 2) if f != file.parent)):
        hits = sum("\0" not in name and os.path.isfile(os.path.join(folder, name)) for name in names)
        best = max(best, (hits, folder), key=lambda pair: pair[0])
        if hits == len(names):
            break
    return best[1]


READER = Reader(
    name="coco",
    layout="DATA/annotations/instances_{train,val}.json beside the folders of pictures; or DATA/{train,valid,test}/"
    "_annotations.coco.json; or the JSON file itself",
    recognises=recognises,
    read=read,
    usual=True,
    sample="boxes",
    broken=broken,
)
