"""Pictures that lie inside other files, written out once into the cache so that all that reads files can read them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..core.errors import DataError
from .archives import LARGEST_RATIO, put_in_place

_A_FOLDER = 1000  # files; folders of millions are slow everywhere


def write_out(sources: Sequence[Path], cache: Path, salt: str, pictures: Iterable[bytes]) -> Path:
    """The folder with the pictures of some files; written once and reused while the files are unchanged.

    Args:
        sources: the files that hold them.
        cache: cache folder; the result lies under `held/`, named by a digest.
        salt: what else decides which pictures they are, for example a column.
        pictures: bytes of each, in order; empty ones become empty files, which the scan puts aside.
    Returns: the folder; `place(folder, i)` is picture i.
    Raises: DataError if the disk is too small, or the pictures are far more than the files hold.
    """
    folder = cache / "held" / _digest(sources, salt)
    if folder.is_dir():
        return folder
    size = sum(source.stat().st_size for source in sources)
    folder.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder.parent).free
    if size > 0.9 * free:
        raise _too_small(sources[0], free, size)
    working = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
    try:
        _write(working, pictures, min(int(0.9 * free), max(LARGEST_RATIO * size, 16 << 20)), sources[0])
        put_in_place(working, folder)
    except OSError as error:
        raise DataError(
            "the pictures inside this file could not be written out",
            got=error.strerror or error,
            where=sources[0],
            do="free some space or set GOODFIT_CACHE to another disk",
        ) from None
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return folder


def place(folder: Path, i: int) -> str:
    """Path of picture i in a folder that `write_out` made."""
    return str(folder / f"{i // _A_FOLDER:05d}" / f"{i:08d}")


def _write(folder: Path, pictures: Iterable[bytes], room: int, source: Path) -> None:
    for i, picture in enumerate(pictures):
        room -= len(picture)
        if room < 0:
            raise DataError(
                "the pictures inside this file are more than the disk holds, or far more than the file",
                where=source,
                do="free some space, or save the pictures as files and name their folder",
            )
        path = Path(place(folder, i))
        if i % _A_FOLDER == 0:
            path.parent.mkdir()
        path.write_bytes(picture)


def _digest(sources: Sequence[Path], salt: str) -> str:
    digest = hashlib.blake2b(salt.encode("utf-8", "surrogateescape"), digest_size=12)
    for source in sources:
        facts = source.stat()
        line = f"\0{source.resolve()}|{facts.st_size}|{facts.st_mtime_ns}"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _too_small(source: Path, free: int, needed: int) -> DataError:
    return DataError(
        "the disk is too small for the pictures inside this file",
        got=f"{free >> 20} MB free",
        allowed=f"{needed >> 20} MB needed",
        where=source,
        do="free some space or set GOODFIT_CACHE to another disk",
    )
