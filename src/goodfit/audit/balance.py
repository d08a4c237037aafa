"""Check the balance: samples and annotations of each class, samples of nothing, how many classes there are in effect.

Sources: Hill 1973, "Diversity and evenness", doi:10.2307/1934352 (effective number: exp of the entropy); Buda, Maki and
Mazurowski 2018, arXiv:1710.05381; the rules for negatives stand in `data/negatives`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import printable
from ..core.target_kinds import KINDS
from ..data.negatives import MOST_A_POSITIVE, MOST_EMPTY, background_class, is_background
from ..stats.imbalance import UNEVEN, unevenness
from .check import Check, Outcome, View, finding
from .labels import IMBALANCED

FLOOD = 0.5  # share of whole empty pictures from which more than half of each pass shows nothing


@dataclass(frozen=True, kw_only=True)
class Balance:
    """How evenly the classes are met outside of test.

    Attributes:
        classes: K names.
        samples: (K,) samples that show each class.
        boxes: (K,) annotations of each class where a sample has several, else None.
        total: samples looked at.
        background: samples of nothing, -1 where the data know no such thing.
        background_class: the class that means nothing, "" where there is none.
    """

    classes: tuple[str, ...]
    samples: tuple[int, ...]
    boxes: tuple[int, ...] | None
    total: int
    background: int
    background_class: str

    def to_json(self) -> dict[str, Any]:
        """As plain values, with the figures that follow from them, of samples and of annotations."""
        counts = {"samples": self.samples, **({"boxes": self.boxes} if self.boxes is not None else {})}
        return {
            "classes": list(self.classes),
            **{name: list(column) for name, column in counts.items()},
            "total": self.total,
            "background": self.background if self.background >= 0 else None,
            "background_class": self.background_class,
            "ratio": {name: unevenness(column) for name, column in counts.items()},
            "effective": {name: effective_number(column) for name, column in counts.items()},
        }


def balance_of(view: View) -> Balance | None:
    """What is met how often outside of test; None for numbers."""
    kind, classes = KINDS[view.schema.target_kind], view.schema.classes
    target = view.index.target[view.kept & ~view.test]
    if kind.counts is None:
        return None
    annotated = kind.counts(target, len(classes))
    shown = annotated if kind.showing is None else kind.showing(target, len(classes))
    nothing = is_background(target, view.schema)
    called = background_class(classes) if kind.is_exclusive else None
    return Balance(
        classes=classes,
        samples=tuple(int(n) for n in shown),
        boxes=None if kind.showing is None else tuple(int(n) for n in annotated),
        total=len(target),
        background=-1 if nothing is None else int(nothing.sum()),
        background_class="" if called is None else classes[called],
    )


def effective_number(counts: Sequence[int]) -> float:
    """How many equally frequent classes would be as hard to guess: exp of the entropy of the shares."""
    shares = np.array([n for n in counts if n > 0], dtype=np.float64)
    shares /= max(shares.sum(), 1e-12)
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0


def negatives(view: View) -> Outcome:
    """Too many samples of nothing: whole pictures without boxes, or a background class, each by its own rule."""
    nothing = is_background(view.index.target, view.schema)
    if nothing is None or view.schema.target_kind == "multilabel":
        return Outcome()
    side = view.kept & ~view.test
    empty, positive = np.flatnonzero(side & nothing), int((side & ~nothing).sum())
    if not len(empty) or not positive:
        return Outcome()
    numbers = {"share": len(empty) / int(side.sum()), "ratio": len(empty) / positive, "positive": positive}
    if view.schema.target_kind == "boxes":
        if numbers["share"] <= MOST_EMPTY:
            return Outcome()
        severity = "warning" if numbers["share"] > FLOOD else "info"
        return Outcome(findings=(finding("GF-D090", severity, view, empty, most=MOST_EMPTY, **numbers),))  # type: ignore[arg-type]
    if numbers["ratio"] <= MOST_A_POSITIVE:
        return Outcome()
    called = view.schema.classes[background_class(view.schema.classes) or 0]
    numbers["most"] = MOST_A_POSITIVE
    return Outcome(findings=(finding("GF-D091", "warning", view, empty, name=printable(called, 60), **numbers),))


def uneven_annotations(view: View) -> Outcome:
    """Annotations far more frequent of one class than of another, where a sample holds several."""
    found = balance_of(view)
    kind = KINDS[view.schema.target_kind]
    if found is None or kind.is_exclusive:
        return Outcome()
    counts = np.array(found.samples if found.boxes is None else found.boxes)
    uneven = unevenness(counts)
    if uneven < IMBALANCED:
        return Outcome()
    present = np.flatnonzero(counts > 0)
    largest, smallest = present[counts[present].argmax()], present[counts[present].argmin()]
    numbers = {
        "ratio": uneven,
        "largest": printable(found.classes[largest], 60),
        "largest_count": int(counts[largest]),
        "smallest": printable(found.classes[smallest], 60),
        "smallest_count": int(counts[smallest]),
        "pictures": found.samples[smallest],
        "effective": effective_number(counts.tolist()),
        "classes": len(present),
    }
    showing = np.zeros(len(view.index), dtype=bool)
    if kind.members is not None:
        showing = kind.members(view.index.target, len(found.classes))[smallest]
    where = np.flatnonzero(showing & view.kept & ~view.test)
    return Outcome(
        findings=(finding("GF-D092", "warning" if uneven >= UNEVEN else "info", view, where, **numbers),),
    )


CHECKS = (
    Check(name="negatives", codes=("GF-D090", "GF-D091"), look=negatives, source="Girshick et al. 2014; Jocher 2020"),
    Check(name="annotations", codes=("GF-D092",), look=uneven_annotations, source="Buda, Maki and Mazurowski 2018"),
)
