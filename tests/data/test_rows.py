"""Rows as a data set: facts of columns, inputs from training samples alone, copies, joined test sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.core.samples import Index, Schema
from goodfit.data.columns import read_column
from goodfit.data.reading import read
from goodfit.data.row_facts import describe_columns, inputs_of, moments
from goodfit.data.rows import Rows, shown
from goodfit.data.scan import scan


def rows_of(columns: dict[str, list[Any]], target: list[float] | None = None) -> Rows:
    """A data set of these cells."""
    n = len(next(iter(columns.values())))
    values = np.arange(n, dtype=np.float64) if target is None else np.array(target, dtype=np.float64)
    name = np.array([f"t.csv:{i}" for i in range(n)] + [None], dtype=object)[:-1]
    empty = np.array([""] * n + [None], dtype=object)[:-1]
    index = Index(id=name, where=empty, target=values, part=empty)
    schema = Schema(task="tabular_regression", format="test", target_kind="number")
    read_columns = {key: read_column(cells) for key, cells in columns.items()}
    return Rows(schema=schema, index=index, columns=read_columns, rows=np.arange(n))


def described(columns: dict[str, list[Any]]) -> dict[str, dict[str, Any]]:
    return {c["name"]: c for c in describe_columns({k: read_column(v) for k, v in columns.items()})}


def test_a_sample_is_a_mapping_from_column_to_value() -> None:
    rows = rows_of({"age": ["39", "?"], "job": ["clerk", None], "day": ["2024-01-31", ""]})
    assert rows[0] == {"age": 39.0, "job": "clerk", "day": "2024-01-31"}
    assert rows[1] == {"age": None, "job": None, "day": None}
    assert rows.take(np.array([1, 0]))[1] == rows[0]
    assert shown(rows[0]) == "age 39 · job clerk · day 2024-01-31"


def test_columns_that_cannot_serve_say_why() -> None:
    n = 40
    found = described(
        {
            "Id": [str(100 + 7 * i) for i in range(n)],
            "counter": [str(i) for i in range(n)],
            "name": [f"person {i}" for i in range(n)],
            "same": ["x"] * n,
            "void": [None] * n,
            "note": [f"some words of a long note about row number {i}" for i in range(n)],
            "price": [f"{1.5 * i}" for i in range(n)],
            "kind": ["a", "b"] * (n // 2),
        }
    )
    why = {name: c.get("why") for name, c in found.items()}
    assert why == {
        "Id": "id", "counter": "id", "name": "id", "same": "constant", "void": "empty", "note": "text", "price": None,
        "kind": None,
    }  # fmt: skip
    assert [name for name, c in found.items() if c["use"]] == ["price", "kind"]


def test_whole_numbers_named_as_codes_are_categories() -> None:
    cells = [str(20 + 10 * (i % 5)) for i in range(60)]
    found = described({"MSSubClass": cells, "OverallQual": cells})
    assert (found["MSSubClass"]["kind"], found["OverallQual"]["kind"]) == ("category", "number")


def test_inputs_know_only_the_samples_that_they_were_made_from() -> None:
    rows = rows_of({"x": [1, 2, 3, 1000], "c": ["a"] * 3 + ["b"]})
    facts = rows.measured(np.arange(4))
    whole = Rows(
        schema=Schema(**{**rows.schema.__dict__, "facts": facts}),
        index=rows.index,
        columns=rows.columns,
        rows=rows.rows,
    )
    x, c = whole.learnt(np.array([0, 1, 2]))["inputs"]
    assert (x["median"], x["mean"], max(x["knots"]), x["marked"]) == (2.0, 2.0, 3.0, False)
    assert c["names"] == ["a"]  # b was not seen in train


def test_rare_categories_have_no_place_of_their_own() -> None:
    column = {"c": read_column(["a"] * 5 + ["b"] * 3 + ["c"] * 2)}
    (entry,) = inputs_of(column, describe_columns(column))
    assert entry["names"] == ["a", "b"]


def test_a_date_becomes_seconds_year_month_and_weekday() -> None:
    days = [f"2024-{m:02d}-{d:02d}" for m in (1, 2, 3) for d in (1, 9, 20)]
    columns = {"day": read_column(days)}
    names = [entry["name"] for entry in inputs_of(columns, describe_columns(columns))]
    assert names == ["day.seconds", "day.month", "day.weekday"]  # one year and no time of day say nothing
    found = moments(read_column(["2024-01-31T12:00:00"]).values)
    assert {key: value[0] for key, value in found.items()} == {"year": 2024, "month": 1, "weekday": 2, "hour": 12}


def test_equal_rows_are_copies_only_in_a_table_where_that_is_no_chance(tmp_path: Path) -> None:
    rich = rows_of({"x": [*map(float, range(30)), 0.5, 0.5]}, [*map(float, range(30)), 1, 1])
    poor = rows_of({"x": [0.0, 1.0] * 16}, [0.0, 1.0] * 16)
    seen = scan(rich, tmp_path).seen
    assert seen[30] == seen[31] != ""
    assert set(scan(poor, tmp_path).seen) == {""}


def test_fingerprint_changes_with_a_cell_and_not_with_the_folder(tmp_path: Path) -> None:
    body = "a,b,y\n" + "".join(f"{i},{i % 3},{i % 2}\n" for i in range(40))
    for folder in ("one", "two", "three"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "d.csv").write_text(body if folder != "three" else body.replace("7,1,1", "7,2,1"))
    one, two, three = (
        read(DataSection(path=str(tmp_path / f / "d.csv")), tmp_path).fingerprint for f in ("one", "two", "three")
    )
    assert one == two != three


def test_a_named_test_set_that_lacks_a_column_has_it_missing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,y\n" + "".join(f"{i}.5,{i % 3},{i % 2}\n" for i in range(40)))
    (tmp_path / "b.csv").write_text("a,y\n1.5,0\n2.5,1\n")
    rows = read(DataSection(path=str(tmp_path / "a.csv"), test=str(tmp_path / "b.csv")), tmp_path)
    tests = np.flatnonzero(rows.index.part == "test")
    assert [rows[int(i)]["b"] for i in tests] == [None, None]
    with pytest.raises(DataError, match="no column named 'nope'"):
        read(DataSection(path=str(tmp_path / "a.csv"), time="nope"), tmp_path)
