"""One record of functions a kind of target."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.core.target_kinds import KINDS, kind_of, pad_boxes

BOXES = np.array(
    [
        [[0, 1, 1, 5, 5, 0], [1, 2, 2, 9, 9, 0]],  # one of each class
        [[0, 1, 1, 5, 5, 0], [0, 3, 3, 9, 9, 1]],  # the second is an ignored region
        [[-1, 0, 0, 0, 0, 0], [-1, 0, 0, 0, 0, 0]],  # nothing to be seen
        [[-2, 0, 0, 0, 0, 0], [-1, 0, 0, 0, 0, 0]],  # not annotated
    ],
    dtype=np.float32,
)
COLUMNS = {
    "class": np.array([0, 1, -1, 1]),
    "multilabel": np.array([[1, 0], [0, 1], [0, 0], [1, 1]], dtype=np.uint8),
    "number": np.array([0.5, 2.0, np.nan, 1.0]),
    "boxes": BOXES,
}


@pytest.mark.parametrize("name", KINDS)
def test_a_column_shows_its_own_kind(name: str) -> None:
    assert KINDS[name].name == name
    assert kind_of(COLUMNS[name]) is KINDS[name]
    assert kind_of(KINDS[name].empty(3, 2)) is KINDS[name]
    assert len(KINDS[name].empty(3, 2)) == 3


@pytest.mark.parametrize("name", KINDS)
def test_strata_counts_members_and_words_fit_the_column(name: str) -> None:
    kind, column = KINDS[name], COLUMNS[name]
    known = kind.known(column)
    assert (known.shape, known.dtype) == ((4,), bool)
    assert kind.strata(column[known]).shape == (known.sum(),)
    assert all(isinstance(kind.text(row, ("a", "b")), str) for row in column)
    assert (kind.counts is None) == (kind.members is None) == (name == "number")
    if kind.counts is not None and kind.members is not None:
        assert kind.counts(column, 2).shape == (2,)
        assert kind.members(column, 2).shape == (2, 4)


@pytest.mark.parametrize("name", KINDS)
def test_two_columns_join_and_classes_can_be_numbered_anew(name: str) -> None:
    kind, column = KINDS[name], COLUMNS[name]
    assert len(kind.join(column, column[:2])) == 6
    swapped = kind.recode(column, np.array([1, 0]), 2)
    if kind.counts is not None:
        assert list(kind.counts(swapped, 2)) == list(kind.counts(column, 2))[::-1]
    np.testing.assert_array_equal(kind.known(swapped), kind.known(column))


@pytest.mark.parametrize("name", KINDS)
def test_the_prior_is_one_row_of_outputs_or_two(name: str) -> None:
    kind, column = KINDS[name], COLUMNS[name]
    known = column[kind.known(column)]
    rows = kind.priors(known, known, 2)
    assert 1 <= len(rows) <= 2
    assert all(row.dtype == np.float32 and np.isfinite(row).all() for row in rows)


def test_boxes_are_counted_without_ignored_regions_and_said_in_words() -> None:
    kind = KINDS["boxes"]
    assert list(kind.counts(BOXES, 2)) == [2, 1]  # type: ignore[misc]
    assert [kind.text(row, ("cat", "dog")) for row in BOXES] == ["cat 1, dog 1", "cat 1", "-", "?"]
    assert list(kind.known(BOXES)) == [True, True, True, False]
    assert list(kind.strata(BOXES)) == [0, 1, 2, 2]  # the rarest class, then the other, then none


def test_padding_adds_rows_of_no_class() -> None:
    wide = pad_boxes(BOXES, 5)
    assert wide.shape == (4, 5, 6)
    assert (wide[:, 2:, 0] == -1).all()
    np.testing.assert_array_equal(wide[:, :2], BOXES)
    assert KINDS["boxes"].join(BOXES, wide).shape == (8, 5, 6)
