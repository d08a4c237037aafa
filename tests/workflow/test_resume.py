"""A run that is killed and started again ends bit for bit like one that nobody disturbed."""

from __future__ import annotations

import json
import os
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.core import files
from goodfit.core.errors import UsageError
from goodfit.core.recipe import build
from goodfit.core.run import Run, open_stored
from goodfit.workflow import one_run
from goodfit.workflow.train import train

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")

KEYS: dict[str, Any] = {
    "data": {"path": "digits", "limit": 240},
    "model": {"name": "small_xs"},
    "train": {"epochs": 5, "batch_size": 24, "patience": 2},
    "engine": {"device": "cpu", "precision": "fp32", "layout": "contiguous", "threads": 1, "checkpoint_seconds": 0.02},
}


DIVERGING = {**KEYS, "train": {**KEYS["train"], "optimizer": "sgd", "lr": 1e9, "schedule": "constant"}}


def _train(runs: Path, keys: dict[str, Any] = KEYS) -> Path:
    return next((train(build(keys), runs=runs).folder / "runs").iterdir())


def _outcome(run: Path) -> dict[str, Any]:
    """All that must not depend on where a run was cut."""
    records = [json.loads(line) for line in (run / "records.jsonl").read_text("utf-8").splitlines()]
    arrays: dict[str, Any] = {}
    for path in sorted((run / "predictions").glob("*.npz")):
        with np.load(path, allow_pickle=False) as z:
            arrays |= {f"{path.stem}/{name}": z[name].tobytes() for name in z.files}
    result = json.loads((run / "result.json").read_text("utf-8"))
    return {
        "weights": (run / "model" / "model.safetensors").read_bytes(),
        "records": [{k: v for k, v in record.items() if k != "cost"} for record in records],
        "predictions": arrays,
        "result": {k: result[k] for k in ("scores", "steps", "stopped")},
    }


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOODFIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return _outcome(_train(tmp_path_factory.mktemp("uncut")))


def _killed(
    runs: Path,
    prepare: Callable[[], None] = lambda: None,
    when: Callable[[], bool] = lambda: False,
    keys: dict[str, Any] = KEYS,
) -> int:
    """Train in a child; returns the signal that it died of. It kills itself by what `prepare` set, or dies `when`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: the child computes on one
        child = os.fork()
    if child == 0:
        try:
            prepare()
            _train(runs, keys)
        finally:
            os._exit(0)
    deadline = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if when() or time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.001)
    return os.WTERMSIG(ended[1])


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _steps_on_disk(runs: Path) -> list[int]:
    return [int(path.stem.partition("-")[2]) for path in runs.glob("*/runs/*/checkpoints/last-*.json")]


def test_sigkill_in_the_middle_of_training_leaves_no_trace_in_the_end(tmp_path: Path, uncut: dict[str, Any]) -> None:
    assert _killed(tmp_path, when=lambda: max(_steps_on_disk(tmp_path), default=0) >= 12) == signal.SIGKILL
    assert not list(tmp_path.glob("*/result.json"))
    assert _outcome(_train(tmp_path)) == uncut


@pytest.mark.parametrize("ending", [".safetensors", ".json"])
def test_cut_inside_a_checkpoint_write_leaves_no_trace_in_the_end(
    tmp_path: Path, uncut: dict[str, Any], ending: str
) -> None:
    def trap() -> None:
        replace = os.replace

        def torn(source: Any, target: Any) -> None:
            name = Path(target).name
            if name.startswith("last-") and name.endswith(ending) and int(name[5:14]) >= 12:
                os.truncate(source, os.stat(source).st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)
            replace(source, target)

        files.os.replace = torn  # type: ignore[attr-defined]  # of the child alone

    assert _killed(tmp_path, prepare=trap) == signal.SIGKILL
    run = next(tmp_path.glob("*/runs/*"))
    assert list((run / "checkpoints").glob(".last-*.tmp"))
    assert _outcome(_train(tmp_path)) == uncut
    assert not (run / "checkpoints").exists() or not list((run / "checkpoints").iterdir())


def test_records_hold_whole_epochs_only(uncut: dict[str, Any]) -> None:
    assert [record["kind"] for record in uncut["records"]] == ["epoch"] * len(uncut["records"])


def test_damaged_checkpoints_are_passed_over_and_kept_as_findings(tmp_path: Path, uncut: dict[str, Any]) -> None:
    """Both of `last` are damaged, so it starts anew: the end is the same, and run and study say what was met."""
    assert _killed(tmp_path, when=lambda: max(_steps_on_disk(tmp_path), default=0) >= 12) == signal.SIGKILL
    for path in tmp_path.glob("*/runs/*/checkpoints/last-*.safetensors"):
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(bytes(raw))
    folder = _train(tmp_path)
    assert _outcome(folder) == uncut
    run: Run = open_stored(folder)
    assert {f.code for f in run.findings() if f.code.startswith("GF-P")} == {"GF-P022"}
    assert all(f.run_id == run.id for f in run.findings() if f.code == "GF-P022")
    study = json.loads((folder.parents[1] / "findings.json").read_text("utf-8"))
    assert "GF-P022" in {f["code"] for f in study}


def test_cut_between_the_last_epoch_and_the_result_trains_no_further(tmp_path: Path, uncut: dict[str, Any]) -> None:
    """Training had ended, by patience or at the planned length; the repeated command must not take another step."""

    def trap() -> None:
        one_run._predict_all = _die

    assert _killed(tmp_path, prepare=trap) == signal.SIGKILL
    assert _outcome(_train(tmp_path)) == uncut


def test_diverged_run_that_was_cut_diverges_again_and_says_it_once(tmp_path: Path) -> None:
    def trap() -> None:
        Run.close = _die  # type: ignore[assignment,method-assign]

    assert _killed(tmp_path, prepare=trap, keys=DIVERGING) == signal.SIGKILL
    with pytest.raises(UsageError, match="diverged before its first model.*train.lr"):
        _train(tmp_path, DIVERGING)
    run = open_stored(next(tmp_path.glob("*/runs/*")))
    result = run.result()
    assert result is not None
    assert result.stopped == "diverged"
    assert [r.kind for r in run.records].count("stopped") == 1
