"""One measurement at a time: a lock of this user on this machine, held while a time is taken."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def quiet(patience_s: float = 30.0) -> Iterator[bool]:
    """Hold the lock, so that parallel trials do not spoil each other's figures.

    Args:
        patience_s: longest wait for another holder; after that the figure is taken all the same.
    Yields: whether the lock is held. It dies with its process.
    """
    if sys.platform == "win32":  # measured without the lock
        yield False
        return
    handle = os.open(_path(), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield _taken(handle, patience_s)
    finally:
        os.close(handle)


def _path() -> Path:
    return Path(tempfile.gettempdir()) / f"goodfit-{os.getuid()}-measuring.lock"


def _taken(handle: int, patience_s: float) -> bool:
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)
