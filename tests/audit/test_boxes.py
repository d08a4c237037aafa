"""Checks of boxes that are whole but doubtful."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from goodfit.audit.boxes import doubled, nothing, unseen
from goodfit.audit.check import View
from goodfit.audit.labels import enough, rare
from goodfit.core.errors import DataError
from goodfit.core.samples import Index, Schema
from goodfit.core.target_kinds import no_boxes, pad_boxes


def view(target: np.ndarray, kind: Any = "boxes") -> View:
    n = len(target)
    names = np.array([f"{i}.png" for i in range(n)], dtype=object)
    index = Index(id=names, where=names, target=target, part=np.array([""] * n, dtype=object))

    class Looked:
        height = width = np.full(n, 400)

    schema = Schema(task="detection", format="x", target_kind=kind, classes=("a", "b"))
    scan: Any = Looked()
    return View(schema=schema, index=index, scan=scan, notes=(), refused=(), kept=np.ones(n, dtype=bool))


def scenes() -> np.ndarray:
    target = pad_boxes(no_boxes(3), 3)
    target[0, :3] = [[0, 10, 10, 100, 100, 0], [0, 11, 10, 100, 100, 0], [1, 10, 10, 100, 100, 0]]
    target[1, :2] = [[0, 10, 10, 11, 60, 0], [0, 50, 50, 54, 54, 1]]
    return target


def test_small_boxes_are_counted_without_ignored_regions() -> None:
    (found,) = unseen(view(scenes())).findings
    assert (found.code, found.numbers["boxes"], found.ids) == ("GF-D061", 1, ("1.png",))


def test_two_boxes_of_one_class_around_one_thing_are_named() -> None:
    (found,) = doubled(view(scenes())).findings
    assert (found.code, found.numbers["boxes"], found.ids) == ("GF-D062", 1, ("0.png",))


def test_pictures_that_show_nothing_are_counted() -> None:
    (found,) = nothing(view(scenes())).findings
    assert (found.code, found.ids) == ("GF-D063", ("2.png",))


def test_other_targets_are_left_alone() -> None:
    other = view(np.array([0, 1, 0]), kind="class")
    assert [check(other).findings for check in (unseen, doubled, nothing)] == [(), (), ()]


def test_training_pictures_without_any_box_are_an_error_in_words() -> None:
    with pytest.raises(DataError, match="no training sample shows any"):
        enough(view(no_boxes(3)))
    assert {finding.code for finding in rare(view(no_boxes(3))).findings} == {"GF-D008"}
    with pytest.raises(DataError, match="no training sample shows any"):
        enough(view(np.zeros((3, 2), dtype=np.uint8), kind="multilabel"))
