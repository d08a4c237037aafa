"""Files that are whole or absent: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any


def write_atomic(path: Path, data: bytes | str) -> None:
    """Replace `path` by `data` so that a cut at any moment leaves the old or the new content.

    Raises: OSError if the disk is full or the folder cannot be written; `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    raw = data.encode("utf-8") if isinstance(data, str) else data
    try:
        with open(temporary, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _no_room(error, path, len(raw)) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def write_json(path: Path, tree: Any) -> None:
    """Atomic JSON; NaN is refused, so that every reader can parse it."""
    write_atomic(path, json.dumps(tree, indent=1, ensure_ascii=False, allow_nan=False))


def fsync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable; a no-op where folders cannot be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def append_line(path: Path, line: str) -> None:
    """Append one line and make it durable.

    Raises: OSError if the disk is full; the file may then end in part of the line, which `read_lines` drops.
    """
    raw = line.encode("utf-8") + b"\n"
    try:
        with open(path, "ab") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _no_room(error, path, len(raw)) from None


def read_lines(path: Path) -> list[dict[str, Any]]:
    """JSON lines of a file; a last line that a cut left unfinished is dropped from the file too."""
    if not path.exists():
        return []
    raw = path.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) < len(raw):
        with open(path, "r+b") as file:
            file.truncate(len(whole))
    return [json.loads(line) for line in whole.splitlines() if line.strip()]


def _no_room(error: OSError, path: Path, needed: int) -> OSError:
    """The same error, naming the file; where room is short, also the bytes needed and free."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        reason = f"{reason} ({needed} bytes needed, {shutil.disk_usage(path.parent).free} free on the disk)"
    return OSError(error.errno, reason, str(path))
