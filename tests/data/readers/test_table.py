"""Tables of paths: columns are guessed or asked for, odd files are read and said, paths stay inside the folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data.images import ImageFiles
from goodfit.data.reading import describe, read

from ..drawing import draw


def setup(folder: Path, n: int = 12) -> list[str]:
    names = [f"img/{i:02d}.png" for i in range(n)]
    for i, name in enumerate(names):
        draw(folder / name, seed=i)
    return names


def get(path: Path, task: str = "auto", **keys: object) -> ImageFiles:
    dataset = read(DataSection(path=str(path), **keys), path.parent / "cache", task)  # type: ignore[arg-type]
    assert isinstance(dataset, ImageFiles)
    return dataset


def write(folder: Path, name: str, text: str | bytes) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder / name


def rows(names: list[str], labels: list[object], sep: str = ",", head: str = "path{0}label") -> str:
    return "\n".join([head.format(sep), *(f"{n}{sep}{v}" for n, v in zip(names, labels, strict=True))]) + "\n"


def test_csv_of_paths_and_labels(tmp_path: Path) -> None:
    names = setup(tmp_path)
    dataset = get(write(tmp_path, "labels.csv", rows(names, ["cat", "dog"] * 6)))
    assert describe(dataset).task == "image_classification"
    assert dataset.schema.target_name == "label"
    assert dict(zip(dataset.index.id, dataset.index.target, strict=True))["img/03.png"] == 1
    assert dataset[0].shape == (24, 24, 3)


@pytest.mark.parametrize(
    "form", ["tsv", "semicolon", "bom", "crlf", "utf-16", "latin-1", "pipe", "jsonl", "parquet", "no header"]
)
def test_same_table_in_many_forms(tmp_path: Path, form: str) -> None:
    names = setup(tmp_path)
    labels: list[object] = ["Käse", "Brot"] * 6
    plain = rows(names, labels)
    texts = {
        "tsv": ("a.tsv", rows(names, labels, "\t").encode()),
        "semicolon": ("a.csv", rows(names, labels, ";").encode()),
        "pipe": ("a.csv", rows(names, labels, "|").encode()),
        "bom": ("a.csv", b"\xef\xbb\xbf" + plain.encode()),
        "crlf": ("a.csv", plain.replace("\n", "\r\n").encode()),
        "utf-16": ("a.csv", plain.encode("utf-16")),
        "latin-1": ("a.csv", plain.encode("latin-1")),
        "no header": ("a.csv", plain.split("\n", 1)[1].encode()),
        "jsonl": (
            "a.jsonl",
            "\n".join(json.dumps({"path": n, "label": v}) for n, v in zip(names, labels, strict=True)).encode(),
        ),
    }
    if form == "parquet":
        pandas = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        pandas.DataFrame({"path": names, "label": labels}).to_parquet(tmp_path / "a.parquet")
        path = tmp_path / "a.parquet"
    else:
        path = write(tmp_path, *texts[form])
    dataset = get(path)
    assert dataset.schema.classes == ("Brot", "Käse")
    assert len(dataset) == 12
    said = {note.code for note in dataset.notes}
    assert said == {"utf-16": {"GF-D017"}, "latin-1": {"GF-D017"}, "no header": {"GF-D045"}}.get(form, set())


def test_ragged_rows_are_skipped_and_listed_by_line(tmp_path: Path) -> None:
    lines = rows(setup(tmp_path), ["cat", "dog"] * 6).splitlines()
    lines.insert(3, "img/00.png,cat,extra,cells")
    lines.insert(6, "only-one-cell")
    dataset = get(write(tmp_path, "a.csv", "\n".join(lines)))
    assert len(dataset) == 12
    assert dataset.notes[0].code == "GF-D016"
    assert dataset.notes[0].numbers["lines"] == "4, 7"


def test_quote_that_never_closes_does_not_hang_or_eat_memory(tmp_path: Path) -> None:
    text = rows(setup(tmp_path), ["cat", "dog"] * 6) + '"open' + "x" * (2 << 20)
    with pytest.raises(DataError, match="breaks off"):
        get(write(tmp_path, "a.csv", text))


def test_nul_characters_are_taken_out_and_counted(tmp_path: Path) -> None:
    text = rows(setup(tmp_path), ["cat", "dog"] * 6).replace("dog", "d\0og")
    dataset = get(write(tmp_path, "a.csv", text))
    assert dataset.schema.classes == ("cat", "dog")
    assert dataset.notes[0].numbers["nuls"] == 6


@pytest.mark.parametrize("text", ["", "\n\n", "path,label\n"])
def test_empty_table_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError):
        get(write(tmp_path, "a.csv", text))


def test_ambiguous_target_lists_the_candidates(tmp_path: Path) -> None:
    names = setup(tmp_path)
    text = "path,colour,shape\n" + "\n".join(f"{n},{'rg'[i % 2]},{'oxv'[i % 3]}" for i, n in enumerate(names))
    path = write(tmp_path, "a.csv", text)
    with pytest.raises(DataError, match="data.target=colour, data.target=shape"):
        get(path)
    assert get(path, target="shape").schema.classes == ("o", "v", "x")


def test_wrong_target_lists_the_columns_and_guesses(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", rows(setup(tmp_path), ["cat", "dog"] * 6))
    with pytest.raises(DataError, match=r"allowed: path, label; Did you mean 'label'"):
        get(path, target="lable")
    with pytest.raises(DataError, match="no column named 'person'"):
        get(path, group="person")
    with pytest.raises(DataError, match="no column named 'picture'"):
        get(path, input="picture")


def test_several_flag_columns_are_multilabel(tmp_path: Path) -> None:
    names = setup(tmp_path)
    text = "path,sun,rain\n" + "\n".join(f"{n},{i % 2},{i // 6}" for i, n in enumerate(names))
    dataset = get(write(tmp_path, "a.csv", text))
    assert (dataset.schema.task, dataset.schema.classes) == ("image_multilabel", ("sun", "rain"))
    assert dataset.index.target.dtype == np.uint8
    assert dataset.index.target[7].tolist() == [1, 1]


def test_lists_in_cells_are_multilabel(tmp_path: Path) -> None:
    names = setup(tmp_path, 6)
    dataset = get(write(tmp_path, "a.csv", rows(names, ["a;b", "b|c", "a", "c", "b;c", "a"])))
    assert dataset.schema.classes == ("a", "b", "c")
    assert dataset.index.target.tolist() == [[1, 1, 0], [0, 1, 1], [1, 0, 0], [0, 0, 1], [0, 1, 1], [1, 0, 0]]


def test_several_classes_in_a_single_label_task_offer_the_right_one(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", rows(setup(tmp_path, 6), ["a;b", "b|c", "a", "c", "b;c", "a"]))
    with pytest.raises(DataError, match="image_multilabel"):
        get(path, task="image_classification")


def test_fractions_are_a_number(tmp_path: Path) -> None:
    dataset = get(write(tmp_path, "a.csv", rows(setup(tmp_path), [i / 8 for i in range(12)], head="path{0}angle")))
    assert (dataset.schema.task, dataset.schema.classes) == ("image_regression", ())
    assert dataset.index.target.tolist() == [i / 8 for i in range(12)]


def test_few_whole_numbers_are_classes(tmp_path: Path) -> None:
    assert get(write(tmp_path, "a.csv", rows(setup(tmp_path), [0, 1, 2] * 4))).schema.classes == ("0", "1", "2")


def test_many_whole_numbers_are_ambiguous_until_the_task_says(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", rows(setup(tmp_path, 25), list(range(25)), head="path{0}age"))
    with pytest.raises(DataError, match="25 distinct whole numbers.*task=image_regression"):
        get(path)
    assert get(path, task="image_regression").schema.target_kind == "number"
    assert len(get(path, task="image_classification").schema.classes) == 25


def test_words_asked_for_as_numbers_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", rows(setup(tmp_path), ["cat", "dog"] * 6))
    with pytest.raises(DataError, match="no number; got cat"):
        get(path, task="image_regression")


@pytest.mark.parametrize("odd", ["inf", "1e200", "1e400", "nan", "", "NA", "?"])
def test_number_that_is_none_is_refused_by_name(tmp_path: Path, odd: str) -> None:
    values: list[object] = [i + 0.5 for i in range(12)]
    values[4] = odd
    names = setup(tmp_path)
    dataset = get(write(tmp_path, "a.csv", rows(names, values)))
    assert len(dataset) == 11
    assert dataset.refused == (("img/04.png", "no_label"),)


def test_json_labels_that_are_no_number_are_unknown_or_plain_text(tmp_path: Path) -> None:
    names = setup(tmp_path)
    labels = ["0", "1"] * 5 + ["NaN", "Infinity"]
    lines = [f'{{"path": "{name}", "label": {label}}}' for name, label in zip(names, labels, strict=True)]
    dataset = get(write(tmp_path, "a.jsonl", "\n".join(lines)), task="image_classification")
    assert dataset.schema.classes == ("0", "1", "inf")
    assert dataset.refused == (("img/10.png", "no_label"),)


def test_separator_inside_a_class_name_makes_no_list(tmp_path: Path) -> None:
    assert get(write(tmp_path, "a.csv", rows(setup(tmp_path), ["cats; small", "dogs"] * 6))).schema.classes == (
        "cats; small",
        "dogs",
    )


def test_many_codes_in_a_column_called_label_are_classes(tmp_path: Path) -> None:
    names = setup(tmp_path, 50)
    assert len(get(write(tmp_path, "a.csv", rows(names, [i % 25 for i in range(50)]))).schema.classes) == 25


def test_group_column_is_kept(tmp_path: Path) -> None:
    names = setup(tmp_path)
    text = "path,label,patient\n" + "\n".join(f"{n},{'ab'[i % 2]},{'p' if i < 6 else 'q'}" for i, n in enumerate(names))
    dataset = get(write(tmp_path, "a.csv", text), group="patient")
    assert list(dataset.index.group) == ["p"] * 6 + ["q"] * 6


def test_split_column_gives_the_parts(tmp_path: Path) -> None:
    names = setup(tmp_path)
    text = "path,label,split\n" + "\n".join(
        f"{n},{'ab'[i % 2]},{('train', 'valid', 'test')[i % 3]}" for i, n in enumerate(names)
    )
    assert describe(get(write(tmp_path, "a.csv", text))).counts == {"train": 4, "val": 4, "test": 4}


def test_train_and_test_tables_in_a_folder(tmp_path: Path) -> None:
    names = setup(tmp_path / "d")
    write(tmp_path / "d", "train.csv", rows(names[:8], ["cat", "dog"] * 4))
    write(tmp_path / "d", "test.csv", rows(names[8:], ["cat", "dog"] * 2))
    dataset = get(tmp_path / "d")
    assert describe(dataset).counts == {"train": 8, "test": 4}
    assert dataset.schema.format == "table of paths in train.csv, test.csv"


def test_test_table_without_labels_is_unknown(tmp_path: Path) -> None:
    names = setup(tmp_path / "d")
    write(tmp_path / "d", "train.csv", rows(names[:8], ["cat", "dog"] * 4))
    write(tmp_path / "d", "test.csv", "path\n" + "\n".join(names[8:]))
    dataset = get(tmp_path / "d")
    assert list(dataset.index.target[dataset.index.part == "test"]) == [-1] * 4


def test_named_test_table_uses_the_classes_of_train(tmp_path: Path) -> None:
    names = setup(tmp_path)
    train = write(tmp_path, "a.csv", rows(names[:8], [3, 5] * 4))
    write(tmp_path, "b.csv", rows(names[8:], [5] * 4))
    dataset = get(train, test=str(tmp_path / "b.csv"))
    assert dataset.schema.classes == ("3", "5")
    assert list(dataset.index.target[dataset.index.part == "test"]) == [1] * 4


def test_test_table_of_several_flags_without_labels_is_refused_not_taken_for_none(tmp_path: Path) -> None:
    names = setup(tmp_path / "d")
    flags = "\n".join(f"{n},{i % 2},{i // 4}" for i, n in enumerate(names[:8]))
    write(tmp_path / "d", "train.csv", "path,sun,rain\n" + flags)
    write(tmp_path / "d", "test.csv", "path\n" + "\n".join(names[8:]))
    dataset = get(tmp_path / "d")
    assert len(dataset) == 8
    assert {fault for _, fault in dataset.refused} == {"no_label"}


def test_named_test_table_may_call_the_target_otherwise(tmp_path: Path) -> None:
    for i in range(8):
        draw(tmp_path / "d" / "ab"[i % 2] / f"{i}.png", seed=i)
    names = setup(tmp_path / "e", 4)
    test = write(tmp_path / "e", "t.csv", rows(names, ["b", "a", "b", "a"], head="path{0}species"))
    dataset = read(DataSection(path=str(tmp_path / "d"), test=str(test)), tmp_path / "cache")
    assert list(dataset.index.target[dataset.index.part == "test"]) == [1, 0, 1, 0]


def test_lone_surrogates_and_nul_of_json_are_made_harmless(tmp_path: Path) -> None:
    names = setup(tmp_path)
    lines = [json.dumps({"path": n, "label": ("a\ud800", "b\0b")[i % 2]}) for i, n in enumerate(names)]
    dataset = get(write(tmp_path, "a.jsonl", "\n".join(lines)))
    assert dataset.schema.classes == ("a\\ud800", "bb")


def test_names_without_suffix_and_folder_are_found(tmp_path: Path) -> None:
    names = setup(tmp_path)
    text = rows([name[4:-4] for name in names], ["cat", "dog"] * 6, head="id{0}breed")
    dataset = get(write(tmp_path, "a.csv", text))
    assert len(dataset) == 12
    assert dataset[0].shape == (24, 24, 3)


def test_paths_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    names = setup(tmp_path / "d")
    draw(tmp_path / "secret.png", seed=99)
    odd = ["../secret.png", str(tmp_path / "secret.png"), "", "img/gone.png"]
    write(tmp_path / "d", "labels.csv", rows([*names, *odd], ["cat", "dog"] * 8))
    dataset = get(tmp_path / "d")
    assert [fault for _, fault in dataset.refused] == ["outside", "outside", "no_path"]
    assert len(dataset) == 13, "the missing file is for the scan to name"


def test_formula_and_markup_in_labels_are_plain_text(tmp_path: Path) -> None:
    labels: list[object] = ["=cmd()", "<img src=x onerror=alert(1)>"] * 6
    assert set(get(write(tmp_path, "a.csv", rows(setup(tmp_path), labels))).schema.classes) == set(labels)


def test_picture_listed_twice_gets_ids_of_its_own(tmp_path: Path) -> None:
    names = setup(tmp_path, 4)
    dataset = get(write(tmp_path, "a.csv", rows([*names, names[0]], ["a", "b", "a", "b", "a"])))
    assert sorted(dataset.index.id)[:2] == ["img/00.png", "img/00.png#2"]
