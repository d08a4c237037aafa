"""Checks of the target: are there two classes, enough of each, under names that differ.

Source: Buda, Maki and Mazurowski 2018, "A systematic study of the class imbalance problem", arXiv:1710.05381.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..core.errors import DataError, printable
from ..core.finding import Finding
from ..core.target_kinds import KINDS
from ..stats.imbalance import UNEVEN
from .check import Check, Outcome, View, finding

IMBALANCED = 5.0  # largest to smallest class; Buda et al. see losses from about 10, said early since it costs nothing
_SHOWN = 20


def enough(view: View) -> Outcome:
    """There must be something to tell apart.

    Raises: DataError for no sample, one class, or a number that never varies.
    """
    side = view.kept & ~view.test
    if not side.any():
        raise DataError(
            "no usable training sample is left", got=f"{len(view.index)} were read", do="see the list of refused files"
        )
    target = view.index.target[side]
    kind = KINDS[view.schema.target_kind]
    if kind.counts is None:
        if (target == target[0]).all():
            raise DataError(
                "the target is the same for every sample", got=target[0], do="name another column (data.target=)"
            )
        return Outcome()
    present = _counts(view, side) > 0
    if not present.any():
        raise DataError(
            "no training sample shows any of the classes, so there is nothing to learn",
            got=f"{int(side.sum())} samples, all empty",
            allowed="at least one with a class",
            do="check the annotations and which part they belong to",
        )
    if kind.is_exclusive and present.sum() < 2:
        only = view.schema.classes[int(np.argmax(present))]
        raise DataError(
            "there is only one class, so nothing can be told apart",
            got=printable(only, 60),
            allowed="two classes or more",
            do="add a second class; if each sample has a quantity instead, give a table with a column of numbers",
        )
    return Outcome()


def rare(view: View) -> Outcome:
    """Classes that no usable training sample is left of, or one, or that are far rarer than others."""
    kind = KINDS[view.schema.target_kind]
    if kind.counts is None:
        return Outcome()
    counts, names = _counts(view, view.kept & ~view.test), view.schema.classes
    found: list[Finding] = []
    for code, times in (("GF-D008", 0), ("GF-D007", 1)):
        if len(few := np.flatnonzero(counts == times)):
            numbers = {"count": len(few), "names": _list(names, few)}
            found.append(_of_classes(Finding(code=code, severity="warning", numbers=numbers), view, names, few))
    present = np.flatnonzero(counts > 0)
    if not len(present):
        return Outcome(findings=tuple(found))
    largest, smallest = present[np.argmax(counts[present])], present[np.argmin(counts[present])]
    ratio = float(counts[largest] / counts[smallest])
    if kind.is_exclusive and ratio >= IMBALANCED:
        numbers = {
            "ratio": ratio,
            "largest": printable(names[largest], 60),
            "largest_count": int(counts[largest]),
            "smallest": printable(names[smallest], 60),
            "smallest_count": int(counts[smallest]),
            "majority": float(counts.max() / counts.sum()),
        }
        uneven = Finding(code="GF-D013", severity="warning" if ratio >= UNEVEN else "info", numbers=numbers)
        found.append(_of_classes(uneven, view, names, np.array([smallest])))
    return Outcome(findings=tuple(found))


def held_out(view: View) -> Outcome:
    """A test part without labels, or without some of the classes."""
    tests = view.kept & view.test
    if not tests.any():
        return Outcome()
    kind = KINDS[view.schema.target_kind]
    unknown = ~kind.known(view.index.target)
    if len(hidden := np.flatnonzero(tests & unknown)):
        return Outcome(findings=(finding("GF-D014", "warning", view, hidden, test=int(tests.sum())),))
    if kind.counts is None:
        return Outcome()
    absent = np.flatnonzero((_counts(view, tests) == 0) & (_counts(view, view.kept & ~view.test) > 0))
    empty = [name for note in view.notes if note.code == "GF-D006" for name in note.ids]
    strangers = [name for path in empty if (name := path.rpartition("/")[2]) not in view.schema.classes]
    names = (*view.schema.classes, *dict.fromkeys(strangers))
    absent = np.array([*absent, *range(len(view.schema.classes), len(names))], dtype=np.int64)
    if not len(absent):
        return Outcome()
    found = Finding(code="GF-D015", severity="warning", numbers={"count": len(absent), "names": _list(names, absent)})
    return Outcome(findings=(_of_classes(found, view, names, absent),))


def similar_names(view: View) -> Outcome:
    """Class names that a person would read as one: `Cat`, `cat `, full-width letters. Named, never merged."""
    folded: dict[str, list[str]] = defaultdict(list)
    for name in view.schema.classes:
        folded[
            " ".join(unicodedata.normalize("NFKC", name).casefold().replace("_", " ").replace("-", " ").split())
        ].append(name)
    alike = [names for names in folded.values() if len(names) > 1]
    shown = "; ".join(" = ".join(f"'{printable(name, 60)}'" for name in names) for names in alike[:_SHOWN])
    return Outcome(
        findings=(Finding(code="GF-D018", severity="warning", numbers={"count": len(alike), "names": shown}),)
        if alike
        else ()
    )


def _of_classes(found: Finding, view: View, names: Sequence[str], places: np.ndarray) -> Finding:
    """A finding that names classes: its samples are the folder of the training side, once a class."""
    side = "train/" if (view.index.part == "train").any() else "./"
    return replace(found, ids=(side,) * len(places), details={"class": tuple(names[k] for k in places)})


def _counts(view: View, within: np.ndarray) -> np.ndarray:
    """(K,) samples, or boxes, of each class."""
    count = KINDS[view.schema.target_kind].counts
    assert count is not None
    return count(view.index.target[within], len(view.schema.classes))


def _list(names: Sequence[str], places: np.ndarray) -> str:
    more = f", ... ({len(places)})" if len(places) > _SHOWN else ""
    return ", ".join(printable(names[k], 60) for k in places[:_SHOWN]) + more


CHECKS = (
    Check(name="enough", codes=(), look=enough, source="a classifier needs two classes"),
    Check(name="rare", codes=("GF-D007", "GF-D008", "GF-D013"), look=rare, source="Buda, Maki and Mazurowski 2018"),
    Check(name="held_out", codes=("GF-D014", "GF-D015"), look=held_out, source="a score needs labels of every class"),
    Check(
        name="similar_names", codes=("GF-D018",), look=similar_names, source="Unicode NFKC and case folding, UAX #15"
    ),
)
