"""One process a folder: an advisory lock that dies with its owner, and says who that is."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

from .errors import RunLocked
from .processes import is_alive

if sys.platform != "win32":
    import fcntl


class FolderLock:
    """Held from construction until `release` or the end of the process, SIGKILL included.

    Args:
        folder: the folder to own.
    Attributes:
        recovered: {pid, host} of the owner that ended without giving the folder back; None = there was none.
    Raises: RunLocked naming the owner if another living process holds it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "lock.json"
        self._file = open(self.path, "a+b")  # noqa: SIM115 - held open for as long as the lock is
        try:
            self._take()
        except BaseException:
            self._file.close()
            raise
        self.recovered = self._owner()
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}).encode())
        self._file.flush()

    def _take(self) -> None:
        if sys.platform != "win32":
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self._refuse(self._owner())
        elif (owner := self._owner()) and owner["pid"] != os.getpid() and is_alive(owner["pid"]):
            self._refuse(owner)  # no such lock on Windows: the owner's process decides alone

    def _owner(self) -> dict[str, Any] | None:
        self._file.seek(0)
        try:
            owner = json.loads(self._file.read())
            return {"pid": int(owner["pid"]), "host": str(owner["host"])}
        except (ValueError, TypeError, KeyError):  # empty or damaged
            return None

    def _refuse(self, owner: dict[str, Any] | None) -> None:
        who = f"process {owner['pid']} on {owner['host']}" if owner else "an unnamed process"
        raise RunLocked(
            f"this folder is in use by {who}",
            where=self.path.parent,
            do="wait for it, stop it, or choose another folder with --runs",
        )

    def release(self) -> None:
        """Give the folder back; the file stays, empty."""
        if not self._file.closed:
            self._file.truncate(0)
            self._file.close()
