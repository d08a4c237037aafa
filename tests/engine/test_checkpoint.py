"""Checkpoints under kills, full disks and damage."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from goodfit.core.task import State
from goodfit.engine import checkpoint
from goodfit.engine.checkpoint import CheckpointStore


def _state(value: float = 1.0, n: int = 1000) -> State:
    return State(
        tensors={
            "a": torch.full((n,), value),
            "b": torch.arange(6.0).reshape(1, 2, 1, 3).contiguous(memory_format=torch.channels_last),
            "half": torch.tensor([1.5], dtype=torch.bfloat16),
            "array": np.array([1, 2, 3]),
            "scalar": torch.tensor(7),
        },
        meta={"position": {"step": 3}, "x": 0.1 + 0.2, "none": None},
    )


def _store_with(folder: Path, steps: list[int], name: str = "last") -> CheckpointStore:
    store = CheckpointStore(folder)
    for step in steps:
        store.save(name, _state(float(step)), step)
    store.wait()
    return store


def _value(state: State | None) -> float:
    assert state is not None
    return float(state.tensors["a"][0])


def test_state_comes_back_bit_for_bit(tmp_path: Path) -> None:
    _store_with(tmp_path, [3])
    state, findings = CheckpointStore(tmp_path).load("last")
    assert state is not None
    assert findings == ()
    original = _state(3.0)
    assert state.meta == original.meta
    for name, value in original.tensors.items():
        assert torch.equal(torch.as_tensor(value), state.tensors[name])
        assert torch.as_tensor(value).dtype == state.tensors[name].dtype


def test_two_of_last_and_one_of_best_are_kept(tmp_path: Path) -> None:
    _store_with(tmp_path, [1, 2, 3])
    _store_with(tmp_path, [1, 2], name="best")
    assert sorted(p.name for p in tmp_path.glob("*.json")) == [
        "best-000000002.json",
        "best-000000002.twin.json",
        "last-000000002.json",
        "last-000000003.json",
    ]
    assert len(list(tmp_path.iterdir())) == 8


def test_best_of_each_point_that_a_resume_may_start_from_is_kept(tmp_path: Path) -> None:
    """Bests at 1, 3, 5, 7 and lasts at 4 and 6: a resume from 4 needs 3, one from 6 needs 5, an end now needs 7."""
    store = CheckpointStore(tmp_path)
    for name, step in (("best", 1), ("best", 3), ("last", 4), ("best", 5), ("last", 6), ("best", 7)):
        store.save(name, _state(float(step)), step)
    store.wait()
    assert sorted(p.stem[-1] for p in tmp_path.glob("best-*[0-9].json")) == ["3", "5", "7"]
    store.drop_after("best", 4)
    assert _value(store.load("best")[0]) == 3.0


@pytest.mark.parametrize("ending", [".safetensors", ".json"])
def test_a_damaged_best_comes_back_from_its_twin_aloud(tmp_path: Path, ending: str) -> None:
    _store_with(tmp_path, [4], name="best")
    _flip_one_bit(tmp_path / f"best-000000004{ending}")
    state, findings = CheckpointStore(tmp_path).load("best")
    assert _value(state) == 4.0
    assert [(f.numbers["name"], f.numbers["step"], f.numbers["used_step"]) for f in findings] == [("best", 4, 4)]


def test_a_best_that_could_not_be_written_is_written_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _store_with(tmp_path, [2], name="best")
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 100, 0))
        for name, step in (("best", 5), ("last", 5)):
            store.save(name, _state(float(step)), step)
        store.wait()
    assert [f.numbers["name"] for f in store.findings()] == ["best", "best"]  # no last without its best
    assert sorted(p.name for p in tmp_path.glob("*.json")) == ["best-000000002.json", "best-000000002.twin.json"]
    assert _value(store.load("best")[0]) == 5.0  # still at hand in this process
    store.save("last", _state(9.0), 9)
    store.wait()
    assert _value(CheckpointStore(tmp_path).load("best")[0]) == 5.0
    assert CheckpointStore(tmp_path).step("last") == 9


def test_names_do_not_mix(tmp_path: Path) -> None:
    _store_with(tmp_path, [1], name="best")
    _store_with(tmp_path, [9], name="best-refit")
    assert CheckpointStore(tmp_path).step("best") == 1
    assert CheckpointStore(tmp_path).load("last") == (None, ())


def _truncate(data: Path) -> None:
    data.write_bytes(data.read_bytes()[:-7])


def _flip_one_bit(data: Path) -> None:
    raw = bytearray(data.read_bytes())
    raw[len(raw) // 2] ^= 4
    data.write_bytes(bytes(raw))


def _zero(data: Path) -> None:
    data.write_bytes(bytes(data.stat().st_size))


@pytest.mark.parametrize("damage", [_truncate, _flip_one_bit, _zero, Path.unlink])
@pytest.mark.parametrize("ending", [".safetensors", ".json"])
def test_damaged_checkpoint_is_passed_over_aloud(tmp_path: Path, damage: Any, ending: str) -> None:
    _store_with(tmp_path, [1, 2])
    damage(tmp_path / f"last-000000002{ending}")
    state, findings = CheckpointStore(tmp_path).load("last")
    assert _value(state) == 1.0
    if ending == ".json" and damage is Path.unlink:
        return  # without its manifest it never counted as written: nothing to say
    (finding,) = findings
    assert finding.code == "GF-P022"
    assert (finding.numbers["step"], finding.numbers["used_step"]) == (2, 1)
    assert CheckpointStore(tmp_path).load("last")[1] == ()  # said once, then set aside
    assert list(tmp_path.glob("*.damaged"))


def test_every_byte_of_the_manifest_is_guarded(tmp_path: Path) -> None:
    _store_with(tmp_path, [1])
    manifest = tmp_path / "last-000000001.json"
    whole = manifest.read_bytes()
    for at in range(0, len(whole), 5):
        raw = bytearray(whole)
        raw[at] ^= 1
        try:
            same = json.loads(bytes(raw)) == json.loads(whole)  # a changed space means the same
        except ValueError:
            same = False
        manifest.write_bytes(bytes(raw))
        if not same:
            with pytest.raises(checkpoint.Damaged):
                checkpoint.read_checkpoint(manifest)


def test_nothing_good_left_gives_none_and_the_reasons(tmp_path: Path) -> None:
    _store_with(tmp_path, [1, 2])
    for data in tmp_path.glob("*.safetensors"):
        _truncate(data)
    state, findings = CheckpointStore(tmp_path).load("last")
    assert state is None
    assert [f.numbers["step"] for f in findings] == [2, 1]


def test_saving_goes_on_after_a_damaged_one(tmp_path: Path) -> None:
    _store_with(tmp_path, [1, 5])
    _flip_one_bit(tmp_path / "last-000000005.safetensors")
    store = CheckpointStore(tmp_path)
    assert _value(store.load("last")[0]) == 1.0
    store.save("last", _state(3.0), 3)
    store.wait()
    assert _value(CheckpointStore(tmp_path).load("last")[0]) == 3.0


def test_checkpoints_of_a_history_given_up_are_dropped(tmp_path: Path) -> None:
    store = _store_with(tmp_path, [1, 5], name="best")
    store = _store_with(tmp_path, [5], name="best")
    store.drop_after("best", 4)
    assert store.step("best") is None
    store = _store_with(tmp_path, [8, 9])
    store.save("last", _state(7.0), 7)
    store.wait()
    assert store.step("last") == 7


def test_remove_deletes_all_of_a_name(tmp_path: Path) -> None:
    store = _store_with(tmp_path, [1, 2])
    store.remove("last")
    assert list(tmp_path.iterdir()) == []


# full disk --------------------------------------------------------------------------------------------------------


def test_too_little_space_is_seen_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = _store_with(tmp_path, [1])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 100))  # type: ignore[attr-defined]
    store.save("last", _state(2.0), 2)
    store.wait()
    (finding,) = store.findings()
    assert finding.code == "GF-P021"
    assert "needed, 100 free" in finding.numbers["reason"]
    assert _value(CheckpointStore(tmp_path).load("last")[0]) == 1.0
    assert store.findings() == ()


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")
def test_write_that_fails_at_any_byte_leaves_the_old_one_and_goes_on(tmp_path: Path) -> None:
    """A file size limit stands for the full disk; first the tensor file breaks off, then the manifest."""
    code = """
