"""The tree of errors that a user may meet; each says what is wrong, what was got, what is allowed and what to do.

GoodfitError                  exit code 1
├── UsageError                1: the command or the recipe is off; mend it and repeat
│   ├── RecipeError           1: a recipe key or value
│   ├── MissingExtra          1: an optional library is not installed
│   ├── DeviceError           1: the device asked for is absent
│   └── RunLocked             1: another process works in this run folder
├── DataError                 2: the data cannot be used as they are
├── CheckpointError           1: no usable checkpoint is left
├── BudgetError               3: the planned minimum did not fit the budget
└── Interrupted               130 / 143: a signal came; repeat the command to go on
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONG = 1500  # characters of what is allowed: the layouts of all readers


class GoodfitError(Exception):
    """Read the message: its last clause says what to do.

    Args:
        wrong: what is wrong, one clause, no full stop.
        got: the value that was met, if any.
        allowed: what would have been accepted.
        do: the next step for the person.
        where: file, row or recipe key.
    """

    exit_code = 1

    def __init__(
        self,
        wrong: str,
        *,
        got: object = None,
        allowed: object = None,
        do: str | None = None,
        where: object = None,
    ) -> None:
        self.wrong, self.got, self.allowed, self.do, self.where = wrong, got, allowed, do, where
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        parts = [f"{printable(self.where)}: {self.wrong}" if self.where is not None else self.wrong]
        if self.got is not None:
            parts.append(f"got {printable(self.got)}")
        if self.allowed is not None:
            parts.append(f"allowed: {printable(self.allowed, LONG)}")
        if self.do:
            parts.append(self.do)
        return printable("; ".join(parts), 4000)


class UsageError(GoodfitError):
    """Mend the command as the message says and repeat it."""


class RecipeError(UsageError):
    """Mend the named recipe key; `goodfit plan DATA` lists every key with its value."""


class MissingExtra(UsageError):
    """Install the named extra, for example `pip install 'goodfit[track]'`."""


class DeviceError(UsageError):
    """Ask for a device that this machine has, or leave `--device auto`."""


class RunLocked(UsageError):
    """Wait for the other process, stop it, or use another `--runs` folder."""


class DataError(GoodfitError):
    """Mend the data as the message says; nothing was trained."""

    exit_code = 2


class CheckpointError(GoodfitError):
    """Start again with `--new`; the damaged files are left in place for you to look at."""


class BudgetError(GoodfitError):
    """Give a larger `--budget` or less data (`data.limit`)."""

    exit_code = 3


class Interrupted(GoodfitError):
    """Repeat the same command; it goes on from what is kept: caches, finished runs, the checkpoint."""

    def __init__(self, signal_number: int, where: object = None) -> None:
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number
        super().__init__(
            f"interrupted by signal {signal_number}, what is finished is kept",
            do="repeat the same command to go on",
            where=where,
        )


def printable(value: object, limit: int = 300) -> str:
    """One line that is safe to print: control characters escaped, long values cut.

    Args:
        value: anything; hostile file names and labels included.
        limit: longest result in characters.
    """
    text = str(value)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The clause `Did you mean 'x'?`, or the empty string when nothing is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else ""
