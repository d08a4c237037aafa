"""What the machine says of itself is complete, JSON, and respects what the process may use."""

from __future__ import annotations

import json
import os

import pytest

from goodfit.engine import hardware


def test_machine_is_json_and_complete() -> None:
    said = json.loads(json.dumps(hardware.machine()))
    assert said["devices"][-1]["device"] == "cpu"
    assert said["versions"]["torch"]
    assert 1 <= said["cores"] <= said["cores_total"]
    assert said["memory_mb"] > 0


def test_affinity_limits_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    monkeypatch.setattr(hardware, "_cgroup", lambda name: "")
    assert hardware.usable_cores() == 3


@pytest.mark.parametrize(("quota", "cores"), [("200000 100000", 2), ("50000 100000", 1), ("max 100000", 8)])
def test_container_quota_limits_the_cores(monkeypatch: pytest.MonkeyPatch, quota: str, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(hardware, "_cgroup", lambda name: quota if name == "cpu.max" else "")
    assert hardware.usable_cores() == cores


def test_container_limits_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_cgroup", lambda name: str(512 * 2**20) if name == "memory.max" else "")
    assert hardware.memory_mb() == 512


def test_flags_are_read_in_the_order_that_we_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        hardware, "_lines", lambda path: ["model name\t: Fast", "flags\t\t: sse amx_bf16 avx2 avx512_bf16"]
    )
    assert hardware.processor() == "Fast"
    assert hardware.processor_flags() == ("avx2", "avx512_bf16", "amx_bf16")
    assert hardware.has_fast_bf16()


def test_no_flags_no_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_lines", lambda path: [])
    assert hardware.processor_flags() == ()
    assert not hardware.has_fast_bf16()


def test_torchaudio_is_a_known_clash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.importlib.util, "find_spec", lambda name: object())
    assert "torchaudio" in [clash["library"] for clash in hardware.clashes()]


def test_identity_is_stable() -> None:
    assert hardware.identity() == hardware.identity()
    assert "torch" in hardware.identity()


def test_compute_threads_are_all_cores_unless_the_environment_wants_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "usable_cores", lambda: 4)
    for asked, threads in (("", 4), ("2", 2), ("9", 4), ("0", 4), ("2,1", 4)):
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
        assert hardware.compute_threads() == threads
