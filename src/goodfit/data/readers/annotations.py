"""What readers of annotation files share: files by part, JSON and XML that may be hostile, what was skipped.

Source: entity expansion and external entities in XML, CWE-776 and CWE-611; both need a document type, so none is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from ...core.errors import DataError, printable
from ...core.finding import Finding
from ..picture import SUFFIXES
from .class_folders import PART_NAMES, is_junk

BYTE_LIMIT = 2 << 30  # no annotation file needs more
XML_LIMIT = 16 << 20  # one picture's objects
_DEEP = 64  # levels of nested elements


@dataclass
class Skipped:
    """Annotation files and rows that could not be read: (name, what was wrong)."""

    entries: list[tuple[str, str]] = field(default_factory=list)

    def add(self, where: object, wrong: str) -> None:
        """Note one."""
        self.entries.append((printable(where, 200), wrong))

    def findings(self) -> list[Finding]:
        """One finding for all of them."""
        if not self.entries:
            return []
        shown = "; ".join(f"{name}: {printable(wrong, 100)}" for name, wrong in self.entries[:5])
        numbers = {"count": len(self.entries), "shown": shown}
        ids = tuple(name for name, _ in self.entries[:1000])
        return [Finding(code="GF-D060", severity="warning", numbers=numbers, ids=ids)]


def part_of(words: str) -> str:
    """The part that a file or folder name speaks of: `instances_train2017`, `valid`, `test`; "" where it names none."""
    for word in reversed("".join(c if c.isalpha() else " " for c in words.lower()).split()):
        if word in PART_NAMES:
            return PART_NAMES[word]
    return ""


def files_in(folder: Path, suffix: str) -> list[Path]:
    """Files of a suffix directly in a folder, by name, those of systems left out."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [folder / n for n in names if n.lower().endswith(suffix) and not is_junk(n) and (folder / n).is_file()]


def folders_in(folder: Path) -> list[Path]:
    """Folders directly in a folder, by name, links and those of systems left out."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    return [Path(e.path) for e in entries if not is_junk(e.name) and e.is_dir(follow_symlinks=False)]


def pictures_in(folder: Path) -> list[Path]:
    """Picture files directly in a folder, by name."""
    return [path for path in files_in(folder, "") if path.suffix.lower() in SUFFIXES]


def relative(path: str | Path, root: Path) -> str:
    """The path inside the root with forward slashes, as an id."""
    return os.path.relpath(path, root).replace(os.sep, "/")


def read_bytes(path: Path, limit: int = BYTE_LIMIT) -> bytes:
    """The bytes of an annotation file. Raises: DataError if it cannot be read or is too large."""
    try:
        if path.stat().st_size > limit:
            raise DataError(
                "this annotation file is too large",
                got=path.stat().st_size,
                allowed=f"{limit} bytes",
                where=path,
                do="split it, one file a part",
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            "this annotation file cannot be read", got=error.strerror, where=path, do="check its permissions"
        ) from None


def read_json(path: Path) -> Any:
    """The values of a JSON file. Raises: DataError naming the file and the place where it breaks."""
    try:
        return json.loads(read_bytes(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError("this is no valid JSON", got=error, where=path, do="write the file again") from None


@dataclass
class Node:
    """An element of an XML file: its text, its attributes, and the elements inside, by name in lower case."""

    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    inside: dict[str, list[Node]] = field(default_factory=dict)

    def all(self, name: str) -> Sequence[Node]:
        """Elements of a name, in order."""
        return self.inside.get(name, ())

    def one(self, *names: str) -> str:
        """Text at the end of a path of names; "" where it is not there."""
        here: Node | None = self
        for name in names:
            here = next(iter(here.all(name)), None) if here is not None else None
        return here.text.strip() if here is not None else ""


class _Refused(Exception):
    """The XML file asks for what is not read here."""


def read_xml(path: Path, limit: int = XML_LIMIT) -> Node:
    """The root element of an XML file. Raises: DataError if it is broken, too large or has a document type."""
    parser = expat.ParserCreate()
    root = Node()
    stack = [root]

    def refuse(*args: Any) -> None:
        raise _Refused("it has a document type, which could hide entities")

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEP:
            raise _Refused("its elements are nested too deep")
        node = Node(attributes=attributes)
        stack[-1].inside.setdefault(name.lower(), []).append(node)
        stack.append(node)

    def end(name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].text += data

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.buffer_text = True
    try:
        parser.Parse(read_bytes(path, limit), True)
    except (expat.ExpatError, _Refused, ValueError, LookupError) as error:
        raise DataError("this XML file cannot be read", got=error, where=path, do="write the file again") from None
    return next(iter(next(iter(root.inside.values()))))


def number(value: object) -> float:
    """A finite or infinite number, NaN where the value is none or too large for one."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def size_of(height: object, width: object) -> tuple[int, int] | None:
    """(height, width) in whole pixels as annotated; None where they are no sides of a picture."""
    sides = number(height), number(width)
    return (int(sides[0]), int(sides[1])) if all(1 <= side < 1e9 for side in sides) else None


def place_of(name: str, root: Path, folders: Sequence[Path]) -> str:
    """Path of a picture that an annotation names, looked for from several folders; "" where the name is no path.

    Args:
        name: as written, with slashes of either kind; an address or a path of another machine keeps its tail.
        root: what a picture that is not there is said to lie in.
        folders: where the name may start from.
    """
    words = [word for word in name.replace("\\", "/").split("/") if word not in ("", ".", "..")]
    if not words or "\0" in name:
        return ""
    trials = (os.path.join(folder, *words[i:]) for i in range(len(words)) for folder in folders)
    return next((trial for trial in trials if os.path.isfile(trial)), os.path.join(root, *words))


def walk(folder: Path, depth: int = 2) -> Iterator[Path]:
    """A folder and the folders below it down to a depth, shallow ones first."""
    level = [folder]
    for _ in range(depth + 1):
        yield from level
        level = [inner for here in level for inner in folders_in(here)]
