"""Lines that begin with their labels, as fastText reads them: `__label__sport __label__news the text`.

Source: the fastText documentation, "supervised learning": labels are words with the prefix __label__.
"""

from __future__ import annotations

import os
from pathlib import Path

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..reader import PLAIN, Context, Reader
from ..targets import Label, Row
from ..texts import Texts, open_text, text_dataset
from .class_folders import PART_NAMES, is_junk

MARK = "__label__"
_SUFFIXES = (".txt", ".ft", ".fasttext", ".train", ".valid", ".val", ".test")
_LOOKED_AT = 1 << 16  # bytes at the beginning of a file
_SHARE = 0.9  # of its lines that begin with a label


def recognises(path: Path, without: Path | None = None) -> str | None:
    """A file of such lines, or one a part in a folder."""
    files = _files_of(path, without)
    return "fastText lines in " + ", ".join(file.name for file in files.values()) if files else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Texts:
    """One line a text; several labels a line make a multi-label target."""
    files = _files_of(path, context.without)
    if not files:
        raise DataError("no line here begins with a label", where=path, allowed=f"{MARK}name text", do="name the file")
    rows: list[Row] = []
    texts: list[str] = []
    refused: list[tuple[str, str]] = []
    found: list[tuple[str, str, tuple[str, ...], str]] = []
    for part, file in files.items():
        for number, line in enumerate(_lines(file), start=1):
            if line.strip():
                labels, text = _parsed(line)
                found.append((f"{file.name}:{number}", part, labels, text))
    several = any(len(labels) > 1 for _, _, labels, _ in found)
    for name, part, labels, text in found:
        if not text:
            refused.append((name, "empty"))
            continue
        label: Label = labels if several else labels[0] if labels else None
        rows.append(Row(id=name, where="", label=label, part=part))
        texts.append(text)
    return text_dataset(
        rows,
        texts,
        format=str(recognises(path, context.without)),
        target_name=MARK,
        context=context,
        named=not several,
        refused=refused,
    )


def texts_of(path: Path) -> list[tuple[str, str]] | None:
    """(line number, text without its labels) of a file of such lines; None if it is no such file."""
    if not _is_marked(path):
        return None
    return [(str(n), _parsed(line)[1]) for n, line in enumerate(_lines(path), start=1) if line.strip()]


def _lines(file: Path) -> list[str]:
    return open_text(file, whole=True).split("\n")


def _parsed(line: str) -> tuple[tuple[str, ...], str]:
    """Labels at the beginning of a line, and its text."""
    labels = []
    rest = line.strip()
    while rest.startswith(MARK):
        word, _, rest = rest.partition(" ")
        labels.append(word[len(MARK) :].strip(","))
        rest = rest.lstrip()
    return tuple(label for label in labels if label), rest


def _files_of(path: Path, without: Path | None) -> dict[str, Path]:
    """Given part -> file; the part of a lone file is ""."""
    if path.is_file():
        return {"": path} if _is_marked(path) else {}
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        return {}
    hidden = os.path.realpath(without) if without else None
    found = [f for f in sorted(path.iterdir()) if not is_junk(f.name) and os.path.realpath(f) != hidden]
    found = [f for f in found if f.suffix.lower() in _SUFFIXES and f.is_file() and _is_marked(f)]
    parted = {PART_NAMES[word]: f for f in found if (word := _part_word(f)) in PART_NAMES}
    if "train" in parted:
        return {part: parted[part] for part in ("train", "val", "test") if part in parted}
    return {"": found[0]} if len(found) == 1 else {}


def _part_word(file: Path) -> str:
    """train of train.txt, of reviews.train and of reviews_train.txt."""
    stem, suffix = file.stem.lower(), file.suffix.lower()[1:]
    return suffix if suffix in PART_NAMES else stem.replace("-", "_").rpartition("_")[2]


def _is_marked(file: Path) -> bool:
    try:
        with open(file, "rb") as opened:
            head = opened.read(_LOOKED_AT)
    except OSError:
        return False
    lines = [line for line in head.split(b"\n")[: 1 if b"\n" not in head else -1] if line.strip()]
    marked = sum(line.lstrip(b"\xef\xbb\xbf \t").startswith(MARK.encode()) for line in lines)
    return bool(lines) and marked >= _SHARE * len(lines)


READER = Reader(
    name="fasttext",
    layout="DATA.txt with a line a text, its labels before it: __label__good a fine film; or train.txt and test.txt",
    recognises=recognises,
    read=read,
    sample="text",
)
