"""Where caches live, how large they are, and what may be deleted: everything here can be made again.

Source: XDG base directories on Linux, the platforms' own places elsewhere.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import UsageError

VARIABLE = "GOODFIT_CACHE"
_MARK = "CACHEDIR.TAG"  # https://bford.info/cachedir: backup programs leave such a folder out
_MARK_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of goodfit; it may be deleted at any time.\n"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One deletable thing in the cache: a folder or a file at its top.

    Attributes:
        path: absolute.
        size_bytes: of all files in it.
        used: last change, seconds since 1970.
    """

    path: Path
    size_bytes: int
    used: float


def cache_folder() -> Path:
    """The folder, made if need be: $GOODFIT_CACHE, else the platform's place for caches.

    Raises: UsageError if it cannot be made.
    """
    folder = Path(os.environ[VARIABLE]).expanduser() if os.environ.get(VARIABLE) else _platform_place() / "goodfit"
    folder = folder.absolute()
    try:
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        if new:
            (folder / _MARK).write_text(_MARK_TEXT, "utf-8")
    except OSError as error:
        raise UsageError(
            "the cache folder cannot be made", got=error.strerror, do=f"set {VARIABLE} to another place", where=folder
        ) from None
    return folder


def entries(folder: Path) -> list[Entry]:
    """What lies at the top of a cache folder, largest first; links are neither followed nor listed."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name == _MARK or path.is_symlink():
            continue
        found.append(Entry(path=path, size_bytes=size_of(path), used=path.stat().st_mtime))
    return sorted(found, key=lambda e: (-e.size_bytes, e.path.name))


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; what vanishes meanwhile counts nothing."""
    if path.is_file():
        return path.stat().st_size
    total = 0
    for root, _, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(os.path.join(root, name)).st_size
            except FileNotFoundError:
                continue
    return total


def delete(folder: Path, entry: Entry) -> None:
    """Delete one entry of this cache folder.

    Raises: UsageError if the entry does not lie directly in it.
    """
    if entry.path.parent != folder or entry.path.is_symlink():
        raise UsageError("only entries of the cache are deleted", got=entry.path, allowed=folder, do="report this")
    if entry.path.is_dir():
        shutil.rmtree(entry.path)
    else:
        entry.path.unlink(missing_ok=True)


def _platform_place() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
