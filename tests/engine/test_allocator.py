"""The allocator: on glibc it works, for children too; a large tensor then comes from the heap."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from goodfit.engine import allocator

GLIBC = platform.libc_ver()[0] == "glibc"


@pytest.mark.skipif(not GLIBC, reason="needs glibc")
def test_tuning_works_on_glibc_and_reaches_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    assert allocator.tune()
    assert os.environ["MALLOC_MMAP_MAX_"] == "0"
    assert os.environ["MALLOC_TRIM_THRESHOLD_"] == str(2**31 - 1)


def test_other_systems_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not allocator.tune()


def test_a_library_without_mallopt_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert not allocator.tune_here()


FREED_MEMORY_STAYS = """
import ctypes, sys
from goodfit.engine import allocator
if sys.argv[1] == "tuned":
    assert allocator.tune()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
size = 64 * 2**20
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
before = resident()
block = libc.malloc(size)
ctypes.memset(block, 1, size)
libc.free(block)
print(resident() - before > size // 2)
"""


@pytest.mark.skipif(not GLIBC, reason="needs glibc")
@pytest.mark.parametrize(("how", "kept"), [("tuned", "True"), ("plain", "False")])
def test_freed_memory_stays_in_the_process_only_when_tuned(how: str, kept: str) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", FREED_MEMORY_STAYS, how],
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == kept
