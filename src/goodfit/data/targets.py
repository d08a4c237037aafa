"""Turn raw labels, as layouts and tables give them, into the target column of an index."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..core.errors import DataError, printable
from ..core.finding import Finding
from ..core.samples import PARTS, Index, Schema, TargetKind
from .columns import LARGEST
from .images import ImageArrays, ImageFiles
from .reader import Context

SampleKind = Literal["image", "text", "table", "boxes"]
Label = str | float | tuple[str, ...] | None  # a class or number as text, a number, a set of classes, unknown
TASK_OF: Mapping[SampleKind, Mapping[TargetKind, str]] = {
    "image": {"class": "image_classification", "multilabel": "image_multilabel", "number": "image_regression"},
    "text": {"class": "text_classification", "multilabel": "text_multilabel", "number": "text_regression"},
    "table": {"class": "tabular_classification", "number": "tabular_regression"},
    "boxes": {"boxes": "detection"},
}
KIND_OF: Mapping[str, TargetKind] = {task: kind for tasks in TASK_OF.values() for kind, task in tasks.items()}
SAMPLE_OF: Mapping[str, SampleKind] = {task: sample for sample, tasks in TASK_OF.items() for task in tasks.values()}
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"})
HIDDEN = "-1"  # how competitions and the library `datasets` write a label that they keep to themselves
CLASS_WORDS = frozenset({"label", "labels", "class", "classes", "category", "class_name", "species"})
FEW_NUMBERS = 20  # so many distinct whole numbers are still taken for classes without asking
_SEPARATORS = re.compile(r"[;|]")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One sample as a reader found it.

    Attributes:
        id: unique name.
        where: file, "" for memory.
        label: raw label.
        part: train, val, test or "".
        group: value that must not be split apart, or None.
    """

    id: str
    where: str
    label: Label
    part: str = ""
    group: str | None = None


def files_dataset(
    rows: Sequence[Row],
    *,
    format: str,
    target_name: str,
    context: Context,
    classes: Sequence[str] | None = None,
    named: bool = False,
    notes: Iterable[Finding] = (),
    refused: Iterable[tuple[str, str]] = (),
) -> ImageFiles:
    """A data set of picture files from rows, ordered by part and id.

    Args:
        classes: all classes where the layout names them (columns of a multi-label table), else None.
        named: whether labels are names of classes for sure, even where they look like numbers or lists.
    Raises: DataError if the labels make no target.
    """
    ordered = sorted(unique_ids(rows), key=lambda row: (rank(row.part), row.id))
    schema, target, usable = make_target(
        ordered, format=format, target_name=target_name, context=context, classes=classes, named=named
    )
    dropped = [(row.id, "no_label") for row, good in zip(ordered, usable, strict=True) if not good]
    kept = [row for row, good in zip(ordered, usable, strict=True) if good]
    return ImageFiles(
        schema=schema, index=make_index(kept, target[usable]), notes=tuple(notes), refused=(*refused, *dropped)
    )


def array_dataset(
    parts: Mapping[str, tuple[np.ndarray, Sequence[Label]]],
    *,
    format: str,
    target_name: str,
    context: Context,
    classes: Sequence[str] | None = None,
    named: bool = False,
    notes: Iterable[Finding] = (),
) -> ImageArrays:
    """A data set of pictures in memory.

    Args:
        parts: given part -> ((N, H, W) or (N, H, W, 3) uint8, N labels).
        classes: class names in index order where they are known, else None.
        named: whether labels are names of classes for sure, even where they look like numbers or lists.
    Raises: DataError if sizes differ between parts or the labels make no target.
    """
    shapes = {pixels.shape[1:] for pixels, _ in parts.values()}
    if len(shapes) != 1:
        raise DataError("the parts hold pictures of different shapes", got=sorted(shapes), do="store one shape")
    rows = [
        Row(id=f"{part}/{i:06d}" if part else f"{i:06d}", where="", label=label, part=part)
        for part in sorted(parts, key=rank)
        for i, label in enumerate(parts[part][1])
    ]
    schema, target, usable = make_target(
        rows, format=format, target_name=target_name, context=context, classes=classes, named=named
    )
    index = make_index([row for row, good in zip(rows, usable, strict=True) if good], target[usable])
    pixels = np.concatenate([parts[part][0] for part in sorted(parts, key=rank)])
    dropped = tuple((row.id, "no_label") for row, good in zip(rows, usable, strict=True) if not good)
    return ImageArrays(
        schema=schema, index=index, pixels=pixels, rows=np.flatnonzero(usable), notes=tuple(notes), refused=dropped
    )


