"""Verdicts on pictures, kept on disk for the next scan; a damaged or missing file means that nothing is known."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..core.files import fsync_folder
from .verdict import Verdict

_COLUMNS = Verdict._fields


class VerdictStore:
    """Verdicts of one data set.

    Args:
        cache: cache folder.
        name: of the data set; any text.
    """

    def __init__(self, cache: Path, name: str) -> None:
        digest = hashlib.blake2b(os.fsencode(name), digest_size=12).hexdigest()
        self.path = cache / "scans" / f"{digest}.npz"

    @classmethod
    def of_files(cls, cache: Path, paths: Sequence[str]) -> VerdictStore:
        """The store of a data set in files, named by the folder that they share."""
        root = os.path.commonpath([os.path.abspath(os.path.dirname(path)) for path in paths]) if paths else ""
        return cls(cache, root)

    def of(self, paths: Sequence[str]) -> list[Verdict | None]:
        """The verdict of each file, None where it is new or changed, or could not be read at the time."""
        stored = self.load()
        return [stored.get(_key(path)) for path in paths]

    def keep_files(self, paths: Sequence[str], verdicts: Sequence[Verdict]) -> None:
        """Keep the verdicts that depend on the files' content alone."""
        lasting = [(_key(path), verdict) for path, verdict in zip(paths, verdicts, strict=True) if verdict.content]
        self.keep([key for key, _ in lasting], [verdict for _, verdict in lasting])

    def load(self) -> dict[str, Verdict]:
        """Key -> verdict."""
        try:
            with open(self.path, "rb") as file, np.load(file, allow_pickle=False) as table:
                columns = [_plain(table[name]) for name in ("key", *_COLUMNS)]
            return {key: Verdict(*rest) for key, *rest in zip(*columns, strict=True)}
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return {}

    def keep(self, keys: Sequence[str], verdicts: Sequence[Verdict]) -> None:
        """Replace what is stored; a full disk is no harm."""
        columns: dict[str, Any] = {"key": np.array(keys, dtype=np.bytes_)}
        for name, values in zip(_COLUMNS, zip(*verdicts, strict=True), strict=True) if keys else ():
            columns[name] = np.array(values, dtype=np.bytes_) if isinstance(values[0], str) else np.array(values)
        temporary = self.path.with_name(f".{self.path.stem}.{os.getpid()}.npz")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "wb") as file:
                np.savez(file, **columns)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
            fsync_folder(self.path.parent)
        except OSError:
            with suppress(OSError):
                temporary.unlink()


def _plain(column: np.ndarray) -> list[Any]:
    """Words are ASCII and stored as bytes, a quarter of what numpy takes for text."""
    return [word.decode("ascii") for word in column.tolist()] if column.dtype.kind == "S" else column.tolist()


def _key(path: str) -> str:
    """Path, size and time of change; the path hashed, so that odd names cannot disturb the file."""
    try:
        facts = os.stat(path)
    except OSError:
        return ""
    name = hashlib.blake2b(os.fsencode(os.path.abspath(path)), digest_size=12).hexdigest()
    return f"{name}-{facts.st_size}-{facts.st_mtime_ns}"
