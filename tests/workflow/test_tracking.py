"""Trackers copy epoch records, and say which extra is missing."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from goodfit.core.errors import MissingExtra
from goodfit.core.recipe import Recipe
from goodfit.core.run import Run
from goodfit.core.task import Record
from goodfit.workflow.tracking import figures, trackers

RECORD = Record(
    kind="epoch",
    step=7,
    steps=70,
    epoch=1,
    train={"loss": 0.5, "grad_norm": float("nan")},
    select={"accuracy": 0.9},
    lr=0.1,
)


def _run(folder: Path, **track: bool) -> Run:
    recipe = Recipe().model_copy(update={"track": Recipe().track.model_copy(update=track)})
    return Run(folder, recipe, recipe)


def test_nothing_is_tracked_by_default(tmp_path: Path) -> None:
    assert trackers(_run(tmp_path / "r")) == []


def test_figures_leave_out_what_is_not_finite() -> None:
    assert figures(RECORD) == {"train/loss": 0.5, "select/accuracy": 0.9, "lr": 0.1}


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_writes_an_event_file_into_the_run(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run = _run(tmp_path / "r", tensorboard=True)
    (sink,) = trackers(run)
    sink(RECORD)
    assert list((run.folder / "tensorboard").glob("events.*"))


def test_a_missing_library_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("mlflow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingExtra, match="track"):
        trackers(_run(tmp_path / "r", mlflow=True))
