"""Equal samples under different targets: a contradiction of classes, noise of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from goodfit.audit.check import View
from goodfit.audit.duplicates import bind, conflicts, copies
from goodfit.core.samples import Index, Schema


def view(target: np.ndarray, kind: Any) -> View:
    """Four samples, the first two alike."""
    names = np.array(list("abcd"), dtype=object)

    class Looked:
        seen = np.array(["same", "same", "x", "y"], dtype=object)

    scan: Any = Looked()
    schema = Schema(task="x", format="x", target_kind=kind, classes=("p", "q"))
    index = Index(id=names, where=names, target=target, part=np.array([""] * 4, dtype=object))
    return View(schema=schema, index=index, scan=scan, notes=(), refused=(), kept=np.ones(4, dtype=bool))


def test_equal_samples_of_two_classes_are_left_out() -> None:
    found = conflicts(view(np.array([0, 1, 0, 1]), "class"))
    assert (found.drop, found.conflicts) == ((0, 1), (("a", "b"),))


def test_equal_samples_with_two_numbers_are_kept_and_never_split_apart() -> None:
    numbers = view(np.array([1.0, 2.0, 3.0, 4.0]), "number")
    assert (conflicts(numbers).drop, conflicts(numbers).findings) == ((), ())
    assert copies(numbers).duplicates == (("a", "b"),)
    bound = bind(numbers)
    assert bound is not None
    assert bound.tolist() == [0, 0, 2, 3]
