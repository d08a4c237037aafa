"""Which tables belong together, and tables that are packed."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from goodfit.core.errors import DataError
from goodfit.data.readers import tabletext
from goodfit.data.readers.tablefiles import files_of
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
