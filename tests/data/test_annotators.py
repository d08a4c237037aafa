"""Tables with several rows a sample: merged into one, the column guessed and told, poor annotators named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data.reading import read
from goodfit.data.samples import Samples

WORDS = ("ball goal team match today", "bank price stock market today")


def table(path: Path, column: str = "annotator", n: int = 60) -> list[str]:
    """A table of n texts, each labelled by ann, ben and cy, who are right, and dee, who is wrong on three of four."""
    rows, true = [f"text,label,{column}"], []
    for i in range(n):
        true.append(("money", "sport")[i % 2])
        for who in ("ann", "ben", "cy", "dee"):
            wrong = who == "dee" and i % 8 < 6
            rows.append(f"number {i} {WORDS[1 - i % 2]},{('sport', 'money')[i % 2] if wrong else true[-1]},{who}")
    path.write_text("\n".join(rows))
    return true


def opened(path: Path, **keys: object) -> Samples:
    return read(DataSection(path=str(path), **keys), path.parent)  # type: ignore[arg-type]


def test_texts_of_four_annotators_become_one_row_each(tmp_path: Path) -> None:
    true = table(tmp_path / "t.csv")
    data = opened(tmp_path / "t.csv")
    assert len(data) == 60
    told = {str(data[i]).split()[1]: data.schema.classes[k] for i, k in enumerate(data.index.target)}
    assert [told[str(i)] for i in range(60)] == true
    notes = {note.code: note for note in data.notes}
    assert notes["GF-D085"].numbers["column"] == "annotator"
    assert (notes["GF-D085"].numbers["labels"], notes["GF-D085"].numbers["annotators"]) == (240, 4)
    assert notes["GF-D085"].numbers["count"] == 46  # dee is wrong on 6 of each 8: 42 of 56, and all of the last 4
    assert notes["GF-D086"].numbers["names"].startswith("dee 23 %")  # 14 of 60


def test_another_name_of_the_column_must_be_said(tmp_path: Path) -> None:
    table(tmp_path / "t.csv", "person")
    assert len(opened(tmp_path / "t.csv", format="text_table", input="text", annotator="person")) == 60
    with pytest.raises(DataError, match="nobody"):
        opened(tmp_path / "t.csv", format="text_table", input="text", annotator="nobody")


def test_pictures_of_three_annotators_become_one_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = ["path,label,annotator"]
    for i in range(12):
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
        rows += [f"{i}.png,{'xy'[i % 2]},{who}" for who in "ab"] + [
            f"{i}.png,{'yx'[i % 2] if i == 3 else 'xy'[i % 2]},c"
        ]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    data = opened(tmp_path / "labels.csv")
    assert len(data) == 12
    labels = dict(zip(data.index.id, (data.schema.classes[k] for k in data.index.target), strict=True))
    assert labels == {f"{i}.png": "xy"[i % 2] for i in range(12)}
    (note,) = (note for note in data.notes if note.code == "GF-D085")
    assert note.ids == ("3.png",)


def test_a_column_of_annotators_of_single_rows_is_left_alone(tmp_path: Path) -> None:
    rows = ["text,label,annotator", *(f"number {i} {WORDS[i % 2]},{'ab'[i % 2]},{'uv'[i % 3 > 0]}" for i in range(40))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    data = opened(tmp_path / "t.csv", target="label")
    assert len(data) == 40
    assert "GF-D085" not in {note.code for note in data.notes}
