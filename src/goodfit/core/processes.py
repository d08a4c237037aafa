"""What the system says of processes: cores that this one may use, and whether another one lives."""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores() -> int:
    """Cores that this process may use: affinity and container quota respected, at least 1."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    quota = _container_cores()
    return max(1, min(cores, quota) if quota else cores)


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs here, whoever owns it."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def cgroup(name: str) -> str:
    """First line of a control file of the container; empty where there is none."""
    try:
        lines = Path("/sys/fs/cgroup", name).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return lines[0].strip() if lines else ""


def _container_cores() -> int:
    """Cores of the container's quota; 0 = none set."""
    quota, _, period = cgroup("cpu.max").partition(" ")
    if not quota:
        quota, period = cgroup("cpu/cpu.cfs_quota_us"), cgroup("cpu/cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit() and int(period) > 0:
        return max(1, round(int(quota) / int(period)))
    return 0
