"""Lists of pictures as PaddleX, PaddleClas and Caffe read them: a line `path label` each, and a file of class names.

Sources: PaddleX's data description (train_list.txt, val_list.txt, labels.txt) and PaddleClas' (train_list.txt,
label_list.txt; several labels as `path<TAB>0,1,1`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import is_inside
from ..images import ImageFiles
from ..reader import PLAIN, Context, Reader
from ..targets import Label, Row, files_dataset
from ..texts import open_text
from .annotations import Skipped, files_in, relative
from .class_folders import PART_NAMES, is_picture_name

_NAMES = (
    "labels.txt",
    "label.txt",
    "label_list.txt",
    "classes.txt",
    "class_names.txt",
    "names.txt",
    "synset_words.txt",
)
_LOOKED_AT = 50  # lines of a list
_SHARE = 0.9  # of them that must name a picture and a label


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a list: where it stands, the picture's path, its label as written."""

    number: int
    path: str
    label: str


def recognises(path: Path, without: Path | None = None) -> str | None:
    """train_list.txt (or train.txt) and its kin, whose lines lead to pictures; or one such file."""
    files = _files(path, without)
    return f"lists of pictures in {', '.join(file.name for file in files.values())}" if files else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageFiles:
    """One line a picture; a number is the place of its class in the file of names, counted from 0.

    Raises: DataError if no list is here.
    """
    files = _files(path, context.without)
    if not files:
        raise DataError("no list of pictures here", where=path, allowed="lines of `path label`", do="name the list")
    root = context.root or (path if path.is_dir() else path.parent)
    names, skipped = _class_names(root), Skipped()
    lists = {part: _lines(file, skipped) for part, file in files.items()}
    codes = [line.label for lines in lists.values() for line in lines]
    several = bool(codes) and all("," in code and set(code) <= set("01,") for code in codes)
    rows: list[Row] = []
    refused: list[tuple[str, str]] = []
    for part, lines in lists.items():
        for line in lines:
            where = os.path.normpath(os.path.join(files[part].parent, line.path))
            if not is_inside(where, root):
                refused.append((f"{files[part].name}:{line.number} {line.path}", "outside"))
                continue
            label = _flags(line.label, names) if several else _name(line.label, names)
            rows.append(Row(id=relative(where, root), where=where, label=label, part=part))
    return files_dataset(
        rows,
        format=str(recognises(path, context.without)),
        target_name="label",
        context=context,
        classes=names if several and names else None,
        named=bool(names) or _are_words(codes),
        notes=skipped.findings(),
        refused=refused,
    )


def _files(path: Path, without: Path | None) -> dict[str, Path]:
    """Given part -> list."""
    if path.is_file():
        return {"": path} if path.suffix.lower() == ".txt" and _is_list(path) else {}
    if not path.is_dir():
        return {}
    hidden = os.path.realpath(without) if without else None
    found: dict[str, Path] = {}
    for file in files_in(path, ".txt"):
        part = PART_NAMES.get(file.stem.lower().removesuffix("_list").removesuffix("list"))
        if part and part not in found and os.path.realpath(file) != hidden and _is_list(file):
            found[part] = file
    return {part: found[part] for part in ("train", "val", "test") if part in found} if "train" in found else {}


def _is_list(file: Path) -> bool:
    """Whether nearly all of the first lines are `path label`, and one of the paths is there."""
    try:
        with open(file, "rb") as opened:
            head = opened.read(1 << 16).decode("utf-8", "replace")
    except OSError:
        return False
    lines = [line for line in head.splitlines()[:_LOOKED_AT] if line.strip()]
    pairs = [pair for line in lines if (pair := _split(line)) is not None]
    there = any("\0" not in path and os.path.isfile(os.path.join(file.parent, path)) for path, _ in pairs)
    return bool(lines) and len(pairs) >= _SHARE * len(lines) - 1 and there


def _lines(file: Path, skipped: Skipped) -> list[Line]:
    found = []
    for number, text in enumerate(open_text(file, whole=True).splitlines(), start=1):
        pair = _split(text)
        if pair is not None:
            found.append(Line(number=number, path=pair[0], label=pair[1]))
        elif text.strip():
            skipped.add(f"{file.name}:{number}", "no `path label`")
    return found


def _split(line: str) -> tuple[str, str] | None:
    """(path, label); blanks may stand in a path, for the label is what follows the last one, or a tab."""
    path, _, label = line.strip().lstrip("\ufeff").replace("\\", "/").rpartition("\t" if "\t" in line else " ")
    path, label = path.strip().strip('"'), label.strip()
    return (path, label) if is_picture_name(os.path.basename(path)) and label else None


def _class_names(root: Path) -> list[str]:
    """Names in index order; lines may be `name`, `0 name` or `name,`; [] where no file names them."""
    for name in _NAMES:
        if (root / name).is_file():
            lines = [line.strip() for line in open_text(root / name).splitlines() if line.strip()]
            numbered = all(line.split()[0] == str(k) and len(line.split()) > 1 for k, line in enumerate(lines))
            return [line.split(maxsplit=1)[1] if numbered else line for line in lines]
    return []


def _name(label: str, names: Sequence[str]) -> Label:
    return names[int(label)] if label.isdecimal() and len(label) < 9 and int(label) < len(names) else label


def _flags(label: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(_word(k, names) for k, flag in enumerate(label.split(",")) if flag == "1")


def _word(k: int, names: Sequence[str]) -> str:
    return names[k] if k < len(names) else str(k)


def _are_words(labels: Sequence[str]) -> bool:
    """Whether labels are the numbers of classes or words, not measurements: none has a decimal point."""
    return not any("." in label for label in labels)


READER = Reader(
    name="list_files",
    layout="DATA/train_list.txt (val_list.txt, test_list.txt) with lines `path label`, and labels.txt with class names",
    recognises=recognises,
    read=read,
)
