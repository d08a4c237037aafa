"""Asking to stop: the first signal raises a flag that long work looks at, the second ends the process at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_asked: list[int] = []


def asked_to_stop() -> int:
    """Number of the signal that asked this process to stop, 0 while none did; cheap enough for every step."""
    return _asked[0] if _asked else 0


def install(on_first: Callable[[int], None]) -> Callable[[], None]:
    """Take over Ctrl-C and SIGTERM in this process; children go back to what they had.

    A worker process ignores Ctrl-C, which reaches the whole group, and dies of SIGTERM, which is meant for it.

    Args:
        on_first: told the signal's number once; runs inside the handler, so it must be short and must not buffer.
    Returns: a function that puts the former handlers back and clears the flag.
    """
    owner = os.getpid()

    def handle(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            _as_worker(number)
        elif _asked:
            os._exit(128 + number)  # whole files are renamed into place, so that an end at any moment is safe
        else:
            _asked.append(number)
            on_first(number)

    before = {number: signal.signal(number, handle) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        _asked.clear()

    return restore


def _as_worker(number: int) -> None:
    if number == signal.SIGTERM:
        os._exit(128 + number)
