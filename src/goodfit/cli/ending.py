"""How a command ends: any error becomes one line on stderr and an exit code.

0 fine; 1 user error; 2 data refused; 3 budget too small; 4 our bug; 130 / 143 interrupted and resumable.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from ..core.errors import GoodfitError, UsageError, printable
from ..core.messages import say
from .console import close_pipe, complain
from .flags import language

OUR_BUG = 4


@dataclass
class Outcome:
    """Turns whatever ends a command into one line on stderr and an exit code."""

    argv: Sequence[str]
    code: int = 0

    def __enter__(self) -> Outcome:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        if isinstance(error, SystemExit):
            return False
        self.code = _end(error, self.argv)
        return True


# A disk or a permission that the person can mend; anything else that the system refuses is ours to explain.
_MENDABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}


def _end(error: BaseException, argv: Sequence[str]) -> int:
    if isinstance(error, BrokenPipeError):
        close_pipe()
        return 0
    if isinstance(error, KeyboardInterrupt):
        complain(say("cli.interrupted", _safe_language(argv)))
        return 130
    if isinstance(error, GoodfitError):
        complain(str(error))
        return error.exit_code
    if isinstance(error, MemoryError):
        complain("out of memory; make train.batch_size smaller or use fewer data (data.limit), and repeat the command")
        return 1
    if isinstance(error, OSError) and error.errno in _MENDABLE:
        complain(
            f"{printable(error.filename or 'the system')}: {error.strerror}; mend it and repeat the command to go on"
        )
        return 1
    what = f"{type(error).__name__}: {printable(error)}"
    complain(f"a fault of goodfit ({what}); please report it with {_crash_log(error, argv)}")
    return OUR_BUG


def _safe_language(argv: Sequence[str]) -> str:
    with contextlib.suppress(UsageError):
        return language(argv)
    return "en"


def _crash_log(error: BaseException, argv: Sequence[str]) -> str:
    """A file with the traceback; the traceback itself where no file can be written."""
    import platform
    import tempfile
    import traceback

    text = "".join(traceback.format_exception(error))
    head = (
        f"goodfit {version()}, Python {platform.python_version()}, {platform.platform()}\ngoodfit {' '.join(argv)}\n\n"
    )
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="goodfit-fault-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(head + text)
        return file.name
    except OSError:
        return "this: " + text


def version() -> str:
    from importlib import metadata

    return metadata.version("goodfit")
