"""ARFF files and SQLite databases as tables of rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data.readers.arff import read_arff
from goodfit.data.readers.sqlite import read_query
from goodfit.data.reading import read
from goodfit.data.rows import Rows

ARFF = """% a comment
@RELATION weather
@ATTRIBUTE 'outer temperature' NUMERIC
@attribute sky {sunny, 'half cloudy', rain}
@attribute zone string
@attribute class {yes,no}

@DATA
21.5, sunny, a, yes
?, 'half cloudy', b, no
19, rain, ?, yes
"""


def test_arff_names_kinds_and_missing_cells(tmp_path: Path) -> None:
    path = tmp_path / "w.arff"
    path.write_text(ARFF * 1 + "".join(f"{i}, rain, z, no\n" for i in range(20)))
    table, kinds = read_arff(path)
    assert table.columns == ("outer temperature", "sky", "zone", "class")
    assert table.rows[1] == (None, "half cloudy", "b", "no")
    assert kinds == {"outer temperature": "number", "sky": "category", "class": "category"}
    found = read(DataSection(path=str(path)), tmp_path)
    assert isinstance(found, Rows)
    assert (found.schema.classes, len(found)) == (("no", "yes"), 23)


def test_sparse_arff_rows_fill_up_with_zero_and_the_first_value(tmp_path: Path) -> None:
    path = tmp_path / "s.arff"
    path.write_text("@relation r\n@attribute a numeric\n@attribute b {x,y}\n@data\n{0 3}\n{1 y}\n{}\n")
    assert list(read_arff(path)[0].rows) == [("3", "x"), ("0", "y"), ("0", "x")]


def test_values_that_the_header_does_not_know_are_skipped_and_named(tmp_path: Path) -> None:
    path = tmp_path / "w.arff"
    path.write_text(ARFF + "20, rain, b, maybe\n18, fog, b, no\n")
    table = read_arff(path)[0]
    assert len(table.rows) == 3
    assert list(table.skipped) == [(12, "undeclared"), (13, "undeclared")]
    path.write_text(ARFF.replace("{yes,no}", "{yes,no"))
    with pytest.raises(DataError, match=r"w\.arff:6.*no closing brace|no closing brace.*w\.arff:6"):
        read_arff(path)


def test_arff_cells_may_be_long_but_not_endless(tmp_path: Path) -> None:
    path = tmp_path / "l.arff"
    path.write_text(f"@relation r\n@attribute a string\n@data\n{'x' * 200_000}\n{'y' * (1 << 21)}\nz\n{{² 3}}\n")
    table = read_arff(path)[0]
    assert [len(str(row[0])) for row in table.rows] == [200_000, 1]
    assert list(table.skipped) == [(5, "ragged"), (7, "ragged")]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("@relation r\n@attribute a\n@data\n1\n", "declares no attribute"),
        ("@relation r\n@attribute a numeric\n", "no attributes or no rows"),
        ("@relation r\n@attribute a numeric\n@data\n1,2\n", "no row of this ARFF"),
        ("", "no attributes"),
    ],
)
def test_a_faulty_arff_file_is_said_in_words(text: str, match: str, tmp_path: Path) -> None:
    (tmp_path / "f.arff").write_text(text)
    with pytest.raises(DataError, match=match):
        read_arff(tmp_path / "f.arff")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "d.sqlite"
    with closing(sqlite3.connect(path)) as made:
        made.execute("create table t (x real, c text, y integer)")
        made.executemany("insert into t values (?, ?, ?)", [(i / 2, "ab"[i % 2], i % 2) for i in range(40)])
        made.commit()
    return path


def test_a_lone_table_needs_no_query(database: Path, tmp_path: Path) -> None:
    found = read(DataSection(path=str(database)), tmp_path)
    assert isinstance(found, Rows)
    assert (len(found), found.schema.target_name, found[1]) == (40, "y", {"x": 0.5, "c": "b"})


def test_a_query_chooses_rows_and_columns(database: Path, tmp_path: Path) -> None:
    query = "select x, y as label from t where x < 10"
    found = read(DataSection(path=str(database), query=query), tmp_path)
    assert (len(found), found.schema.target_name) == (20, "label")


@pytest.mark.parametrize(
    "query", ["delete from t", "insert into t values (1, 'a', 1)", "drop table t", "create table u (z)"]
)
def test_a_query_that_would_write_is_refused_and_writes_nothing(query: str, database: Path) -> None:
    before = database.read_bytes()
    with pytest.raises(DataError, match="SQLite cannot answer"):
        read_query(database, query)
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ("select nope from t", "no such column"),
        ("selec", "syntax error"),
        ("select x, x from t", "one name"),
        ("select * from t where x > 999", "gives no rows"),
    ],
)
def test_a_faulty_query_is_said_in_words(query: str, match: str, database: Path) -> None:
    with pytest.raises(DataError, match=match):
        read_query(database, query)


def test_several_tables_are_listed(database: Path) -> None:
    with closing(sqlite3.connect(database)) as made:
        made.execute("create table other (z)")
    with pytest.raises(DataError, match="other, t"):
        read_query(database, None)


def test_a_query_for_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("x,y\n" + "".join(f"{i}.5,{i % 2}\n" for i in range(30)))
    with pytest.raises(DataError, match=r"data\.query"):
        read(DataSection(path=str(tmp_path / "d.csv"), query="select 1"), tmp_path)


def test_a_damaged_database_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "d.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 500)
    with pytest.raises(DataError, match="SQLite cannot"):
        read(DataSection(path=str(tmp_path / "d.sqlite")), tmp_path)
