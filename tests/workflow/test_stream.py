"""Files that vanish while they are streamed: they are left out and said, and the run goes on to its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.core.recipe import DataSection, build
from goodfit.core.run import open_stored
from goodfit.data.reading import read
from goodfit.workflow.train import train

from .tiny import class_folders


def keys(data: Path) -> dict[str, Any]:
    return {
        "data": {"path": str(data)},
        "model": {"name": "small_xs"},
        "train": {"epochs": 3, "batch_size": 8},
        "engine": {
            "device": "cpu",
            "precision": "fp32",
            "layout": "contiguous",
            "threads": 1,
            "loader": "stream",
            "workers": 0,
        },
    }


class Vandal:
    """Deletes files of some parts of the split once the first epoch is told, and keeps the findings that are told."""

    def __init__(self, runs: Path, data: Path, parts: tuple[str, ...]) -> None:
        self.runs, self.data, self.parts = runs, data, parts
        self.lost: set[str] = set()
        self.told: list[Any] = []

    def __call__(self, event: str, /, **values: Any) -> None:
        if event == "finding" and values["finding"].code == "GF-P006":
            self.told.append(values["finding"])
        if event == "epoch" and not self.lost:
            dataset = read(DataSection(path=str(self.data)), self.runs / "cache")
            with np.load(next(self.runs.glob("*/runs/*/split.npz"))) as split:
                places = [int(split[part][0]) for part in self.parts]
            for place in places:
                Path(dataset.index.where[place]).unlink()
                self.lost.add(str(dataset.index.id[place]))


def test_vanished_files_are_one_finding_and_the_rest_is_trained_on_and_scored(tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"": 40})
    vandal = Vandal(tmp_path / "runs", data, ("train", "select", "confirm"))
    study = train(build(keys(data)), runs=tmp_path / "runs", tell=vandal)
    run = open_stored(next((study.folder / "runs").iterdir()))
    (finding,) = [f for f in run.findings() if f.code == "GF-P006"]
    assert set(finding.ids) == vandal.lost
    assert finding.numbers["n"] == 3
    assert [f.ids for f in study.findings if f.code == "GF-P006"] == [finding.ids]
    assert vandal.told
    result = run.result()
    assert result is not None
    assert (result.stopped, len(run.history)) == ("done", 3)
    with np.load(run.folder / "split.npz") as split:
        for part in ("select", "confirm"):
            kept = run.predictions(part)
            assert kept is not None
            assert len(kept) == len(split[part]) - 1
            assert not vandal.lost & set(kept.ids)


def test_findings_leave_the_records_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that says what it lost keeps the same records as one that keeps quiet about it."""
    from goodfit.workflow import one_run

    lines = []
    for name in ("loud", "quiet"):
        data = class_folders(tmp_path / name / "data", {"": 40})
        if name == "quiet":
            monkeypatch.setattr(one_run._Aloud, "lost", lambda *_: None)
        study = train(build(keys(data)), runs=tmp_path / name, tell=Vandal(tmp_path / name, data, ("train", "select")))
        records = (next((study.folder / "runs").iterdir()) / "records.jsonl").read_text("utf-8").splitlines()
        lines.append([{k: v for k, v in json.loads(line).items() if k != "cost"} for line in records])
    assert lines[0] == lines[1]
