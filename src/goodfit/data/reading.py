"""Read whatever a person names - folder, table, arrays, archive, built-in set - and say what it was taken for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.recipe import DataSection
from ..core.samples import Index, Schema
from ..core.target_kinds import KINDS, kind_of
from .archives import is_archive, unpack
from .reader import Context, Reader
from .readers import READERS
from .readers.class_folders import PART_NAMES, is_junk, is_picture_name
from .readers.tablefiles import files_of
from .readers.tabletext import is_table, read_table
from .samples import Samples
from .splits import draw
from .targets import SAMPLE_OF

_HUB_NAME = re.compile(r"(hf|https?|s3|gs)://\S+|[\w.-]+/[\w.-]+")  # where no such file is
_LIMIT_KEY = 0x4C494D4954  # the draw of data.limit depends on the data alone, so that it is the same for every seed


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What the data were taken for, to be shown before anything is done with them.

    Attributes:
        format: the layout, in words.
        task: task that suits.
        target: column or folder level of the target.
        classes: class names; empty for a number.
        counts: given part ("" = not given) -> samples.
        class_counts: given part -> class -> samples, or boxes; empty for a number.
        picture_counts: given part -> class -> pictures that show it, where the target is boxes; else empty.
        samples: five ids with their labels.
        refused: what was met and is no sample.
    """

    format: str
    task: str
    target: str
    classes: tuple[str, ...]
    counts: Mapping[str, int]
    class_counts: Mapping[str, Mapping[str, int]]
    picture_counts: Mapping[str, Mapping[str, int]]
    samples: tuple[tuple[str, str], ...]
    refused: int

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "classes": list(self.classes), "samples": [list(pair) for pair in self.samples]}


def read(section: DataSection, cache: Path, task: str = "auto") -> Samples:
    """The data set that a recipe names.

    Args:
        section: the recipe's `data`.
        cache: folder for unpacked archives and for pictures that lie inside other files.
        task: the recipe's `task`; settles whether whole numbers are classes.
    Raises: DataError if nothing is there, the layout is unknown, or labels make no target.
    """
    path, root = _resolve(section.path, cache)
    test = _resolve_test(section.test, path, root, cache) if section.test is not None else None
    inside = test is not None and _is_within(test, root or path)
    dataset = _read_one(path, section, Context(task=task, without=test if inside else None, root=root, cache=cache))
    if test is not None:
        base = (root or path) if inside and test.is_dir() else None
        context = Context(task=task, like=dataset.schema, root=base, cache=cache)
        dataset = _join(dataset, _read_test(test, section, context, inside))
    dataset = _limited(dataset, section.limit)
    training = np.flatnonzero(dataset.index.part != "test")
    facts = {**dataset.measured(training if len(training) else np.arange(len(dataset))), "n": len(training)}
    return replace(dataset, schema=replace(dataset.schema, facts=facts))


def describe(dataset: Samples) -> Guess:
    """What the data were taken for."""
    index, schema = dataset.index, dataset.schema
    parts = [part for part in ("", "train", "val", "test") if (index.part == part).any()]
    spread = np.unique(np.linspace(0, len(index) - 1, 5).astype(np.int64)) if len(index) else np.empty(0, np.int64)
    return Guess(
        format=schema.format,
        task=schema.task,
        target=schema.target_name,
        classes=schema.classes,
        counts={part: int((index.part == part).sum()) for part in parts},
        class_counts=count_classes(index, schema),
        picture_counts=count_pictures(index, schema),
        samples=tuple((index.id[i], label_text(index.target[i], schema)) for i in spread),
        refused=len(dataset.refused),
    )


def count_classes(index: Index, schema: Schema) -> dict[str, dict[str, int]]:
    """Given part -> class -> samples (boxes where the target is boxes)."""
    return _counted(index, schema, KINDS[schema.target_kind].counts)


def count_pictures(index: Index, schema: Schema) -> dict[str, dict[str, int]]:
    """Given part -> class -> pictures that show it, where the target is boxes; else {}."""
    return _counted(index, schema, KINDS[schema.target_kind].showing)


def _counted(
    index: Index, schema: Schema, count: Callable[[np.ndarray, int], np.ndarray] | None
) -> dict[str, dict[str, int]]:
    if count is None:
        return {}
    counts = {}
    for part in dict.fromkeys(index.part):
        found = count(index.target[index.part == part], len(schema.classes))
        counts[part] = {name: int(n) for name, n in zip(schema.classes, found, strict=True)}
    return counts


def label_text(target: Any, schema: Schema) -> str:
    """A target in words."""
    return KINDS[schema.target_kind].text(target, schema.classes)


