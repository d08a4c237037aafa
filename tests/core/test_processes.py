"""Usable cores respect affinity and the container's quota; a process that ended is not alive."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from goodfit.core import processes


def test_affinity_limits_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    monkeypatch.setattr(processes, "cgroup", lambda name: "")
    assert processes.usable_cores() == 3


@pytest.mark.parametrize(("quota", "cores"), [("200000 100000", 2), ("50000 100000", 1), ("max 100000", 8)])
def test_container_quota_limits_the_cores(monkeypatch: pytest.MonkeyPatch, quota: str, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(processes, "cgroup", lambda name: quota if name == "cpu.max" else "")
    assert processes.usable_cores() == cores


def test_own_process_is_alive_and_an_ended_or_impossible_one_is_not() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(30)
    assert processes.is_alive(os.getpid())
    assert not processes.is_alive(process.pid)
    assert not processes.is_alive(10**30)
