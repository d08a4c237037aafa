"""Feather, Arrow, Excel and saved data sets are tables of texts or rows like any other."""

from __future__ import annotations

import datetime
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.feather
import pyarrow.ipc
import pytest

from goodfit.core.errors import DataError, MissingExtra
from goodfit.core.recipe import DataSection
from goodfit.data.readers import workbook
from goodfit.data.readers.tabletext import read_table
from goodfit.data.reading import describe, read
from goodfit.data.rows import Rows
from goodfit.data.texts import Texts

REVIEWS = [f"a film of {word} scenes and a {word} end, number {i}" for i, word in enumerate(("fine", "poor") * 6)]


def get(path: Path, tmp_path: Path, **section: str) -> Any:
    return read(DataSection(path=str(path), **section), tmp_path / "cache")


def save(folder: Path, part: str, columns: dict[str, Any], names: list[str]) -> None:
    """A part as `save_to_disk` writes it."""
    (folder / part).mkdir(parents=True)
    note = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    table = pyarrow.table(columns).replace_schema_metadata({b"huggingface": json.dumps(note).encode()})
    with pyarrow.ipc.new_stream(str(folder / part / "data-00000-of-00001.arrow"), table.schema) as writer:
        writer.write_table(table)


def test_a_saved_data_set_of_texts_keeps_its_parts_and_the_names_of_its_classes(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    save(folder, "train", {"text": REVIEWS[:8], "label": [0, 1] * 4}, ["good", "bad"])
    save(folder, "test", {"text": REVIEWS[8:], "label": [0, 1, -1, -1]}, ["good", "bad"])
    dataset = get(folder, tmp_path)
    assert isinstance(dataset, Texts)
    assert describe(dataset).counts == {"train": 8, "test": 4}
    assert dataset.schema.classes == ("bad", "good")
    assert dataset.index.target.tolist() == [1, 0] * 4 + [1, 0, -1, -1]
    assert "train/data" in dataset.schema.format


def test_doccano_lists_of_one_label_are_classes_and_longer_ones_are_several(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    lines = [{"id": i, "text": text, "label": [("good", "bad")[i % 2]]} for i, text in enumerate(REVIEWS)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert get(file, tmp_path).schema.classes == ("bad", "good")
    lines[0]["label"] = ["good", "long"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert get(file, tmp_path).schema.task == "text_multilabel"


def test_choices_of_label_studio_on_texts_are_classes(tmp_path: Path) -> None:
    file = tmp_path / "project.json"
    tasks = [
        {"data": {"text": t}, "annotations": [{"result": [{"value": {"choices": [("good", "bad")[i % 2]]}}]}]}
        for i, t in enumerate(REVIEWS)
    ]
    tasks[3]["annotations"] = []
    tasks[4]["data"] = {"text": " "}
    file.write_text(json.dumps(tasks))
    dataset = get(file, tmp_path)
    assert (dataset.schema.task, dataset.schema.classes) == ("text_classification", ("bad", "good"))
    assert sorted(dataset.refused) == [("project.json:4", "no_label"), ("project.json:5", "empty")]


def test_feather_rows_are_rows(tmp_path: Path) -> None:
    columns = {"size": [1.5, 2.0, None, 4.0], "kind": ["a", "b", "a", "b"], "price": [1.25, 2.5, 3.75, 5.5]}
    pyarrow.feather.write_feather(pyarrow.table(columns), tmp_path / "homes.feather")
    dataset = get(tmp_path, tmp_path)
    assert isinstance(dataset, Rows)
    assert dataset.index.target.tolist() == [1.25, 2.5, 3.75, 5.5]
    assert dataset[2]["size"] is None


def test_long_and_wide_tables_of_times_are_plain_rows(tmp_path: Path) -> None:
    days = [f"2024-01-{day:02d}" for day in range(1, 13)]
    long = "".join(f"shop{k},{day},{10 * k + i / 2}\n" for k in range(2) for i, day in enumerate(days))
    (tmp_path / "long.csv").write_text("item,date,target\n" + long)
    dataset = get(tmp_path / "long.csv", tmp_path, time="date", group="item")
    assert (len(dataset), dataset.schema.task) == (24, "tabular_regression")
    assert dataset.index.time[1] - dataset.index.time[0] == 86400
    wide = "".join(f"{day},{i},{i * i},{i / 3}\n" for i, day in enumerate(days))
    (tmp_path / "wide.csv").write_text("date,a,b,target\n" + wide)
    assert sorted(get(tmp_path / "wide.csv", tmp_path)[0]) == ["a", "b", "date"]


def test_the_first_sheet_of_a_workbook_is_a_table(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra excel is not installed")
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["", "day", "size", "kind"], [1, datetime.date(2024, 1, 31), 1.5, "a"], [], [2, None, 2, "=1+1"]):
        sheet.append(row)
    book.create_sheet("other").append(["not this"])
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert table.columns == ("column_1", "day", "size", "kind")
    assert table.rows == [("1", "2024-01-31T00:00:00", 1.5, "a"), ("2", None, "2", None)]  # a formula never computed
    assert list(table.lines) == [2, 4]


def test_a_workbook_of_homes_is_read_as_rows(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra excel is not installed")
    book = openpyxl.Workbook()
    book.active.append(["size", "kind", "price"])
    for i in range(12):
        book.active.append([i + 0.5, "ab"[i % 2], 3.5 * i])
    book.save(tmp_path / "homes.xlsx")
    dataset = get(tmp_path, tmp_path)
    assert (dataset.schema.format, dataset.schema.task) == ("table of rows in homes.xlsx", "tabular_regression")


def test_a_damaged_workbook_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="the extra excel is not installed")
    (tmp_path / "a.xlsx").write_bytes(b"no workbook at all")
    with pytest.raises(DataError, match="Excel file cannot be read"):
        get(tmp_path / "a.xlsx", tmp_path)
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DataError, match="Excel file cannot be read"):
        get(tmp_path / "b.xlsx", tmp_path)


def test_a_workbook_that_is_a_bomb_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openpyxl", reason="the extra excel is not installed")
    monkeypatch.setattr(workbook, "FREE_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 1_000_000)
    with pytest.raises(DataError, match="as a bomb does"):
        get(tmp_path / "a.xlsx", tmp_path)


def test_without_openpyxl_the_extra_is_named_and_class_folders_beside_a_workbook_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "a.xlsx").write_bytes(b"x")
    with pytest.raises(MissingExtra, match=r"goodfit\[excel\]"):
        get(tmp_path / "a.xlsx", tmp_path)
    with pytest.raises(MissingExtra, match=r"goodfit\[excel\]"):
        get(tmp_path, tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(f"some text of {name}")
    assert get(tmp_path, tmp_path).schema.format == "class folders of texts"
