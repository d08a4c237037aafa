"""Unpack zip and tar archives that may be hostile: every member is checked before anything is written.

Sources: Snyk 2018, "Zip Slip"; Fifield 2019, "A better zip bomb" (written bytes are counted too).
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from ..core.errors import DataError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
LARGEST_RATIO = 200  # unpacked to packed; pictures reach about 1, plain text about 20
FREE_RATIO_BYTES = 16 << 20  # so little may have any ratio
MOST_MEMBERS = 5_000_000
_BLOCK = 1 << 20
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)

Member = tuple[str, int, IO[bytes] | None]  # name, declared size, content (None = folder)


def is_archive(path: Path) -> bool:
    """Whether the name is that of an archive that `unpack` knows."""
    return path.name.lower().endswith(SUFFIXES)


def unpack(path: Path, cache: Path) -> Path:
    """The folder that holds what is in the archive; unpacked once and reused while the archive is unchanged.

    Args:
        path: .zip or .tar with or without gzip, bzip2 or xz.
        cache: cache folder; the result lies under `archives/`, named by a digest and never by a member's name.
    Raises: DataError if a member would leave the folder, is a link or a device, if the archive is a bomb, damaged,
        encrypted, or larger than the disk.
    """
    facts = path.stat()
    name = hashlib.blake2b(
        f"{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}".encode("utf-8", "surrogateescape"), digest_size=12
    )
    folder = cache / "archives" / name.hexdigest()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    working = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        _unpack_into(path, working)
        put_in_place(working, folder)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return folder


def put_in_place(working: Path, folder: Path) -> None:
    """Give a folder that is finished its name; another process may have been faster."""
    try:
        working.rename(folder)
    except OSError:
        if not folder.is_dir():  # another process was not simply faster
            raise


def _unpack_into(path: Path, folder: Path) -> None:
    try:
        members = _check_all(path)
        _check_sizes(path, members, folder)
        _write_all(path, folder)
    except _BROKEN as error:
        raise DataError(
            "this archive is damaged, encrypted or of an unknown kind", got=error, where=path, do="pack it again"
        ) from None
    except OSError as error:
        raise DataError(
            "the archive could not be unpacked", got=error.strerror or error, where=path, do="see the reason given"
        ) from None


def _check_all(path: Path) -> list[tuple[str, int]]:
    """(name, declared size) of every member, each found harmless."""
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            return [_check_zip_member(info, path) for info in archive.infolist()]
    checked = []
    with tarfile.open(path) as archive:
        for info in archive:
            checked.append(_check_tar_member(info, path))
            if len(checked) > MOST_MEMBERS:
                break
    return checked


def _check_zip_member(info: zipfile.ZipInfo, path: Path) -> tuple[str, int]:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind and not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise _refusal("a link or a device", info.filename, path)
    if info.flag_bits & 1:
        raise DataError("this archive is encrypted", where=path, do="unpack it yourself and name the folder")
    # zipfile cuts the name at a NUL, so the original is looked at as well
    for name in (info.filename, info.orig_filename):
        _check_name(name, path)
    return info.filename, info.file_size


def _check_tar_member(info: tarfile.TarInfo, path: Path) -> tuple[str, int]:
    if not (info.isreg() or info.isdir()):
        raise _refusal("a link or a device", info.name, path)
    _check_name(info.name, path)
    return info.name, info.size if info.isreg() else 0


def _check_name(name: str, path: Path) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":") or ".." in parts or "\0" in name:
        raise _refusal("a name that leads out of it", name, path)


def _refusal(what: str, name: str, path: Path) -> DataError:
    return DataError(
        f"this archive holds {what}, so it is refused",
        got=name,
        where=path,
        do="unpack it yourself after a look, then name the folder",
    )


def _check_sizes(path: Path, members: Iterable[tuple[str, int]], folder: Path) -> None:
    members = list(members)
    total = sum(size for _, size in members)
    if len(members) > MOST_MEMBERS:
        raise DataError(
            "this archive has too many members",
            allowed=MOST_MEMBERS,
            where=path,
            do="unpack it yourself and name the folder",
        )
    if total > _allowance(path):
        raise DataError(
            "this archive unpacks to far more than it holds, as a bomb does",
            got=f"{total} bytes from {path.stat().st_size}",
            allowed=f"{LARGEST_RATIO} times",
            where=path,
            do="unpack it yourself if you trust it, then name the folder",
        )
    free = shutil.disk_usage(folder).free
    if total > 0.9 * free:
        raise DataError(
            "the disk is too small for this archive",
            got=f"{free >> 20} MB free in {folder.parent}",
            allowed=f"{total >> 20} MB needed",
            where=path,
            do="free some space or set GOODFIT_CACHE to another disk",
        )


def _allowance(path: Path) -> int:
    return max(FREE_RATIO_BYTES, LARGEST_RATIO * path.stat().st_size)


def _write_all(path: Path, folder: Path) -> None:
    left = _allowance(path)
    for name, declared, content in _members(path):
        target = folder.joinpath(*[part for part in name.split("/") if part not in ("", ".")])
        if content is None:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, _create(target, name, path) as file:
            left -= _copy(content, file, min(left, declared), path)


def _create(target: Path, name: str, path: Path) -> IO[bytes]:
    try:
        return open(target, "xb")
    except (FileExistsError, IsADirectoryError):
        raise DataError("this archive holds one name twice", got=name, where=path, do="pack it again") from None


def _copy(content: IO[bytes], file: IO[bytes], most: int, path: Path) -> int:
    written = 0
    while block := content.read(_BLOCK):
        written += len(block)
        if written > most:
            raise DataError(
                "a member of this archive is larger than it says, as in a bomb",
                where=path,
                do="do not use this archive",
            )
        file.write(block)
    return written


def _members(path: Path) -> Iterator[Member]:
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                yield info.filename, info.file_size, None if info.is_dir() else archive.open(info)
        return
    with tarfile.open(path) as tar:
        for entry in tar:
            yield entry.name, entry.size, tar.extractfile(entry) if entry.isreg() else None


def _is_zip(path: Path) -> bool:
    return path.name.lower().endswith(".zip") or (not path.name.lower().endswith(SUFFIXES) and zipfile.is_zipfile(path))