import resource, sys
from pathlib import Path
import torch
from goodfit.core.task import State
from goodfit.engine.checkpoint import CheckpointStore
limit = lambda n: resource.setrlimit(resource.RLIMIT_FSIZE, (n, resource.RLIM_INFINITY))
for size, cut in ((1000, 1), (1000, 100), (1000, 2000), (1000, 4000), (10, 150), (10, 190)):
    state = lambda v: State(tensors={"a": torch.full((size,), v)}, meta={"x": "y" * 200})
    folder = Path(sys.argv[1]) / f"{size}-{cut}"
    store = CheckpointStore(folder)
    store.save("last", state(1.0), 1); store.wait()
    limit(cut)
    store.save("last", state(2.0), 2); store.wait()
    assert [f.code for f in store.findings()] == ["GF-P021"]
    limit(resource.RLIM_INFINITY)
    tensors = list(folder.glob("last-000000002.safetensors"))
    assert len(tensors) == (size == 10), (size, cut)
    good, findings = CheckpointStore(folder).load("last")
    assert good.tensors["a"][0] == 1.0 and not findings
    store.save("last", state(3.0), 3); store.wait()
    good, findings = CheckpointStore(folder).load("last")
    assert good.tensors["a"][0] == 3.0 and not findings and not list(folder.glob(".*"))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_error_of_the_disk_becomes_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    store = _store_with(tmp_path, [1])
    monkeypatch.setattr(checkpoint, "write_atomic", full)
    store.save("last", _state(2.0), 2)
    store.wait()
    assert [f.numbers["reason"] for f in store.findings()] == [os.strerror(errno.EDQUOT)]


