"""Tables of rows: which column is the target, what the others are, and what is said when that is not clear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data.reading import read
from goodfit.data.rows import Rows

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def made(head: str, lines: list[str], name: str = "data.csv") -> Path:
        (tmp_path / name).write_text("\n".join([head, *lines]) + "\n", "utf-8")
        return tmp_path / name

    return made


def rows(path: Path, **keys: object) -> Rows:
    found = read(DataSection(path=str(path), **keys), path.parent / "cache")  # type: ignore[arg-type]
    assert isinstance(found, Rows)
    return found


LINES = [f"{i}.5,{'ab'[i % 2]},{10 * i},{i % 2}" for i in range(40)]


def test_a_column_named_as_targets_are_is_the_target_wherever_it_stands(write: Write) -> None:
    assert rows(write("x,label,z,w", LINES)).schema.target_name == "label"
    assert rows(write("x,c,SalePrice,w", LINES)).schema.target_name == "SalePrice"
    assert rows(write("x,c,house_price,w", LINES)).schema.target_name == "house_price"


def test_the_last_column_is_the_target_where_none_is_named_so_and_that_is_said(write: Write) -> None:
    found = rows(write("x,c,z,w", LINES))
    assert found.schema.target_name == "w"
    assert [note.code for note in found.notes] == ["GF-D031"]
    assert found.schema.task == "tabular_classification"


def test_two_candidates_are_an_error_that_names_them(write: Write) -> None:
    with pytest.raises(DataError, match=r"data\.target=label, data\.target=class"):
        rows(write("x,label,z,class", LINES))


def test_a_last_column_that_names_rows_is_no_target(write: Write) -> None:
    lines = [f"{i},name {i}" for i in range(40)]
    with pytest.raises(DataError, match="not clear which column"):
        rows(write("x,who", lines))


def test_a_target_that_is_not_there_is_named_with_the_nearest(write: Write) -> None:
    with pytest.raises(DataError, match="Did you mean 'label'"):
        rows(write("x,label,z,w", LINES), target="labl")


def test_many_whole_numbers_are_a_quantity_and_few_are_classes(write: Write) -> None:
    assert rows(write("x,c,price,w", LINES), target="price").schema.task == "tabular_regression"
    assert rows(write("x,c,z,y", LINES)).schema.classes == ("0", "1")


def test_a_target_of_numbers_as_text_is_a_number(write: Write) -> None:
    lines = [f'{i}.5,{"ab"[i % 2]},{i % 7},"${i},200.50"' for i in range(1, 40)]
    found = rows(write("x,c,z,price", lines))
    assert found.schema.target_kind == "number"
    assert found.index.target[0] == 1200.5


def test_rows_without_a_target_are_refused_on_the_training_side(write: Write) -> None:
    lines = [*LINES[:-1], "3.5,a,10,?"]
    found = rows(write("x,c,z,y", lines))
    assert len(found) == 39
    assert found.refused == (("data.csv:41", "no_label"),)


def test_train_and_test_files_in_a_folder_are_the_parts(write: Write, tmp_path: Path) -> None:
    write("x,c,z,y", LINES, "train.csv")
    write("x,c,z,y", LINES[:5], "test.csv")
    found = rows(tmp_path)
    assert [(found.index.part == part).sum() for part in ("train", "test")] == [40, 5]
    assert found.index.id[0] == "train.csv:2"


def test_kinds_are_guessed_from_rows_that_are_not_test(write: Write, tmp_path: Path) -> None:
    write("x,c,z,y", LINES, "train.csv")
    write("x,c,z,y", ["oops,a,10,1"], "test.csv")
    found = rows(tmp_path)
    assert found.columns["x"].kind == "number"
    assert np.isnan(found.columns["x"].values[-1])


def test_test_labels_do_not_decide_what_the_target_is(write: Write, tmp_path: Path) -> None:
    write("x,c,z,y", [f"{i}.5,a,{i},{i % 4}" for i in range(40)], "train.csv")
    write("x,c,z,y", [f"{i}.5,a,{i},{i % 4}" for i in range(40)], "test.csv")
    plain = rows(tmp_path)
    write("x,c,z,y", [f"{i}.5,a,{i},{i % 4 if i < 20 else 'odd'}" for i in range(40)], "test.csv")
    assert (rows(tmp_path).schema.task, rows(tmp_path).schema.classes) == (plain.schema.task, plain.schema.classes)
    assert rows(tmp_path).index.target.tolist() == [*plain.index.target[:60], *[-1] * 20]
    write("x,c,z,y", [f"{i}.5,a,{i},{i + 100}" for i in range(40)], "test.csv")
    with pytest.raises(DataError, match="in the test part only"):
        rows(tmp_path)


def test_a_part_column_keeps_test_labels_out_as_well(write: Write) -> None:
    lines = [f"{i}.5,{'test' if i % 4 == 0 else 'train'},{i},{'odd' if i % 4 == 0 else i / 2}" for i in range(40)]
    found = rows(write("x,split,z,price", lines))
    assert found.schema.task == "tabular_regression"
    order = [int(name.split(":")[1]) - 2 for name in found.index.id]
    wanted = [np.nan if i % 4 == 0 else i / 2 for i in order]
    np.testing.assert_array_equal(found.index.target, wanted)


def test_group_and_time_come_from_their_columns(write: Write) -> None:
    lines = [f"{i}.5,p{i // 4},2024-01-{1 + i % 28:02d},{i % 2}" for i in range(40)]
    found = rows(write("x,person,day,y", lines), group="person", time="day")
    assert found.index.group is not None and len(set(found.index.group)) == 10
    assert "person" not in found.columns
    assert found.index.time is not None and found.index.time[1] - found.index.time[0] == 86400


def test_a_time_that_is_missing_somewhere_cannot_order_rows(write: Write) -> None:
    lines = [f"{i}.5,2024-01-{1 + i % 28:02d},{i % 2}" for i in range(39)] + ["1.5,,1"]
    with pytest.raises(DataError, match="1 cells without a time"):
        rows(write("x,day,y", lines), time="day")


def test_one_column_is_no_table_of_rows(write: Write) -> None:
    with pytest.raises(DataError):
        rows(write("y", [str(i % 2) for i in range(30)]))


def test_tables_of_pictures_are_not_rows(write: Write) -> None:
    with pytest.raises(DataError, match="lead"):
        read(DataSection(path=str(write("file,y", [f"{i}.jpg,{i % 2}" for i in range(30)]))), Path("cache"))


def test_json_lines_are_rows_too(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(
        "".join(f'{{"x": {i}.5, "ok": {str(i % 3 == 0).lower()}, "y": "{"ab"[i % 2]}"}}\n' for i in range(40))
    )
    found = rows(path)
    assert found.schema.classes == ("a", "b")
    assert found.columns["x"].kind == "number"


def test_none_is_a_mark_among_numbers_and_a_category_among_words(tmp_path: Path) -> None:
    lines = [f"{('1.5', 'none', '', '2.5')[i % 4]},{('none', '', 'a', 'b')[i % 4]},{'xy'[i % 2]}" for i in range(24)]
    (tmp_path / "t.csv").write_text("size,kind,target\n" + "\n".join(lines) + "\n")
    notes = read(DataSection(path=str(tmp_path / "t.csv")), tmp_path).notes
    assert [(note.code, note.numbers["names"]) for note in notes] == [("GF-D132", "size: 'none' 6, '' 6")]


def test_decimal_commas_are_refused_and_thousands_are_not(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("size;b;target\n" + "".join(f"{i},25;{i % 3};{'xy'[i % 2]}\n" for i in range(24)))
    with pytest.raises(DataError, match=r"column 'size' have a decimal comma; got 0,25.*data\.ignore=size"):
        read(DataSection(path=str(file)), tmp_path)
    assert read(DataSection(path=str(file), ignore=["size"]), tmp_path).schema.classes == ("x", "y")
    file.write_text("size;b;target\n" + "".join(f"{i + 1},250;{i % 3};{'xy'[i % 2]}\n" for i in range(24)))
    assert read(DataSection(path=str(file)), tmp_path)[0]["size"] == 1250.0
