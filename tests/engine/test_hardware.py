"""What the machine says of itself is complete, JSON, and respects what the process may use."""

from __future__ import annotations

import json

import pytest

from goodfit.core import processes
from goodfit.data import cache, picture_scan
from goodfit.engine import hardware


def test_machine_is_json_and_complete() -> None:
    said = json.loads(json.dumps(hardware.machine()))
    assert said["devices"][-1]["device"] == "cpu"
    assert said["versions"]["torch"]
    assert 1 <= said["cores"] <= said["cores_total"]
    assert said["memory_mb"] > 0


def test_container_limits_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "cgroup", lambda name: str(512 * 2**20) if name == "memory.max" else "")
    assert hardware.memory_mb() == 512


def test_every_room_asks_the_same_function_for_usable_cores() -> None:
    assert cache.usable_cores is picture_scan.usable_cores is hardware.usable_cores is processes.usable_cores


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


def test_memory_of_a_gpu_is_what_is_free_there_and_what_this_process_holds_unused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3 * 2**30, 8 * 2**30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 2**30)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2**29)
    monkeypatch.setattr(hardware, "_meminfo", lambda name: 77)
    assert hardware.available_memory_mb("cuda:0") == 3584
    assert hardware.available_memory_mb() <= 77