# kills ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_sigkill_while_writing_leaves_a_good_checkpoint(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
import torch
from goodfit.core.task import State
from goodfit.engine.checkpoint import CheckpointStore
store = CheckpointStore(Path(sys.argv[1]))
for step in range(1, 10**6):
    store.save("last", State(tensors={"a": torch.full((10**6,), float(step))}, meta={"step": step}), step)
    store.wait()
    print(step, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    rng, written = np.random.default_rng(0), 0
    for _ in range(3):
        written = int(process.stdout.readline())
    time.sleep(float(rng.uniform(0, 0.02)))
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.stdout.close()
    process.wait()
    written = int(rest.split()[-1]) if rest.split() else written
    state, findings = CheckpointStore(tmp_path).load("last")
    assert state is not None
    assert findings == ()
    assert state.meta["step"] >= written
    assert bool((state.tensors["a"] == state.meta["step"]).all())


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    tmp_path.joinpath(".last-000000009.safetensors.123.tmp").write_bytes(b"half")
    tmp_path.joinpath("last-000000008.safetensors").write_bytes(b"no manifest came")
    _store_with(tmp_path, [1])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last-000000001.json", "last-000000001.safetensors"]


# background -------------------------------------------------------------------------------------------------------


def test_save_returns_before_the_write_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    plain = checkpoint.write_atomic

    def slow(path: Path, data: Any) -> None:
        go_on.wait(10)
        plain(path, data)

    monkeypatch.setattr(checkpoint, "write_atomic", slow)
    store = CheckpointStore(tmp_path)
    store.save("last", _state(), 1)
    assert not list(tmp_path.glob("*.json"))
    go_on.set()
    store.wait()
    assert store.step("last") == 1


def test_data_is_durable_before_its_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    plain = checkpoint.write_atomic
    monkeypatch.setattr(checkpoint, "write_atomic", lambda path, data: (written.append(path.suffix), plain(path, data)))
    _store_with(tmp_path, [1])
    assert written == [".safetensors", ".json"]
