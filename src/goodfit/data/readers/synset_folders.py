"""ImageNet as it is handed out: folders named by WordNet numbers, translated by a file of synsets, val in one folder.

Sources: Russakovsky et al. 2015, arXiv:1409.0575 (LOC_synset_mapping.txt, LOC_val_solution.csv of the Kaggle copy);
Tiny ImageNet of CS231n (words.txt, val/val_annotations.txt).
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..images import ImageFiles
from ..reader import PLAIN, Context, Reader
from ..targets import Row, files_dataset
from ..texts import open_text
from .annotations import folders_in, read_json, walk
from .class_folders import PART_NAMES, PICTURES, files_below, layout_of, rows_of

_SYNSET = re.compile(r"n\d{8}")
_WORDS = ("loc_synset_mapping.txt", "synset_words.txt", "words.txt", "synsets.txt", "imagenet_class_index.json")
_ANSWERS = ("val_annotations.txt", "loc_val_solution.csv", "val_solution.csv")
_FEWEST = 2  # folders named so


def recognises(path: Path, without: Path | None = None) -> str | None:
    """Class folders that are all named n########, and a file that says what the numbers mean."""
    home = _home(path, without)
    words = _file(path, _WORDS) if home is not None else None
    if home is None or words is None:
        return None
    parts = [part for part in ("train", "val", "test") if part in {part for part, _ in _parts(home)}]
    return f"ImageNet folders{' in ' + ', '.join(parts) if parts else ''}, named by {words.name}"


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageFiles:
    """Every picture below each class folder, and those of a flat val folder whose answers lie beside it.

    Raises: DataError if there are no such folders.
    """
    home = _home(path, context.without)
    words = _file(path, _WORDS) if home is not None else None
    if home is None or words is None:
        raise DataError("no ImageNet folders here", where=path, do="name the folder that holds train and the synsets")
    context = replace(context, root=context.root or path)
    rows, walk_ = rows_of(home, context, PICTURES)
    names = _names(words)
    answers = _file(path, _ANSWERS)
    flat = _answers(answers) if answers is not None else {}
    known = {row.where for row in rows}
    loose = [file for part, folder in _parts(home) if part == "val" for file in files_below(folder, walk_)]
    rows += [Row(id=walk_.id_of(f), where=f, label=None, part="val") for f in loose if f not in known]
    told = [replace(row, label=_word(row, flat, names)) for row in rows]
    return files_dataset(
        told,
        format=str(recognises(path, context.without)),
        target_name="synset",
        context=context,
        named=True,
        notes=walk_.findings(),
        refused=walk_.refused,
    )


def _home(path: Path, without: Path | None) -> Path | None:
    """The folder whose class folders, or whose train folder's, are named by synsets; looked for four levels down."""
    for folder in walk(path, 4) if path.is_dir() else ():
        if _SYNSET.fullmatch(folder.name) or folder.name == "images":
            continue
        inner = [f for _, found in _layout(folder, without) for f in found]
        is_home = all(folder in (f.parent, f.parent.parent) and _SYNSET.fullmatch(f.name) for f in inner)
        if is_home and len(inner) >= _FEWEST:
            return folder
    return None


def _layout(folder: Path, without: Path | None) -> list[tuple[str, list[Path]]]:
    """Class folders of the training side: a flat val folder, whose folder `images` is no class, says nothing."""
    try:
        return [(part, found) for part, found in layout_of(folder, without) if part in ("", "train")]
    except DataError:
        return []


def _parts(home: Path) -> Iterator[tuple[str, Path]]:
    yield from ((PART_NAMES[f.name.lower()], f) for f in folders_in(home) if f.name.lower() in PART_NAMES)


def _file(path: Path, names: tuple[str, ...]) -> Path | None:
    """The first of some files, anywhere in the first three levels of folders that are no classes."""
    for folder in walk(path, 3):
        if not _SYNSET.fullmatch(folder.name):
            found = {f.name.lower(): f for name in names if (f := _named(folder, name)) is not None}
            if found:
                return next(found[name] for name in names if name in found)
    return None


def _named(folder: Path, name: str) -> Path | None:
    for spelling in (name, name.replace("loc_", "LOC_")):
        if (folder / spelling).is_file():
            return folder / spelling
    return None


def _names(file: Path) -> Mapping[str, str]:
    """Synset -> its first word; with the number behind it where two have the same word."""
    if file.suffix == ".json":
        tree = read_json(file)
        pairs = [(str(e[0]), str(e[1])) for e in tree.values() if isinstance(e, list) and len(e) == 2]
    else:
        lines = [line.split(maxsplit=1) for line in open_text(file, whole=True).splitlines()]
        pairs = [(words[0], words[1].split(",")[0].strip()) for words in lines if len(words) == 2]
    first = {number: word for number, word in pairs if _SYNSET.fullmatch(number)}
    often = Counter(first.values())
    return {number: word if often[word] == 1 else f"{word} ({number})" for number, word in first.items()}


def _word(row: Row, flat: Mapping[str, str], names: Mapping[str, str]) -> str | None:
    """What a picture shows: by its folder where that is a synset, else by the answers; None where nothing tells."""
    said = str(row.label)
    synset = said if _SYNSET.fullmatch(said) else flat.get(Path(row.where).stem)
    return names.get(synset, synset) if synset is not None else None


def _answers(file: Path) -> Mapping[str, str]:
    """Stem of a picture -> its synset, from a table of answers: the first two words of each line."""
    found = {}
    for row in csv.reader(open_text(file, whole=True).splitlines(), delimiter="," if file.suffix == ".csv" else "\t"):
        if len(row) > 1 and (word := _SYNSET.match(row[1])) is not None:
            found[Path(row[0]).stem] = word[0]
    return found


READER = Reader(
    name="synset_folders",
    layout="DATA/{train,val}/n########/*.JPEG and LOC_synset_mapping.txt (or words.txt), as ImageNet comes",
    recognises=recognises,
    read=read,
)