def _resolve(named: str, cache: Path) -> tuple[Path, Path | None]:
    """(path to read, folder that nothing may lie outside of where the data came from an archive)."""
    path = Path(named).expanduser()
    if not os.path.exists(path):
        if READERS["digits"].recognises(path, None):
            return path, None
        if _HUB_NAME.fullmatch(named):
            raise DataError(
                "there is no such file or folder; should a data set of a hub be meant, goodfit downloads none",
                where=named,
                do="save it first: datasets.load_dataset(...).save_to_disk('FOLDER'), then name that folder",
            )
        raise DataError(
            "there is no such file or folder, or it may not be read", where=named, do="check the name; built-in: digits"
        )
    _check_readable(path)
    if path.is_file() and is_archive(path):
        folder = _look_through(unpack(path, cache))
        return folder, folder
    return _look_through(path) if path.is_dir() else path, None


def _look_through(folder: Path) -> Path:
    """The folder itself, or the one inside that everything else is wrapped in."""
    entries = [entry for entry in os.scandir(folder) if not is_junk(entry.name)]
    if len(entries) != 1 or not entries[0].is_dir(follow_symlinks=False) or entries[0].name.lower() in PART_NAMES:
        return folder
    inner = Path(entries[0].path)
    names = [name for name in os.listdir(inner) if not is_junk(name)] if os.access(inner, os.R_OK | os.X_OK) else []
    is_class = not names or any(is_picture_name(name) for name in names)
    return folder if is_class else _look_through(inner)


def _check_readable(path: Path) -> None:
    """Raises: DataError if the folder may not be listed or entered, or the file not be opened."""
    try:
        if path.is_dir():
            os.listdir(path)
            os.stat(os.path.join(path, "."))  # pathlib would drop the dot
        elif path.is_file():
            open(path, "rb").close()
    except OSError as error:
        raise DataError("this may not be read", got=error.strerror, where=path, do="check its permissions") from None


def _resolve_test(named: str, path: Path, root: Path | None, cache: Path) -> Path:
    """The test set, looked for as named, inside the data, and beside them."""
    wanted = Path(named).expanduser()
    places = [wanted] if wanted.is_absolute() else [wanted, path / wanted, path.parent / wanted]
    if root is not None:
        places += [folder / wanted for folder in sorted(root.iterdir()) if folder.is_dir()]
    found = next((place for place in places if os.path.exists(place)), None)
    if found is None:
        raise DataError(
            "there is no such test set",
            got=named,
            allowed="a path, absolute, from here, or inside the data",
            where="data.test",
            do="check the name",
        )
    _check_readable(found)
    return unpack(found, cache) if found.is_file() and is_archive(found) else found


def _read_one(path: Path, section: DataSection, context: Context) -> Samples:
    reader = _reader_for(path, section, context)
    if context.like is None:
        _check_columns(reader, section)
    dataset = reader.read(path, section, context)
    if not len(dataset):
        raise DataError(
            "no usable sample found",
            got=f"{len(dataset.refused)} files or rows refused, for example {dataset.refused[:3]}"
            if dataset.refused
            else None,
            where=path,
            do="see what the layout should be: " + _layouts(None),
        )
    return dataset


def _check_columns(reader: Reader, section: DataSection) -> None:
    """Raises: DataError where a column is named and the layout has none, so that the name would be ignored."""
    named = {"target": section.target != "auto", "input": section.input != "auto"}
    named["ignore"] = bool(section.ignore)
    named |= {key: getattr(section, key) is not None for key in ("group", "annotator", "time", "query")}
    ignored = [f"data.{key}" for key, is_named in named.items() if is_named and key not in reader.columns]
    if ignored:
        raise DataError(
            "this layout has no columns to choose from",
            got=", ".join(ignored),
            where=reader.layout,
            do="leave it out, or name a table (csv, tsv, jsonl, parquet)",
        )


def _reader_for(path: Path, section: DataSection, context: Context) -> Reader:
    if section.format != "auto":
        return READERS[section.format]
    wanted = SAMPLE_OF.get(context.task)
    for reader in READERS.values():
        fits = wanted in (None, reader.sample) and (section.input == "auto" or "input" in reader.columns)
        if fits and reader.recognises(path, context.without):
            _check_annotations(path, reader, context)
            return reader
    _check_annotations(path, None, context)
    if section.input != "auto" and is_table(path):
        return READERS["table"]
    if wanted is not None and files_of(path, context.without):  # the task is named: its reader says what is missing
        named_by_task = [reader for reader in READERS.values() if reader.sample == wanted and reader.columns]
        if named_by_task:
            return named_by_task[-1]
    if context.like is not None and path.is_dir():
        like = SAMPLE_OF.get(context.like.task)
        bare = [reader for reader in READERS.values() if reader.bare]
        return next((reader for reader in bare if reader.sample == like), bare[0])
    for file in files_of(path, context.without).values():
        read_table(file)  # says what is wrong with it, if anything
    raise DataError(
        _what_is_wrong(path),
        where=path,
        allowed=_layouts(wanted),
        do="arrange the data like one of these, or name the file itself",
    )


