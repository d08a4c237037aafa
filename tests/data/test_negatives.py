"""Samples of nothing are recognised by each kind of target, and drawn in a fixed order."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.core.samples import Schema
from goodfit.core.target_kinds import no_boxes
from goodfit.data.negatives import background_class, is_background, thinned


def schema(kind: str, classes: tuple[str, ...] = ("cat", "background")) -> Schema:
    return Schema(task="t", format="f", target_kind=kind, classes=classes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("classes", "found"), [
    (("cat", "Background"), 1), (("bg", "cat"), 0), (("猫", "背景"), 1), (("a", "No-Object"), 1),
    (("neg", "pos"), None), (("cat", "dog"), None),
])  # fmt: skip
def test_a_background_class_is_known_by_its_name(classes: tuple[str, ...], found: int | None) -> None:
    assert background_class(classes) == found


def test_a_class_that_is_named_counts_and_an_unknown_one_is_an_error() -> None:
    assert background_class(("cat", "rest"), "rest") == 1
    with pytest.raises(DataError, match="no class has this name"):
        background_class(("cat", "rest"), "rset")


def test_nothing_is_a_picture_without_boxes_but_not_one_that_nobody_annotated() -> None:
    boxes = no_boxes(3)
    boxes[1, 0] = (0, 1, 1, 5, 5, 0)
    boxes[2, 0, 0] = -2
    found = is_background(boxes, schema("boxes"))
    assert found is not None
    assert found.tolist() == [True, False, False]


def test_nothing_is_no_label_at_all_or_a_member_of_the_class_and_a_number_knows_none() -> None:
    many = is_background(np.array([[0, 0], [1, 0]], dtype=np.uint8), schema("multilabel"))
    one = is_background(np.array([1, 0, -1]), schema("class"))
    assert many is not None and one is not None
    assert (many.tolist(), one.tolist()) == ([True, False], [True, False, False])
    assert is_background(np.array([1.0, 2.0]), schema("number")) is None


def test_two_negatives_a_positive_are_kept_and_a_larger_ratio_keeps_the_same_ones() -> None:
    negative = np.arange(100) >= 10  # 10 positives, 90 negatives
    two, three = (thinned(np.arange(100), negative, r, seed=5) for r in (2.0, 3.0))
    assert (len(two), len(three)) == (30, 40)
    assert set(range(10)) < set(two.tolist()) < set(three.tolist())
    assert thinned(np.arange(100), negative, 9.0, seed=5).tolist() == list(range(100))
    assert thinned(np.arange(100), negative, 2.0, seed=5).tolist() == two.tolist()
    assert thinned(np.arange(100), negative, 2.0, seed=6).tolist() != two.tolist()
