"""Which tables belong together, and tables that are packed."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from goodfit.core.errors import DataError
from goodfit.data.readers import tabletext
from goodfit.data.readers.tablefiles import files_of, notes_of
from goodfit.data.readers.tabletext import is_table, read_table, stem_of

PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}


@pytest.mark.parametrize("suffix", PACK)
def test_packed_table_reads_as_the_plain_one(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"Train.csv{suffix}"
    file.write_bytes(PACK[suffix]("text,label\n好,a\nb,c\n".encode()))
    assert is_table(file)
    assert stem_of(file) == "train"
    table = read_table(file)
    assert table.columns == ("text", "label")
    assert table.rows == [("好", "a"), ("b", "c")]


@pytest.mark.parametrize("suffix", PACK)
def test_damaged_or_endless_packed_table_is_refused(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / f"a.csv{suffix}"
    file.write_bytes(PACK[suffix](b"a,b\n" * 5000)[:-9])
    with pytest.raises(DataError, match=r"damaged|cannot be read"):
        read_table(file)
    file.write_bytes(PACK[suffix](b"a,b\n" * 5000))
    monkeypatch.setattr(tabletext, "MOST_BYTES", 10_000)
    with pytest.raises(DataError, match="too large"):
        read_table(file)


def test_table_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,label\nx,y\n")
    assert len(read_table(file).rows) == 1
    file.write_text("text,label\nx,y\nz,y\n")
    assert len(read_table(file).rows) == 2


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["train.csv", "test.csv.gz", "notes.tsv"], {"train": "train.csv", "test": "test.csv.gz"}),
        (["imdb_train.csv.xz", "imdb_test.csv.xz"], {"train": "imdb_train.csv.xz", "test": "imdb_test.csv.xz"}),
        (["a-train.jsonl", "a-valid.jsonl"], {"train": "a-train.jsonl", "val": "a-valid.jsonl"}),
        (["one.csv"], {"": "one.csv"}),
        (["one.csv", "two.csv"], {}),
        (["a_train.csv", "b_test.csv"], {}),
    ],
)
def test_tables_of_one_beginning_are_parts_of_one_set(names: list[str], parts: dict[str, str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert {part: file.name for part, file in files_of(tmp_path, None).items()} == parts


@pytest.mark.parametrize(
    ("lines", "columns", "made_up"),
    [
        ([",age,city", "0,31,Rome", "1,32,Bern"], ("column_1", "age", "city"), ("column_1",)),  # pandas' index
        ([",text", "0,good", "1,bad"], ("column_1", "text"), ("column_1",)),
        (["age,age,city", "31,32,Rome", "33,34,Bern"], ("age", "age#2", "city"), ("age#2",)),
        (["age,,age#2,age", "1,2,3,4"], ("age", "column_2", "age#2", "age#3"), ("column_2", "age#3")),
        (["column_2,,x", "1,2,3"], ("column_2", "column_2#2", "x"), ("column_2#2",)),
        (["country,2019,2020,2021", "Chad,1,2,3"], ("country", "2019", "2020", "2021"), ()),
        (["id,7", "1,2.5", "2,3.5"], ("id", "7"), ()),
        (["a,b", "1,2"], ("a", "b"), ()),
        (["5.1,3.5,iris", "4.9,3.0,iris"], ("column_1", "column_2", "column_3"), ("column_1", "column_2", "column_3")),
        (["red,,big", "red,3,big"], ("column_1", "column_2", "column_3"), ("column_1", "column_2", "column_3")),
        (["?,5,3", "2,4,1"], ("column_1", "column_2", "column_3"), ("column_1", "column_2", "column_3")),
        (["1,a great film", "0,a poor one"], ("column_1", "column_2"), ("column_1", "column_2")),
    ],
)
def test_columns_are_named_by_the_first_row_and_where_it_does_not_that_is_told(
    lines: list[str], columns: tuple[str, ...], made_up: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("\n".join(lines) + "\n")
    table = read_table(file)
    assert (table.columns, table.made_up) == (columns, made_up)
    assert len(table.rows) == len(lines) - (made_up != columns)  # a header is no row
    told = [(note.code, note.numbers["names"]) for note in notes_of(table)]
    assert told == ([("GF-D045", ", ".join(made_up))] if made_up else [])


def test_a_file_of_commas_alone_is_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",,,\n,,,\n")
    with pytest.raises(DataError, match="empty"):
        read_table(tmp_path / "a.csv")


def test_dates_and_decimals_of_parquet_are_cells_and_bytes_are_left_out_and_told(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    columns = {
        "day": [date(2024, 1, 31)],
        "at": [datetime(2024, 1, 31, 12, 30)],
        "price": [Decimal("12.50")],
        "raw": [b"x"],
        "inside": [{"day": date(2024, 1, 31)}],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.rows == [("2024-01-31", "2024-01-31T12:30:00", "12.50", '{"day": "2024-01-31"}')]
    assert [(note.code, note.numbers["names"]) for note in notes_of(table)] == [("GF-D131", "raw")]