def _layouts(sample: str | None) -> str:
    """The usual layouts, of one kind of sample or of all, and the names of the others."""
    fitting = [reader for reader in READERS.values() if sample in (None, reader.sample)]
    others = ", ".join(reader.name for reader in fitting if not reader.usual)
    return "; ".join([*(reader.layout for reader in fitting if reader.usual), f"also {others}"])


def _check_annotations(path: Path, chosen: Reader | None, context: Context) -> None:
    """Raises: DataError where annotations lie that cannot be read, so that the pictures would be taken for something
    else; not where another kind of task is named."""
    wanted = SAMPLE_OF.get(context.like.task if context.like is not None else context.task)
    if wanted not in (None, "boxes") or (chosen is not None and chosen.sample == "boxes"):
        return
    errors = (reader.broken(path, context.without) for reader in READERS.values() if reader.broken is not None)
    for error in filter(None, errors):
        otherwise = "; or say task=image_classification if the annotations are not wanted"
        raise DataError(
            error.wrong,
            got=error.got,
            allowed=error.allowed,
            where=error.where,
            do=f"{error.do}{otherwise if wanted is None else ''}",
        )


def _what_is_wrong(path: Path) -> str:
    if not path.is_dir():
        return "this is no data format that is known"
    names = [name for name in os.listdir(path) if not is_junk(name)]
    if names and all(is_archive(Path(name)) for name in names):
        return "here lie archives alone, and an archive inside another one is never unpacked"
    return "this is no layout that is known" if names else "this folder is empty"


def _read_test(test: Path, section: DataSection, context: Context, inside: bool) -> Samples:
    """The named test set, every sample of it with part "test"; ids say whether it lies inside the data."""
    found = _read_one(test, section.model_copy(update={"format": "auto"}), context)
    given = np.flatnonzero(found.index.part == "test")
    found = found.take(given) if len(given) and len(given) < len(found) else found
    ids = found.index.id if inside else np.array([f"test/{name}" for name in found.index.id], dtype=object)
    part = np.full(len(found), "test", dtype=object)
    return replace(found, index=replace(found.index, part=part, id=ids))


def _join(train: Samples, test: Samples) -> Samples:
    """Training side first; what the layout itself called test is left out in favour of the named one."""
    kept = train.take(np.flatnonzero(train.index.part != "test"))
    parts = np.where(kept.index.part == "", "train", kept.index.part).astype(object)
    a, b = replace(kept.index, part=parts), _distinct(test.index, kept.index)
    return kept.joined(test, _stack(a, b))


def _distinct(index: Index, other: Index) -> Index:
    taken = set(other.id)
    return replace(
        index, id=np.array([name if name not in taken else f"{name}#test" for name in index.id], dtype=object)
    )


def _stack(a: Index, b: Index) -> Index:
    def both(name: str) -> np.ndarray | None:
        x, y = getattr(a, name), getattr(b, name)
        if x is None and y is None:
            return None
        if name == "group":
            x, y = (
                col if col is not None else np.array([f"\0{i}" for i in part.id], dtype=object)
                for col, part in ((x, a), (y, b))
            )
        return kind_of(x).join(x, y) if name == "target" else np.concatenate([x, y])

    return Index(**{name: both(name) for name in ("id", "where", "target", "part", "group", "time")})  # type: ignore[arg-type]


def _limited(dataset: Samples, limit: int | None) -> Samples:
    """At most `limit` samples of the training side (one a class at least); given val and test stay whole."""
    side = np.flatnonzero((dataset.index.part == "") | (dataset.index.part == "train"))
    if limit is None or len(side) <= limit:
        return dataset
    strata = KINDS[dataset.schema.target_kind].strata(dataset.index.target[side])
    left_out = draw(np.arange(len(side)), strata, len(side) - limit, _LIMIT_KEY)  # so each class keeps one at least
    keep = np.ones(len(dataset), dtype=bool)
    keep[side[left_out]] = False
    return dataset.take(np.flatnonzero(keep))


def _is_within(path: Path, folder: Path) -> bool:
    real, root = os.path.realpath(path), os.path.realpath(folder)
    return real.startswith(root + os.sep)
