"""Wall-clock of a whole command, from process start to report, summed over resumed sessions."""

from __future__ import annotations

import itertools
import json
import os
import time
from pathlib import Path

_IMPORTED = time.time()
_YOUNG = 60.0  # seconds after which a process's first command is not what it was started for


def process_start() -> float:
    """Seconds since the epoch at which this process began; the import of this file where the system does not say."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        boot = next(
            int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime")
        )
        started = boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, StopIteration, IndexError):
        return _IMPORTED
    return started if 0 <= _IMPORTED - started < _YOUNG else _IMPORTED


_calls = itertools.count()


def command_start() -> float:
    """When the command began that calls this: the process's start for its first command, else now.

    A command line is one command a process and pays for its imports; a notebook's later ones begin when called.
    """
    return process_start() if next(_calls) == 0 and time.time() - process_start() < _YOUNG else time.time()


class Clock:
    """How much of the budget is gone.

    Args:
        path: clock.json of the study; earlier sessions' seconds are read from it.
        budget: seconds asked for, None = no deadline.
        now: replaces time.time in tests.
        began: when the command began; None = now.
    """

    def __init__(self, path: Path, budget: float | None, now: object = None, began: float | None = None) -> None:
        self.path, self.budget = path, budget
        self._now = now if callable(now) else time.time
        self._begun = self._now() if began is None else began
        self.before = self._read()
        self._noted = 0.0

    def _read(self) -> float:
        try:
            return float(json.loads(self.path.read_text())["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0

    @property
    def used(self) -> float:
        """Seconds used so far, all sessions."""
        return self.before + self._now() - self._begun

    @property
    def left(self) -> float:
        """Seconds left; infinite without a budget."""
        return float("inf") if self.budget is None else self.budget - self.used

    def note(self, every: float = 1.0) -> None:
        """Remember the seconds used, at most once in `every` seconds; no fsync: a cut loses a second of the account."""
        if self._now() - self._noted >= every:
            self._noted = self._now()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_suffix(".tmp")
            try:
                temporary.write_text(json.dumps({"seconds": self.used}))
                temporary.replace(self.path)
            except OSError:
                temporary.unlink(missing_ok=True)
