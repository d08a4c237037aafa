"""Text files in folders named after their class, as the IMDb reviews come.

Source: the layout of Maas et al. 2011, "Learning Word Vectors for Sentiment Analysis": {train,test}/{pos,neg}/*.txt,
and train/unsup with texts that have no label.
"""

from __future__ import annotations

import os
from pathlib import Path

from ...core.errors import DataError
from ...core.finding import Finding
from ...core.recipe import DataSection
from ..reader import PLAIN, Context, Reader
from ..targets import Row
from ..texts import Texts, open_text, text_dataset
from .class_folders import Wanted, has_files, is_junk, layout_of, rows_of

_SUFFIXES = frozenset({".txt", ".text", ".md"})
_UNLABELLED = frozenset({"unsup", "unlabeled", "unlabelled"})


def is_text_name(name: str) -> bool:
    """Whether the suffix is that of a plain text."""
    return os.path.splitext(name)[1].lower() in _SUFFIXES and not is_junk(name)


WANTED = Wanted(name=is_text_name, content=lambda path: False, otherwise="not_text")


def recognises(path: Path, without: Path | None = None) -> str | None:
    """Class folders of texts, with the parts that they are given in."""
    if not path.is_dir():
        return None
    layout = [(part, folder) for part, folders in layout_of(path, without, is_text_name) for folder in folders]
    if not any(has_files(folder, is_text_name) for _, folder in layout):
        return None
    parts = sorted({part for part, _ in layout if part}, key=("train", "val", "test").index)
    return "class folders of texts" + (f" in {', '.join(parts)}" if parts else "")


def read(path: Path, section: DataSection, context: Context = PLAIN) -> Texts:
    """Every text below each class folder; a folder of texts without labels (`unsup`) is left out.

    Raises: DataError if a folder holds a link to a folder above itself.
    """
    rows, walk = rows_of(path, context, WANTED, lambda name: name.lower() in _UNLABELLED)
    kept: list[Row] = []
    texts: list[str] = []
    for row in rows:
        try:
            texts.append(open_text(row.where))
            kept.append(row)
        except DataError:
            walk.refused.append((row.id, "unreadable"))
    return text_dataset(
        kept,
        texts,
        format=recognises(path, context.without) or "a folder of texts",
        target_name="folder",
        context=context,
        named=True,
        notes=[*walk.findings(), *_left_out(path, walk.overlooked)],
        refused=walk.refused,
    )


def _left_out(path: Path, folders: list[str]) -> list[Finding]:
    """A Finding for texts that have no label by the name of their folder."""
    if not folders:
        return []
    count = sum(is_text_name(entry.name) for name in folders for entry in os.scandir(path / name))
    numbers = {"count": count, "names": ", ".join(folders)}
    return [Finding(code="GF-D047", severity="info", numbers=numbers, ids=tuple(folders))]


READER = Reader(
    name="text_folders",
    layout="DATA/<class>/*.txt, or DATA/{train,val,test}/<class>/*.txt",
    recognises=recognises,
    read=read,
    usual=True,
    sample="text",
    bare=True,
)
