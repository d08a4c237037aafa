"""What this machine is: versions, devices, processor, cores, memory, and known clashes between libraries."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
from pathlib import Path
from typing import Any

from ..core.processes import cgroup, usable_cores

_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_tile", "asimd", "bf16", "sve")
_LIBRARIES = (
    "torch", "torchvision", "timm", "accelerate", "safetensors", "numpy", "pandas", "scikit-learn", "pillow",
    "pydantic", "pyarrow", "tensorboard", "mlflow",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """Everything `goodfit env` shows; JSON values only."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "versions": versions(),
        "processor": processor(),
        "flags": list(processor_flags()),
        "bf16": has_fast_bf16(),
        "cores": usable_cores(),
        "cores_total": os.cpu_count() or 1,
        "memory_mb": memory_mb(),
        "devices": _devices(),
        "clashes": clashes(),
    }


def identity() -> str:
    """One line that is equal on machines whose measurements may be exchanged."""
    names = [str(device["name"]) for device in _devices()]
    return "; ".join([*names, f"{usable_cores()} cores", f"torch {versions().get('torch')}"])


def versions() -> dict[str, str | None]:
    """Installed versions of the libraries that decide results; None = not installed."""
    found: dict[str, str | None] = {}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def processor() -> str:
    """Model name of the processor."""
    for line in _lines("/proc/cpuinfo"):
        if line.lower().startswith(("model name", "hardware")):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def processor_flags() -> tuple[str, ...]:
    """Those instruction sets of the processor that matter for speed."""
    for line in _lines("/proc/cpuinfo"):
        if line.lower().startswith(("flags", "features")):
            here = set(line.partition(":")[2].split())
            return tuple(flag for flag in _FLAGS if flag in here)
    return ()


def has_fast_bf16() -> bool:
    """Whether the processor multiplies bf16 natively."""
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(processor_flags()))


def compute_threads() -> int:
    """Threads for computing where the recipe names none: all usable cores, fewer where OMP_NUM_THREADS says so."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(usable_cores(), int(asked)) if asked.isdigit() and int(asked) else usable_cores()


def memory_mb() -> int:
    """Memory in MiB that this process may use: the machine's, or the container's where that is less; 0 = unknown."""
    total = _meminfo("MemTotal")
    said = (cgroup("memory.max"), cgroup("memory/memory.limit_in_bytes"))
    limits = [int(limit) // 2**20 for limit in said if limit.isdigit()]
    return min([x for x in (total, *limits) if x > 0], default=0)


def available_memory_mb(device: str = "cpu") -> int:
    """Memory in MiB that a device could take now: a GPU's own, else the machine's without swapping; 0 = unknown."""
    if device.startswith("cuda"):
        return _available_on_gpu_mb(device)
    free = _meminfo("MemAvailable")
    limit, used = cgroup("memory.max"), cgroup("memory.current")
    if limit.isdigit() and used.isdigit():
        free = min(free, max(0, int(limit) - int(used)) // 2**20 + _reclaimable_mb())
    return free


def clashes() -> list[dict[str, str]]:
    """Pairs of libraries known to break each other, and what to do."""
    found = []
    if importlib.util.find_spec("torchaudio") is not None:
        found.append({"library": "torchaudio", "breaks": "transformers", "do": "pip uninstall torchaudio"})
    dateutil = _version("python-dateutil")
    if dateutil and dateutil.startswith("3"):
        found.append({"library": "python-dateutil 3", "breaks": "mlflow", "do": "pip install 'python-dateutil<3'"})
    if sys.version_info >= (3, 14):
        python = f"python {platform.python_version()}"
        found.append({"library": python, "breaks": "torch", "do": "use Python 3.11 to 3.13"})
    return found


def _available_on_gpu_mb(device: str) -> int:
    """What the GPU has free, and what this process holds of it without using it."""
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return (free + unused) // 2**20


def _devices() -> list[dict[str, Any]]:
    import torch

    found: list[dict[str, Any]] = []
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            facts = torch.cuda.get_device_properties(i)
            found.append({"device": f"cuda:{i}", "name": facts.name, "memory_mb": facts.total_memory // 2**20})
    if torch.backends.mps.is_available():
        found.append({"device": "mps", "name": "Apple GPU", "memory_mb": memory_mb()})
    return [*found, {"device": "cpu", "name": processor(), "memory_mb": memory_mb()}]


def _reclaimable_mb() -> int:
    for line in _lines("/sys/fs/cgroup/memory.stat"):
        if line.startswith("inactive_file "):
            return int(line.split()[1]) // 2**20
    return 0


def _meminfo(name: str) -> int:
    for line in _lines("/proc/meminfo"):
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) // 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (AttributeError, ValueError, OSError):
        return 0


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
