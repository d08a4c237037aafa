"""Where samples come from, read from what lies around them: folders, file names, days, groups, a column of a table."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from ..core.samples import PARTS
from ..data.row_scan import RowScan
from .check import View
from .names import stem_of

FEWEST, MOST = 20, 50  # samples that a source has at least, and sources at most: more would be people or scenes
COVERED = 0.8  # share of samples that belong to one of them
_COLUMN = re.compile(
    r"(source|site|camera|annotator|labell?er|rater|hospital|clinic|device|sensor|station|batch|operator|origin|来源|设备)",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"^[^\W\d_]{2,}")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """One way in which samples are told apart by where they come from.

    Attributes:
        kind: source, folder, name, day, group or column.
        names: S sources.
        of: (N,) int64, source of each sample, -1 unknown.
    """

    kind: str
    names: tuple[str, ...]
    of: np.ndarray


def origins_of(view: View) -> list[Origin]:
    """Every way that gives a few sources with enough samples, each once however it was found."""
    found: list[Origin] = []
    for kind, labels in _labels(view):
        origin = _origin(kind, labels, view)
        if origin is not None and not any(_alike(origin, known) for known in found):
            found.append(origin)
    return found


def _labels(view: View) -> Iterator[tuple[str, Sequence[str]]]:
    """(kind, (N,) name of the source or "") of each way."""
    index = view.index
    if index.source is not None:
        yield "source", [str(name) for name in index.source]
    if isinstance(view.scan, RowScan):
        for name, column in view.scan.columns.items():
            if column.kind == "category" and _COLUMN.search(name):
                yield "column", [f"{name} = {column.names[k]}" if k >= 0 else "" for k in column.values]
    if index.group is not None:
        yield "group", ["" if str(name).startswith("\0") else str(name) for name in index.group]
    if any(str(where) for where in index.where):
        names = [str(name) for name in index.id]
        yield "folder", [_folder(name, view.schema.classes) for name in names]
        for part in (_token, stem_of, _letters):
            yield "name", [part(name) for name in names]
        yield "day", [_day(str(where)) for where in index.where]
    if index.time is not None:
        yield "day", [_date(float(seconds)) for seconds in index.time]


def _origin(kind: str, labels: Sequence[str], view: View) -> Origin | None:
    counts = Counter(label for label, here in zip(labels, view.kept, strict=True) if label and here)
    names = sorted(name for name, count in counts.items() if count >= FEWEST)
    if not 2 <= len(names) <= MOST or sum(counts[name] for name in names) < COVERED * int(view.kept.sum()):
        return None
    place = {name: k for k, name in enumerate(names)}
    return Origin(kind=kind, names=tuple(names), of=np.array([place.get(label, -1) for label in labels], np.int64))


def _alike(origin: Origin, other: Origin) -> bool:
    pairs = {(int(a), int(b)) for a, b in zip(origin.of, other.of, strict=True)}
    return len(pairs) <= max(len(origin.names), len(other.names)) + 1


def _folder(name: str, classes: Sequence[str]) -> str:
    """The folders of a name that are neither a class nor a part."""
    known = {*classes, *PARTS, "valid", "validation", "training", "testing"}
    return "/".join(piece for piece in name.split("/")[:-1] if piece not in known)


def _token(name: str) -> str:
    """The first piece of a file name of several."""
    pieces = [piece for piece in re.split(r"[ _\-.]+", _base(name)) if piece]
    return pieces[0].lower() if len(pieces) > 1 else ""


def _letters(name: str) -> str:
    found = _LETTERS.match(_base(name))
    return found[0].lower() if found else ""


def _base(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0] or name.rpartition("/")[2]


def _day(where: str) -> str:
    try:
        return _date(os.stat(where).st_mtime)
    except OSError:
        return ""


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, OSError, ValueError):
        return ""