def make_index(rows: Sequence[Row], target: np.ndarray) -> Index:
    """The table of samples for rows and their targets."""
    column = lambda name: np.array([getattr(row, name) for row in rows] + [None], dtype=object)[:-1]  # noqa: E731
    grouped = any(row.group is not None for row in rows)
    return Index(
        id=column("id"),
        where=column("where"),
        target=target,
        part=column("part"),
        group=np.array([row.group if row.group is not None else f"\0{row.id}" for row in rows] + [None], dtype=object)[
            :-1
        ]
        if grouped
        else None,
    )


def task_of(sample: SampleKind, kind: TargetKind) -> str:
    """Name of the task of such samples with such a target.

    Raises: DataError if there is none.
    """
    tasks = TASK_OF[sample]
    if kind not in tasks:
        raise DataError("there is no such target for these samples", got=kind, allowed=", ".join(tasks), do="name one")
    return tasks[kind]


def make_target(
    rows: Sequence[Row],
    *,
    format: str,
    target_name: str,
    context: Context,
    classes: Sequence[str] | None = None,
    named: bool = False,
    sample: SampleKind = "image",
) -> tuple[Schema, np.ndarray, np.ndarray]:
    """Schema, target of every row, and which rows have a usable one.

    An unknown label makes a row unusable on the training side; in a test part it is kept as "unknown" (-1 or NaN).
    Raises: DataError for a class that only the test part has, or labels that fit no task or several.
    """
    labels = _without_hidden(rows, context)
    training = [row.label for row in rows if row.part != "test" and row.label is not None]
    known = training or [label for label in labels if label is not None]
    rows = [replace(row, label=label) for row, label in zip(rows, labels, strict=True)]
    like = context.like
    kind = (
        like.target_kind if like else _kind_of(known, context.task, target_name, named or classes is not None, sample)
    )
    if kind == "number":
        names: tuple[str, ...] = ()
        target, usable = _numbers(labels)
    else:
        several = kind == "multilabel"
        names = (
            like.classes
            if like
            else tuple(classes)
            if classes is not None
            else class_names(_tokens(known, several, context.task))
        )
        target, usable = _coded(rows, names, several, context)
    held_out = [(row.part == "test" or like is not None) and kind != "multilabel" for row in rows]
    usable |= np.array(held_out, dtype=bool) & _unlabelled(labels)
    schema = Schema(task=task_of(sample, kind), format=format, target_kind=kind, classes=names, target_name=target_name)
    return schema, target, usable


def _without_hidden(rows: Sequence[Row], context: Context) -> list[Label]:
    """The labels; those of a test part that says -1 throughout, and nothing else does, are hidden and become None."""
    is_test = [row.part == "test" or context.like is not None for row in rows]
    told = {_plain(row.label) for row, test in zip(rows, is_test, strict=True) if test and row.label is not None}
    others = {_plain(row.label) for row, test in zip(rows, is_test, strict=True) if not test and row.label is not None}
    known = others | set(context.like.classes if context.like is not None else ())
    hidden = told == {HIDDEN} and not any(name.startswith("-") for name in known)
    return [None if hidden and test else row.label for row, test in zip(rows, is_test, strict=True)]


def class_names(found: Iterable[str]) -> tuple[str, ...]:
    """Distinct names in index order: by number where all are whole numbers, else as text."""
    names = set(found)
    numeric = all(re.fullmatch(r"[+-]?\d{1,18}", name) for name in names)
    return tuple(sorted(names, key=(lambda name: (int(name), name)) if numeric else None))


def unique_ids(rows: Sequence[Row]) -> list[Row]:
    """The rows with ids that can be written as UTF-8 and occur once; a repeated one gets `#2`, `#3`, ..."""
    seen: dict[str, int] = {}
    result = []
    for row in rows:
        name = clean_text(row.id)
        seen[name] = seen.get(name, 0) + 1
        result.append(replace(row, id=name if seen[name] == 1 else f"{name}#{seen[name]}"))
    return result


