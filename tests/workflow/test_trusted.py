"""`train.wrong_labels`: what is probably wrong is left out of training or mended, val and the user's file are not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from .tiny import Shell

FAST = ("model.name=linear", "engine.threads=1", "train.refit=false")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """400 rows whose label says whether a + b is positive; of 60 it says the contrary."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    wrong = np.isin(np.arange(400), rng.choice(400, 60, replace=False))
    label = np.where((x.sum(1) > 0) != wrong, "yes", "no")
    rows = [
        "a,b,target,wrong",
        *(f"{a:.4f},{b:.4f},{y},{int(w)}" for (a, b), y, w in zip(x, label, wrong, strict=True)),
    ]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    return tmp_path / "t.csv"


@pytest.mark.parametrize(("how", "code"), [("leave_out", "GF-D083"), ("relabel", "GF-D084")])
def test_wrong_labels_are_kept_from_training(goodfit: Shell, data: Path, how: str, code: str) -> None:
    before = data.read_bytes()
    said = goodfit("train", data, "data.ignore=wrong", f"train.wrong_labels={how}", *FAST)
    assert data.read_bytes() == before
    findings = {f["code"]: f for f in json.loads((said.study / "findings.json").read_text())}
    found = findings[code]
    wrong = {i + 2 for i, row in enumerate(before.decode().split("\n")[1:]) if row.endswith(",1")}
    lines = {int(name.rpartition(":")[2]) for name in found["ids"]}
    assert found["numbers"]["count"] == len(lines) >= 15
    assert len(lines & wrong) >= 0.6 * len(lines)  # 15 % of all are
    with np.load(next(said.study.glob("runs/*/split.npz")), allow_pickle=False) as split:
        assert found["numbers"]["n"] == len(split["train"])


def test_keeping_them_all_judges_nothing(goodfit: Shell, data: Path) -> None:
    said = goodfit("train", data, "data.ignore=wrong", *FAST)
    assert not (said.study / "wrong_labels.json").exists()


def test_a_number_has_no_wrong_labels_to_leave_out(goodfit: Shell, tmp_path: Path) -> None:
    rows = ["a,price", *(f"{i % 13},{i * 1.5}" for i in range(120))]
    (tmp_path / "n.csv").write_text("\n".join(rows))
    said = goodfit("train", tmp_path / "n.csv", "data.target=price", "train.wrong_labels=relabel", *FAST, code=1)
    assert "train.wrong_labels" in said.err
    assert "allowed: keep" in said.err
