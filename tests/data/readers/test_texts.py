"""Texts in tables, folders and fastText lines: recognised, read, and refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data.reading import describe, read
from goodfit.data.scan import scan
from goodfit.data.text_scan import TextScan
from goodfit.data.texts import Texts

GOOD = ["a fine film with heart", "what a lovely story this was", "great acting and a good plot"]
BAD = ["a dull film without heart", "what a boring story this was", "poor acting and a weak plot"]


def csv(path: Path, rows: list[tuple[str, str]], header: str = "text,label") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(f'"{a}",{b}' for a, b in rows)]) + "\n", "utf-8")
    return path


def labelled() -> list[tuple[str, str]]:
    return [(text, "pos") for text in GOOD] + [(text, "neg") for text in BAD]


def got(path: Path, cache: Path, **section: str) -> Texts:
    found = read(DataSection(path=str(path), **section), cache)  # type: ignore[arg-type]
    assert isinstance(found, Texts)
    return found


def test_table_of_texts_is_recognised_and_keeps_its_parts(tmp_path: Path) -> None:
    csv(tmp_path / "d" / "train.csv", labelled())
    csv(tmp_path / "d" / "test.csv", labelled()[:2])
    found = got(tmp_path / "d", tmp_path)
    assert found.schema.task == "text_classification"
    assert found.schema.classes == ("neg", "pos")
    assert describe(found).counts == {"train": 6, "test": 2}
    assert found[0] in GOOD + BAD
    assert found.schema.facts["words"] == 6.0
    assert found.schema.facts["n"] == 6


@pytest.mark.parametrize(
    ("header", "values", "task"),
    [
        ("review,stars", ["4.5", "1.5"], "text_regression"),
        ("text,tags", ["sad;long", "sad", "long"], "text_multilabel"),
        ("text,label", ["0", "1"], "text_classification"),
    ],
)
def test_target_decides_the_task(header: str, values: list[str], task: str, tmp_path: Path) -> None:
    rows = [(f"{text} {i}", values[i % len(values)]) for i in range(9) for text in GOOD]
    assert got(csv(tmp_path / "a.csv", rows, header), tmp_path).schema.task == task


def test_jsonl_and_named_columns(tmp_path: Path) -> None:
    lines = [{"title": a, "body": a + " indeed", "kind": b, "uid": i} for i, (a, b) in enumerate(labelled())]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = got(tmp_path / "a.jsonl", tmp_path, input="title,body", target="kind")
    assert found[0] == f"{labelled()[0][0]}\n{labelled()[0][0]} indeed"
    with pytest.raises(DataError, match="no column named 'titel'"):
        got(tmp_path / "a.jsonl", tmp_path, input="titel", target="kind")


def test_table_of_numbers_and_categories_is_no_table_of_texts(tmp_path: Path) -> None:
    rows = ["age,job,city,label"] + [f"{20 + i},clerk,Bonn,{i % 2}" for i in range(30)]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match="no column holds texts"):
        read(DataSection(path=str(tmp_path / "a.csv")), tmp_path, "text_classification")


def test_empty_cells_are_refused_by_line_and_blank_texts_by_the_scan(tmp_path: Path) -> None:
    file = csv(tmp_path / "a.csv", [*labelled(), ("", "pos"), ("...", "neg"), ("<br />", "neg")])
    found = got(file, tmp_path)
    assert ("a.csv:8", "empty") in found.refused
    seen = scan(found, tmp_path)
    assert isinstance(seen, TextScan)
    assert [found[i] for i in np.flatnonzero(~seen.ok)] == ["<br />"]
    assert seen.fault[~seen.ok].tolist() == ["empty"]


def test_copies_in_other_case_width_or_markup_look_the_same(tmp_path: Path) -> None:
    rows = [("A fine film", "pos"), ("a  FINE film<br />", "pos"), ("Ａ fine film", "pos"), ("a fine fils", "neg")]
    found = got(csv(tmp_path / "a.csv", rows * 2), tmp_path)
    seen = scan(found, tmp_path).seen
    assert len(set(seen)) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_class_folders_of_texts_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    said = {"好": ["这部电影很好看", "演员非常出色"], "差": ["情节无聊透顶", "浪费时间"]}
    for folder in [tmp_path / "d" / part / name for part in ("train", "test") for name in said]:
        folder.mkdir(parents=True)
        for i, text in enumerate(said[folder.name]):
            (folder / f"{i}.txt").write_bytes((text * 3).encode(encoding))
    (tmp_path / "d" / "train" / "unsup").mkdir()
    (tmp_path / "d" / "train" / "unsup" / "0.txt").write_text("no label here")
    found = got(tmp_path / "d", tmp_path)
    assert found.schema.classes == ("好", "差") or found.schema.classes == ("差", "好")
    assert describe(found).counts == {"train": 4, "test": 4}
    assert found[0].startswith(("这部电影", "演员", "情节", "浪费"))
    assert found.schema.facts["east"] == 1.0
    assert found.schema.format == "class folders of texts in train, test"
    assert [(note.code, note.numbers["count"]) for note in found.notes] == [("GF-D047", 1)]


def test_named_test_set_may_be_loose_texts_without_labels(tmp_path: Path) -> None:
    csv(tmp_path / "d.csv", labelled())
    (tmp_path / "new").mkdir()
    for i, text in enumerate(GOOD):
        (tmp_path / "new" / f"{i}.txt").write_text(text)
    found = got(tmp_path / "d.csv", tmp_path, test=str(tmp_path / "new"))
    test = np.flatnonzero(found.index.part == "test")
    assert [found[int(i)] for i in test] == GOOD
    assert (found.index.target[test] < 0).all()


def test_fasttext_lines_with_one_label_or_several(tmp_path: Path) -> None:
    lines = [f"__label__{b} {a}" for a, b in labelled()]
    (tmp_path / "train.txt").write_text("\n".join(lines))
    (tmp_path / "test.txt").write_text(lines[0])
    found = got(tmp_path, tmp_path / "c")
    assert (found.schema.task, found.schema.classes) == ("text_classification", ("neg", "pos"))
    assert describe(found).counts == {"train": 6, "test": 1}
    (tmp_path / "train.txt").write_text("\n".join(["__label__long __label__sad a tale of woe", *lines]))
    found = got(tmp_path, tmp_path / "c")
    assert found.schema.task == "text_multilabel"
    assert set(found.schema.classes) == {"long", "sad", "neg", "pos"}


def test_named_task_asks_only_readers_of_its_kind(tmp_path: Path) -> None:
    file = csv(tmp_path / "a.csv", labelled())
    with pytest.raises(DataError, match="no column leads to picture files"):
        read(DataSection(path=str(file)), tmp_path, "image_classification")


def test_imdb_and_chinese_titles_are_read_as_they_are(shared_data: Path, tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / "d").mkdir(exist_ok=True)
        (tmp_path / "d" / f"thucnews_{part}.csv").symlink_to(shared_data / f"thucnews_titles_{part}.csv")
    found = got(tmp_path / "d", tmp_path)
    assert describe(found).counts == {"train": 10_000, "test": 10_000}
    assert len(found.schema.classes) == 10
    assert found.schema.facts["east"] > 0.95