def clean_text(text: str) -> str:
    """Text that can be written as UTF-8: lone surrogates (stray bytes of a file name) become escapes."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        return "".join(_escaped(c) if "\ud800" <= c <= "\udfff" else c for c in text)


def _escaped(surrogate: str) -> str:
    code = ord(surrogate)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def rank(part: str) -> int:
    """Place of a part in the order of samples."""
    return ("", *PARTS).index(part)


def _unlabelled(labels: Sequence[Label]) -> np.ndarray:
    return np.array([label is None for label in labels], dtype=bool)


def _kind_of(known: Sequence[Label], task: str, name: str, named: bool, sample: SampleKind) -> TargetKind:
    guess = _guess_kind(known, task, name, named, sample)
    wanted = KIND_OF.get(task, guess)
    if wanted == guess:
        return guess
    if wanted == "class" and guess == "multilabel":
        raise DataError(
            "the target holds several classes a sample", where=name, do=f"use task={task_of(sample, 'multilabel')}"
        )
    if wanted == "number" and (bad := next((v for v in known if _number(v) is None), None)) is not None:
        raise DataError(
            "the target is no number",
            got=bad,
            where=name,
            do=f"use task={task_of(sample, 'class')}, or name another data.target",
        )
    return wanted


def _guess_kind(known: Sequence[Label], task: str, name: str, named: bool, sample: SampleKind) -> TargetKind:
    if any(isinstance(label, tuple) for label in known):
        return "class" if all(isinstance(label, tuple) and len(label) == 1 for label in known) else "multilabel"
    if named:
        return "class"
    texts = [label for label in known if isinstance(label, str)]
    numbers = [_number(label) for label in known]
    if known and sum(n is not None for n in numbers) >= 0.95 * len(known):
        return _guess_number([n for n in numbers if n is not None], task, name, sample)
    return "multilabel" if _are_lists(texts) else "class"


def _guess_number(numbers: Sequence[float], task: str, name: str, sample: SampleKind) -> Literal["class", "number"]:
    if (wanted := KIND_OF.get(task)) in ("class", "number"):
        return "number" if wanted == "number" else "class"
    distinct = set(numbers)
    if (
        name.lower() in CLASS_WORDS
        and len(distinct) <= len(numbers) / 2
        and all(n == int(n) for n in distinct if math.isfinite(n))
    ):
        return "class"
    if any(math.isfinite(n) and n != int(n) for n in distinct):
        return "number"
    if len(distinct) > FEW_NUMBERS:
        raise DataError(
            f"'{printable(name, 60)}' holds {len(distinct)} distinct whole numbers, which may be classes or a quantity",
            allowed=f"task={task_of(sample, 'class')}, task={task_of(sample, 'number')}",
            do="add the one that is meant",
        )
    return "class"


def _are_lists(texts: Sequence[str]) -> bool:
    """Whether cells are lists such as `a;b|c`: most parts of the lists also occur in other cells."""
    distinct = set(texts)
    lists = [{part.strip() for part in _SEPARATORS.split(text)} for text in distinct if _SEPARATORS.search(text)]
    met = Counter(part for parts in lists for part in parts)
    return bool(met) and sum(count > 1 or part in distinct for part, count in met.items()) > len(met) / 2


def _tokens(known: Sequence[Label], several: bool, task: str) -> list[str]:
    return [token for label in known for token in (_labels_of(label, task) if several else (_plain(label),))]


def _labels_of(label: Label, task: str) -> tuple[str, ...]:
    if isinstance(label, tuple):
        return label
    separators = r"[;|,\s]+" if KIND_OF.get(task) == "multilabel" and not _SEPARATORS.search(str(label)) else r"[;|]"
    return tuple(part for piece in re.split(separators, str(label)) if (part := piece.strip()))


def _plain(label: Label) -> str:
    """One class as text; a list of one entry is that entry."""
    label = label[0] if isinstance(label, tuple) and len(label) == 1 else label
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _number(label: Label) -> float | None:
    """The number that a label is, infinities included; None if it is none."""
    if isinstance(label, float | int):
        return float(label)
    try:
        return float(label) if isinstance(label, str) and "_" not in label else None
    except ValueError:
        return None


def _numbers(labels: Sequence[Label]) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([n if (n := _number(label)) is not None else math.nan for label in labels], dtype=np.float64)
    usable = np.abs(values) <= LARGEST
    return np.where(usable, values, np.nan), usable


def _coded(
    rows: Sequence[Row], names: tuple[str, ...], several: bool, context: Context
) -> tuple[np.ndarray, np.ndarray]:
    place = {name: k for k, name in enumerate(names)}
    table = np.zeros((len(rows), len(names)), dtype=np.uint8) if several else np.full(len(rows), -1, dtype=np.int64)
    usable = ~_unlabelled([row.label for row in rows])
    strangers: dict[str, int] = {}
    for i in np.flatnonzero(usable).tolist():
        for token in _labels_of(rows[i].label, context.task) if several else (_plain(rows[i].label),):
            if token not in place:
                strangers[token] = strangers.get(token, 0) + 1
            elif several:
                table[i, place[token]] = 1
            else:
                table[i] = place[token]
    if strangers:
        raise DataError(
            "these classes are in the test part only",
            got=", ".join(f"{printable(name, 60)} ({count})" for name, count in sorted(strangers.items())[:10]),
            allowed=", ".join(printable(name, 60) for name in names[:20]),
            do="add training samples of them or take them out of the test part",
        )
    return table, usable
