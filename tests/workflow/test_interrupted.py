"""A command that is cut and repeated: signals, SIGKILL, a full disk, a second process, data that change in between."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from goodfit.core.lock import FolderLock
from goodfit.core.run import Run
from goodfit.engine.cachefolder import delete, entries

from .tiny import COLOURS, QUICK, Shell, class_folders, picture, same

PROGRAM = [sys.executable, "-m", "goodfit"]
LONGER = [word if "epochs" not in word else "train.epochs=5" for word in QUICK]


def signal_after(records: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send this process a signal when so many records are kept."""
    append = Run.append

    def keep(self: Run, record: Any) -> None:
        append(self, record)
        if len(self.records) == records:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Run, "append", keep)


def run_of(study: Path) -> Path:
    (folder,) = study.glob("runs/*")
    return folder


def without_cost(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text("utf-8").splitlines()]
    return [{key: value for key, value in line.items() if key != "cost"} for line in lines]


def assert_same_run(mine: Path, theirs: Path) -> None:
    """Weights, history and predictions, bit for bit."""
    assert same(load_file(mine / "model" / "model.safetensors"), load_file(theirs / "model" / "model.safetensors"))
    assert without_cost(mine) == without_cost(theirs)
    for file in (mine / "predictions").glob("*.npz"):
        a, b = np.load(file), np.load(theirs / "predictions" / file.name)
        assert all(np.array_equal(a[key], b[key]) for key in ("ids", "target", "outputs")), file.name


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_says_how_to_go_on_and_the_same_command_ends_bit_identical(
    number: int, code: int, tmp_path: Path, goodfit: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = class_folders(tmp_path / "data", {"": 24})
    uncut = goodfit("train", data, *LONGER, "--new")
    goodfit.runs = tmp_path / "cut"
    with monkeypatch.context() as patch:
        signal_after(2, number, patch)
        said = goodfit("train", data, *LONGER, code=code)
    assert "repeat the same command" in said.err
    again = goodfit("train", data, *LONGER)
    assert "step" in again.err
    assert_same_run(run_of(again.study), run_of(uncut.study))
    assert (again.study / "result.json").exists()


def test_cut_fit_goes_on_with_an_emptied_cache_to_the_same_bits_and_one_opening(
    tmp_path: Path, goodfit: Shell, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    data = class_folders(tmp_path / "data", {"train": 20, "test": 8})
    uncut = goodfit("fit", data, *LONGER, "--budget", "5m")
    goodfit.runs = tmp_path / "cut"
    for records in (1, 4):  # in the first rung, and later
        with monkeypatch.context() as patch:
            signal_after(records, signal.SIGINT, patch)
            goodfit("fit", data, *LONGER, "--budget", "5m", code=130)
    for entry in entries(own_cache):
        delete(own_cache, entry)
    again = goodfit("fit", data, *LONGER, "--budget", "5m")
    assert same(again.weights, uncut.weights)
    assert again.answer["test"] == uncut.answer["test"]
    assert (again.study / "ledger.jsonl").read_text("utf-8").count('"test_opened"') == 1


def test_second_process_is_refused_with_the_owner_and_a_stale_lock_is_recovered(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 20})
    first = goodfit("train", data, *QUICK)
    lock = FolderLock(first.study)
    said = goodfit("train", data, *QUICK, code=1)
    assert str(os.getpid()) in said.err
    lock.release()
    (first.study / "lock.json").write_text(json.dumps({"pid": 2**22 - 1, "host": "elsewhere", "since": 0.0}))
    assert goodfit("train", data, *QUICK).answer == first.answer


def test_changed_data_start_another_study_and_it_is_said(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 20})
    first = goodfit("train", data, *QUICK)
    picture(COLOURS["red"], 9999).save(data / "red" / "new.png")
    second = goodfit("train", data, *QUICK)
    assert second.study != first.study
    assert first.study.name in second.err


def test_damaged_model_is_named_and_not_used(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 20})
    model = Path(goodfit("train", data, *QUICK).answer["model"])
    weights = model / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-100] ^= 1
    weights.write_bytes(bytes(content))
    assert "model.safetensors" in goodfit("predict", model, data / "red" / "000.png", code=1).err


def start(*words: object, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, *map(str, words), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while not condition() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


@pytest.mark.slow
def test_sigkill_loses_nothing(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 40})
    words = ["train", data, *[w if "epochs" not in w else "train.epochs=40" for w in QUICK], "train.patience=40"]
    uncut = goodfit(*words)
    goodfit.runs = tmp_path / "cut"
    process = start(*words, "--runs", goodfit.runs)
    wait_for(lambda: list(goodfit.runs.glob("*/runs/*/checkpoints/last*.json")), process)
    process.kill()
    process.communicate()
    again = goodfit(*words)
    assert_same_run(run_of(again.study), run_of(uncut.study))


def test_disk_that_fills_up_is_one_line_and_the_same_command_goes_on(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 24})
    uncut = goodfit("train", data, *QUICK)
    limit = 100_000  # bytes a file: the ledger fits, the weights do not
    process = start(
        "train", data, *QUICK, "--runs", tmp_path / "full",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert "repeat the command" in err.splitlines()[-1]
    assert "Traceback" not in err
    goodfit.runs = tmp_path / "full"
    again = goodfit("train", data, *QUICK)
    assert_same_run(run_of(again.study), run_of(uncut.study))


@pytest.mark.slow
def test_fit_digits_killed_three_times_ends_as_the_uncut_one(tmp_path: Path, goodfit: Shell) -> None:
    words = ["fit", "digits", *[w if "epochs" not in w else "train.epochs=6" for w in QUICK], "--budget", "20m"]
    uncut = goodfit(*words)
    goodfit.runs = tmp_path / "cut"
    for records in (1, 4, 9):
        process = start(*words, "--runs", goodfit.runs)
        count = lambda: sum(f.read_bytes().count(b"\n") for f in goodfit.runs.glob("*/runs/*/records.jsonl"))  # noqa: E731
        wait_for(lambda records=records, count=count: count() >= records, process)
        process.kill()
        process.communicate()
    again = goodfit(*words)
    assert same(again.weights, uncut.weights)
    assert again.answer["test"] == uncut.answer["test"]
    assert (again.study / "ledger.jsonl").read_text("utf-8").count('"test_opened"') == 1
