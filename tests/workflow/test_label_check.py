"""Labels judged by small models: tables and texts by themselves, within the time that is there."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.workflow import label_check

from .tiny import Shell

WORDS = {"sport": "ball goal team match", "money": "bank price stock market"}


def texts(path: Path, n: int = 240) -> list[int]:
    """A table of short texts of two kinds; returns the places of the tenth whose label is the other one."""
    rng = np.random.default_rng(0)
    wrong = sorted(rng.choice(n, n // 10, replace=False).tolist())
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        for i in range(n):
            label = ("sport", "money")[i % 2]
            said = " ".join(rng.choice(WORDS[label].split(), 6)) + f" number {i}"
            writer.writerow((said, label if i not in wrong else {"sport": "money", "money": "sport"}[label]))
    return wrong


def entry(answer: dict[str, Any], code: str) -> dict[str, Any]:
    entries = json.loads(Path(answer["findings_file"]).read_text())
    (found,) = (one for one in entries if one["code"] == code)
    return dict(found)


def test_wrong_labels_of_texts_are_found_and_counted(goodfit: Shell, tmp_path: Path) -> None:
    wrong = texts(tmp_path / "t.csv")
    found = entry(goodfit("audit", tmp_path / "t.csv", "--budget", "10m").answer, "GF-D080")
    lines = {int(sample["path"].rpartition(":")[2]) - 2 for sample in found["samples"]}
    assert len(lines - set(wrong)) <= 1
    assert len(lines & set(wrong)) >= 18  # of 24
    assert abs(found["numbers"]["rate"] - 0.1) < 0.03
    assert found["numbers"]["low"] <= 0.1 <= found["numbers"]["high"]
    first = found["samples"][0]
    assert {first["given"], first["proposed"]} == {"sport", "money"}


def test_wrong_labels_of_rows_are_found(goodfit: Shell, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, wrong = rng.normal(size=(400, 3)), rng.random(400) < 0.1
    label = np.where((x[:, 0] + x[:, 1] > 0) != wrong, "yes", "no")
    rows = ["a,b,c,target", *(f"{r[0]:.4f},{r[1]:.4f},{r[2]:.4f},{y}" for r, y in zip(x, label, strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    found = entry(goodfit("audit", tmp_path / "t.csv", "--budget", "10m").answer, "GF-D080")
    lines = np.array([int(sample["path"].rpartition(":")[2]) - 2 for sample in found["samples"]])
    assert wrong[lines[:20]].mean() >= 0.8
    assert abs(found["numbers"]["rate"] - wrong.mean()) < 0.04


def test_without_time_for_it_an_audit_says_so_and_what_it_would_take(
    goodfit: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_check, "SHORT", 0.0)
    texts(tmp_path / "t.csv")
    found = entry(goodfit("audit", tmp_path / "t.csv").answer, "GF-D081")
    assert found["numbers"]["seconds"] > 0
    assert found["advice"]["en"].startswith("Give the time with --budget 1m;")


def test_labels_that_have_nothing_to_do_with_the_samples_are_not_judged(goodfit: Shell, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = ["a,b,target", *(f"{a:.4f},{b:.4f},{'xy'[k]}" for (a, b), k in zip(
        rng.normal(size=(300, 2)), rng.integers(0, 2, 300), strict=True))]  # fmt: skip
    (tmp_path / "t.csv").write_text("\n".join(rows))
    found = entry(goodfit("audit", tmp_path / "t.csv", "--budget", "10m").answer, "GF-D082")
    assert found["numbers"]["n"] == 300
    assert found["severity"] == "info"


def test_labels_are_mended_in_the_cleaned_list_alone_and_only_where_that_was_asked(
    goodfit: Shell, tmp_path: Path
) -> None:
    wrong = {f"{i:03d}.txt" for i in texts(tmp_path / "t.csv")}
    with (tmp_path / "t.csv").open(newline="") as file:
        for i, row in enumerate(csv.DictReader(file)):
            place = tmp_path / "d" / row["label"] / f"{i:03d}.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(row["text"])
    before = {path: path.read_bytes() for path in (tmp_path / "d").rglob("*.txt")}
    plain = goodfit("audit", tmp_path / "d", "--budget", "10m", "--fix").answer["cleaned"]
    assert plain["relabelled"] == 0
    mended = goodfit("audit", tmp_path / "d", "--budget", "10m", "--fix", "relabel").answer["cleaned"]
    assert {path: path.read_bytes() for path in (tmp_path / "d").rglob("*.txt")} == before
    changed = json.loads(Path(mended["left_out"]).read_text())
    assert len(changed) == mended["relabelled"] >= 10
    assert {Path(entry["path"]).name for entry in changed} <= wrong
    assert all(entry["reason"] == "relabelled" and entry["confidence"] >= 0.7 for entry in changed)
    with open(mended["path"], newline="") as file:
        rows = {Path(row["path"]).name: row for row in csv.DictReader(file)}
    for entry in changed:
        label = rows[Path(entry["path"]).name]["label"]
        assert label == entry["proposed"] != entry["given"] == Path(entry["path"]).parent.name
    assert len(rows) == 240
