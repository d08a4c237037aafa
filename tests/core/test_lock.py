"""The folder lock: a second process is refused with the owner's id, a dead owner's lock is taken over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from goodfit.core.errors import RunLocked
from goodfit.core.lock import FolderLock

HOLD = """
import sys, time
from pathlib import Path
from goodfit.core.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_second_process_is_refused_with_the_owners_id_and_sigkill_frees_the_folder(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        try:
            with pytest.raises(RunLocked, match=f"process {process.pid} on .*--runs") as caught:
                FolderLock(tmp_path)
            assert caught.value.exit_code == 1
            assert str(tmp_path) in str(caught.value)
        finally:
            process.send_signal(signal.SIGKILL)
    lock = FolderLock(tmp_path)
    assert lock.recovered == {"pid": process.pid, "host": socket.gethostname()}
    lock.release()


def test_released_lock_can_be_taken_and_tells_of_no_recovery(tmp_path: Path) -> None:
    FolderLock(tmp_path).release()
    lock = FolderLock(tmp_path)
    assert lock.recovered is None
    assert str(os.getpid()) in (tmp_path / "lock.json").read_text()
    lock.release()
    lock.release()


def test_damaged_lock_file_of_a_dead_owner_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "lock.json").write_bytes(b'{"pid": 12')
    FolderLock(tmp_path).release()
