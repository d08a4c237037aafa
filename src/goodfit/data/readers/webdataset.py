"""WebDataset: tar files, each sample a few members of one name: 0001.jpg, 0001.cls or 0001.json or 0001.txt.

Source: Aizman, Maltby and Breuel 2019, arXiv:2001.01252; the naming rules of the library webdataset.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..archives import is_archive, unpack
from ..images import ImageFiles
from ..reader import PLAIN, Context, Reader
from ..targets import MISSING, Label, Row, files_dataset
from ..texts import open_text
from .annotations import Skipped, files_in, folders_in, part_of, read_json, relative
from .class_folders import is_picture_name

_LABELS = (".cls", ".json", ".txt")
_KEYS = ("label", "cls", "class", "target", "category", "class_name", "labels", "tags")
_LOOKED_AT = 40  # members of the first tar file, files of the first folder


def recognises(path: Path, without: Path | None = None) -> str | None:
    """Tar files of such members, in the folder or in one a part; or such members, unpacked."""
    places = _places(path, without)
    if not places:
        return None
    kind = "tar files" if places[0][1].is_file() else "files, unpacked"
    return f"WebDataset, {len(places)} {kind}" if places[0][1].is_file() else f"WebDataset {kind}"


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageFiles:
    """Every picture with the label beside it: the text of .cls or .txt, or a field of .json.

    Raises: DataError if a tar file is damaged or hostile.
    """
    places = _places(path, context.without)
    if not places:
        raise DataError("no WebDataset files here", where=path, do="name the folder of the tar files")
    skipped, rows = Skipped(), list[Row]()
    for part, place in places:
        folder, head = place, relative(place, path) + "/" if place != path else ""
        if place.is_file():
            assert context.cache is not None  # `reading.read` gives one
            folder = unpack(place, context.cache)
        rows += _rows(folder, head, part, skipped)
    refused = [(row.id, "no_label") for row in rows if row.label is None and row.part != "test"]
    return files_dataset(
        [row for row in rows if row.label is not None or row.part == "test"],
        format=str(recognises(path, context.without)),
        target_name="label",
        context=context,
        notes=skipped.findings(),
        refused=refused,
    )


def _places(path: Path, without: Path | None) -> list[tuple[str, Path]]:
    """(part, tar file or folder of members)."""
    if not path.is_dir():
        return []
    hidden = os.path.realpath(without) if without else None
    tars = [(_part(file, path), file) for folder in (path, *folders_in(path)) for file in _tars(folder)]
    tars = [(part, file) for part, file in tars if os.path.realpath(file) != hidden]
    if tars:
        return tars if _is_packed(tars[0][1]) else []
    loose = [("" if f == path else part_of(f.name), f) for f in (path, *folders_in(path)) if _is_loose(f)]
    return [(part, f) for part, f in loose if os.path.realpath(f) != hidden and (part or f == path)]


def _part(file: Path, root: Path) -> str:
    return part_of(file.stem) or (part_of(file.parent.name) if file.parent != root else "")


def _tars(folder: Path) -> list[Path]:
    return [f for f in files_in(folder, "") if is_archive(f) and ".tar" in f.name.lower()]


def _is_packed(file: Path) -> bool:
    try:
        with tarfile.open(file) as archive:
            names = [entry.name for _, entry in zip(range(_LOOKED_AT), archive, strict=False)]
    except (tarfile.TarError, OSError, EOFError, ValueError):
        return False
    return _are_members(names)


def _is_loose(folder: Path) -> bool:
    """Whether unpacked members lie here; beside .cls only JSON files with a label count, for others may be boxes."""
    files = files_in(folder, "")[:_LOOKED_AT]
    if not _are_members([f.name for f in files]):
        return False
    if any(f.suffix.lower() == ".cls" for f in files):
        return True
    try:
        return _field(read_json(next(f for f in files if f.suffix.lower() == ".json"))) is not None
    except DataError:
        return False


def _are_members(names: list[str]) -> bool:
    """Whether pictures stand beside .cls or .json files of their names; .txt alone may be a caption or boxes."""
    keys = {_key(name) for name in names if is_picture_name(os.path.basename(name))}
    return bool(keys & {_key(name) for name in names if name.lower().endswith((".cls", ".json"))})


def _key(name: str) -> str:
    """Name up to the first dot behind the last slash: what the members of one sample share."""
    folder, _, base = name.rpartition("/")
    return f"{folder}/{base.partition('.')[0]}"


def _rows(folder: Path, head: str, part: str, skipped: Skipped) -> Iterator[Row]:
    members: dict[str, dict[str, Path]] = {}
    for file in _files_below(folder):
        members.setdefault(_key(relative(file, folder)), {})[file.suffix.lower()] = file
    for found in members.values():
        for file in found.values():
            if is_picture_name(file.name):
                label = _label(found, skipped)
                yield Row(id=head + relative(file, folder), where=str(file), label=label, part=part)


def _files_below(folder: Path) -> Iterator[Path]:
    yield from files_in(folder, "")
    for inner in folders_in(folder):
        yield from _files_below(inner)


def _label(found: Mapping[str, Path], skipped: Skipped) -> Label:
    for suffix in _LABELS:
        if suffix in found:
            try:
                if suffix != ".json":
                    text = open_text(found[suffix]).strip()
                    return None if text in MISSING else text
                return _field(read_json(found[suffix]))
            except DataError as error:
                skipped.add(found[suffix].name, f"{error.wrong}: {error.got}")
    return None


def _field(tree: object) -> Label:
    """The label in an object, or the object itself where it is a number or text."""
    value = next((tree[key] for key in _KEYS if key in tree), None) if isinstance(tree, dict) else tree
    if isinstance(value, list):
        return tuple(map(str, value))
    if isinstance(value, bool) or value is None:
        return None if value is None else str(int(value))
    return float(value) if isinstance(value, float) else str(value) if isinstance(value, int | str) else None


READER = Reader(
    name="webdataset",
    layout="DATA/*.tar with members 0001.jpg and 0001.cls (or .json, .txt) each, also in folders train, val, test",
    recognises=recognises,
    read=read,
)
