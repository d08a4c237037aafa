"""Cells as people write them: numbers as text, dates in several orders, marks of what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from goodfit.data.columns import as_kind, as_text, guess_kind, iso, number, order_of, read_column, seconds, stacked


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,200", 1200.0),
        ("1,234,567.5", 1234567.5),
        ("$5", 5.0),
        ("-$5.50", -5.5),
        (" 7 ", 7.0),
        ("12 %", 12.0),
        ("(3)", -3.0),
        ("1e3", 1000.0),
        ("+.5", 0.5),
        ("€ 1,000", 1000.0),
    ],
)
def test_numbers_as_people_write_them_are_numbers(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    "text", ["", "abc", "1,20", "1_000", "inf", "nan", "1-2", "$", "0x10", "12:30", "1e999", ".", "9" * 200]
)
def test_what_is_no_finite_number_is_none(text: str) -> None:
    assert math.isnan(number(text))


@pytest.mark.parametrize("mark", ["", " ", "?", "NA", "n/a", "NaN", "null", "#N/A", None, float("nan")])
def test_marks_of_missing_cells_are_missing_in_every_column(mark: object) -> None:
    assert as_text(mark) is None


def test_a_whole_number_is_the_same_text_however_it_was_stored() -> None:
    assert [as_text(cell) for cell in (60, 60.0, "60", "60.0", "60.00")] == ["60"] * 5
    assert as_text("2.50") == "2.50"
    assert as_text(True) == "true"


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2", "?"], "number"),
        (["$1,000", "$20"], "number"),
        (["red", "blue", "red"], "category"),
        (["yes", "no", "yes"], "category"),
        (["02139", "10001", "00501"], "category"),
        (["2024-01-31", "2023-12-01"], "date"),
        (["31.12.2024", "1.1.2024"], "date"),
        (["none", "-", "none"], "category"),
        ([f"a long sentence number {i} about something" for i in range(30)], "text"),
        ([None, None], "number"),
    ],
)
def test_kind_of_a_column_is_that_of_nearly_all_its_cells(cells: list[str | None], kind: str) -> None:
    assert guess_kind([as_text(cell) for cell in cells]) == kind


def test_a_typing_error_among_numbers_counts_as_missing_and_is_counted() -> None:
    column = read_column(["3"] * 99 + ["abc"])
    assert (column.kind, column.strays, int(column.missing.sum())) == ("number", 1, 1)
    assert read_column(["3"] * 9 + ["abc"]).kind == "category"


def test_a_number_whose_square_is_infinite_is_a_typing_error() -> None:
    column = read_column([str(k) for k in range(99)] + ["9" * 200])
    assert (column.kind, column.strays) == ("number", 1)
    assert np.isfinite(np.nanstd(column.values))


def test_dates_become_seconds_whatever_their_order_and_zone() -> None:
    assert seconds("1970-01-02", "ymd") == 86400
    assert seconds("2.1.1970", "dmy") == 86400
    assert seconds("1/2/1970", "mdy") == 86400
    assert seconds("1970-01-01T02:00:00+02:00", "ymd") == 0
    assert seconds("1970-01-01 00:01", "ymd") == 60
    assert math.isnan(seconds("1970-13-01", "ymd"))
    assert iso(86400.0) == "1970-01-02"


def test_order_of_day_and_month_is_told_by_a_day_above_twelve() -> None:
    assert order_of(["1/2/2024", "3/25/2024"]) == "mdy"
    assert order_of(["1/2/2024", "25/3/2024"]) == "dmy"
    assert order_of(["1/2/2024"]) == "dmy"
    assert order_of(["red"]) == ""


def test_dates_keep_their_moments_under_the_order_of_another_table() -> None:
    american, iso_text = read_column(["1/31/2024", "2/1/2024"]), read_column(["2024-01-31", None, "2024-02-01"])
    assert (american.order, iso_text.order) == ("mdy", "ymd")
    moved = as_kind(iso_text, "date", american.order)
    assert [moved.value(i) for i in range(3)] == ["2024-01-31", None, "2024-02-01"]
    assert seconds("2024-01-31", "mdy") == seconds("1/31/2024", "mdy")
    assert stacked(american, iso_text).missing.tolist() == [False, False, False, True, False]


def test_dates_without_a_day_above_twelve_take_the_order_of_the_table_that_tells() -> None:
    unclear = read_column(["3/4/2024 10:30", None])
    assert unclear.order == "dmy"
    assert as_kind(unclear, "date", "mdy").value(0) == "2024-03-04T10:30:00Z"
    clear = read_column(["31/1/2024", "3/4/2024"])
    assert as_kind(clear, "date", "mdy").value(1) == "2024-04-03"


def test_categories_read_as_numbers_keep_their_values_and_their_gaps() -> None:
    column = read_column(["60", "20", None, "x"], "category")
    np.testing.assert_array_equal(as_kind(column, "number").values, [60, 20, np.nan, np.nan])
    back = as_kind(read_column([60.0, 20.5, None]), "category")
    assert [back.value(i) for i in range(3)] == ["60", "20.5", None]


def test_stacked_columns_share_one_list_of_categories() -> None:
    both = stacked(read_column(["a", "b"], "category"), read_column(["b", None, "c"], "category"))
    assert [both.value(i) for i in range(5)] == ["a", "b", "b", None, "c"]
    assert both.names == ("a", "b", "c")
