"""What Label Studio's JSON says: a list of tasks, each with its data and the results of its annotators.

Source: the documentation of Label Studio, "Label Studio JSON format of annotated tasks" and JSON-MIN; corners are
percentages of the picture's sides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ...core.errors import DataError
from .annotations import files_in, place_of, read_json, walk

_HEAD = 1 << 18  # bytes in which the words of the format are looked for
_MARKS = (b'"annotations"', b'"completions"', b'"annotator"', b'"annotation_id"')
_TEXTS = ("text", "review", "content", "sentence", "title")


@dataclass(frozen=True, kw_only=True)
class StudioTask:
    """One task.

    Attributes:
        number: its place in the file, from 1.
        data: what was shown, such as {"image": ...} or {"text": ...}.
        results: what was marked in the annotation that counts; None where nobody has annotated it.
    """

    number: int
    data: Mapping[str, Any]
    results: tuple[Mapping[str, Any], ...] | None


def studio_file(path: Path, without: Path | None, word: bytes) -> Path | None:
    """The JSON file here that speaks of such results.

    Args:
        path: a file or a folder.
        without: to be overlooked, or None.
        word: a word that the results must have, for example b'"rectanglelabels"'.
    """
    hidden = os.path.realpath(without) if without else None
    files = [path] if path.is_file() else [f for folder in walk(path, 1) for f in files_in(folder, ".json")[:50]]
    for file in files if path.exists() else ():
        if file.suffix.lower() == ".json" and os.path.realpath(file) != hidden and _speaks(file, word):
            return file
    return None


def _speaks(file: Path, word: bytes) -> bool:
    try:
        with open(file, "rb") as opened:
            head = opened.read(_HEAD)
    except OSError:
        return False
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"[") and word in head and any(m in head for m in _MARKS)


def studio_tasks(file: Path) -> Iterator[StudioTask]:
    """The tasks of a file, in order; of several annotations the last one that was not cancelled counts.

    Raises: DataError if it is no list of objects.
    """
    tree = read_json(file)
    if not isinstance(tree, list) or not all(isinstance(entry, dict) for entry in tree):
        raise DataError("this JSON file is no list of tasks", where=file, do="export it from Label Studio as JSON")
    for i, entry in enumerate(tree, start=1):
        data = entry.get("data")
        yield (
            StudioTask(number=i, data=data, results=_results(entry))
            if isinstance(data, dict)
            else StudioTask(number=i, data=entry, results=_shortened(entry))
        )


def text_of(data: Mapping[str, Any]) -> str | None:
    """The text of a task: of a usual name, else its only text."""
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    return next((texts[key] for key in _TEXTS if key in texts), None)


def picture_of(data: Mapping[str, Any], root: Path, file: Path) -> str:
    """Path of the picture of a task; its name may be an address, and uploads bear a mark before their name."""
    said = next((v for key in ("image", "img", "picture", "url") if isinstance(v := data.get(key), str)), "")
    said = said or next((v for v in data.values() if isinstance(v, str)), "")
    address = urlsplit(said) if "://" in said or said.startswith("/data/") else None
    if address is not None:
        said = (parse_qs(address.query).get("d") or [unquote(address.path)])[0]
    folders = [file.parent, file.parent / "images", *walk(root, 2)]
    where = place_of(said, root, folders)
    head, _, tail = os.path.basename(said).partition("-")
    if not os.path.isfile(where) and tail and len(head) == 8:
        where = place_of(tail, root, folders)
    return where


def _results(entry: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...] | None:
    done = entry.get("annotations") or entry.get("completions") or []
    good = [a for a in done if isinstance(a, dict) and not a.get("was_cancelled") and isinstance(a.get("result"), list)]
    return tuple(r for r in good[-1]["result"] if isinstance(r, dict)) if good else None


def _shortened(entry: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Results of the short form, whose values stand beside the data."""
    found: list[Mapping[str, Any]] = []
    for value in entry.values():
        for shape in value if isinstance(value, list) else ():
            if isinstance(shape, dict):
                sides = {key: shape[key] for key in ("original_width", "original_height") if key in shape}
                found.append({"type": "", "value": shape, **sides})
    told = entry.get("choice") or entry.get("sentiment") or entry.get("label")
    if isinstance(told, str):
        found.append({"type": "choices", "value": {"choices": [told]}})
    elif isinstance(told, dict) and isinstance(told.get("choices"), list):
        found.append({"type": "choices", "value": told})
    return tuple(found)
