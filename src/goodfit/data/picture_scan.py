"""Look at every picture of a data set once: can it be decoded, what is in it; verdicts are kept for the next time."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.files import fsync_folder
from ..core.processes import usable_cores
from .images import ImageArrays, ImageFiles
from .scanned import Progress, Scan
from .verdict import Verdict, judge

FEW = 400  # below this the start of a worker costs more than it saves
CHUNK = 128  # files a message; a file that kills its worker is then searched among so many
_COLUMNS = Verdict._fields


@dataclass(frozen=True, kw_only=True)
class PictureScan(Scan):
    """What is in each picture; see `verdict.Verdict`.

    Attributes:
        height: (N,) int64, upright.
        width: (N,) int64, upright.
        mode: (N,) object array of str.
        format: (N,) object array of str, "" for samples in memory.
        frames: (N,) int64, 2 = more than one.
        orientation: (N,) int64, EXIF.
        spread: (N,) int64, largest minus smallest value, -1 unknown.
    """

    height: np.ndarray
    width: np.ndarray
    mode: np.ndarray
    format: np.ndarray
    frames: np.ndarray
    orientation: np.ndarray
    spread: np.ndarray


def scan_files(
    dataset: ImageFiles, cache: Path, workers: int | None = None, progress: Progress | None = None
) -> PictureScan:
    """Verdicts on picture files, keyed by path, size and mtime."""
    paths = [str(path) for path in dataset.index.where]
    store = _Store(cache, paths)
    known = store.load(paths)
    missing = [i for i, verdict in enumerate(known) if verdict is None]
    try:
        with closing(_judge_all([paths[i] for i in missing], workers)) as judged:
            for done, (i, verdict) in enumerate(judged, start=1):
                known[missing[i]] = verdict
                if progress is not None and (done % CHUNK == 0 or done == len(missing)):
                    progress(len(paths) - len(missing) + done, len(paths))
    finally:  # also where progress ended it, so that the next scan goes on
        if missing:
            store.save(*_those_known(paths, known))
    verdicts = [verdict for verdict in known if verdict is not None]
    dataset.known.update({path: verdict.content for path, verdict in zip(paths, verdicts, strict=True)})
    return _gather(verdicts, remembered=len(paths) - len(missing))


def _those_known(paths: Sequence[str], known: Sequence[Verdict | None]) -> tuple[list[str], list[Verdict]]:
    pairs = [(path, verdict) for path, verdict in zip(paths, known, strict=True) if verdict is not None]
    return [path for path, _ in pairs], [verdict for _, verdict in pairs]


def _gather(verdicts: Sequence[Verdict], remembered: int) -> PictureScan:
    columns = dict(zip(_COLUMNS, zip(*verdicts, strict=True), strict=True)) if verdicts else dict.fromkeys(_COLUMNS, ())
    whole = {
        name: np.array(columns[name], dtype=np.int64) for name in ("height", "width", "frames", "orientation", "spread")
    }
    words = {
        name: np.array([*columns[name], None], dtype=object)[:-1]
        for name in ("fault", "content", "pixels", "mode", "format")
    }
    seen = words.pop("pixels")
    return PictureScan(ok=words["fault"] == "", seen=seen, remembered=remembered, **whole, **words)


def scan_arrays(
    dataset: ImageArrays, cache: Path, workers: int | None = None, progress: Progress | None = None
) -> PictureScan:
    """Pictures in memory: none can be broken."""
    n, (height, width) = len(dataset), dataset.pixels.shape[1:3]
    word = lambda text: np.full(n, text, dtype=object)  # noqa: E731
    flat = dataset.pixels[dataset.rows].reshape(n, -1)
    spread = flat.max(axis=1).astype(np.int64) - flat.min(axis=1) if n else np.empty(0, dtype=np.int64)
    return PictureScan(
        ok=np.ones(n, dtype=bool),
        fault=word(""),
        content=dataset.contents,
        seen=dataset.contents,
        height=np.full(n, height),
        width=np.full(n, width),
        mode=word("L" if dataset.pixels.ndim == 3 else "RGB"),
        format=word(""),
        frames=np.ones(n, dtype=np.int64),
        orientation=np.ones(n, dtype=np.int64),
        spread=spread,
        remembered=n,
    )


def _judge_all(paths: Sequence[str], workers: int | None) -> Generator[tuple[int, Verdict], None, None]:
    """(position, verdict) pairs, in no particular order."""
    count = workers if workers is not None else usable_cores() if len(paths) >= FEW else 0
    if count == 0:
        yield from ((i, judge(path)) for i, path in enumerate(paths))
        return
    chunks = [range(start, min(start + CHUNK, len(paths))) for start in range(0, len(paths), CHUNK)]
    queue = iter(chunks)
    with ThreadPoolExecutor(count) as pool:
        lanes = [_Lane() for _ in range(count)]
        try:
            running = {
                pool.submit(lane.judge, [paths[i] for i in chunk]): (lane, chunk)
                for lane, chunk in zip(lanes, queue, strict=False)
            }
            while running:
                done = next(as_completed(running))
                lane, chunk = running.pop(done)
                if (following := next(queue, None)) is not None:
                    running[pool.submit(lane.judge, [paths[i] for i in following])] = (lane, following)
                yield from zip(chunk, done.result(), strict=True)
        finally:
            for lane in lanes:
                lane.end()


class _Lane:
    """One worker process, started anew if a file kills it; that file is then judged `crashed`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._ended = False

    def judge(self, paths: list[str]) -> list[Verdict]:
        answers = None if self._ended else self._ask(paths)
        if self._ended:  # nobody waits for the answer
            return []
        if answers is None and len(paths) > 1:
            return [verdict for path in paths for verdict in self.judge([path])]
        return answers if answers is not None else [Verdict("crashed")]

    def _ask(self, paths: list[str]) -> list[Verdict] | None:
        """Verdicts, or None if the worker died over them."""
        process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(paths) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (BrokenPipeError, OSError):
            line = ""
        if not line.endswith("\n"):
            self.close()
            return None
        return [Verdict(*answer) for answer in json.loads(line)]

    def _start(self) -> subprocess.Popen[str]:
        if self._process is None:
            # A fresh interpreter: neither fork under threads nor a second import of the user's script.
            package = __name__.rpartition(".")[0]
            source = str(Path(__file__).parents[len(package.split("."))])
            path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{package}.verdict"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="ascii",
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,
            )  # its own session, so that Ctrl-C reaches the parent alone
        return self._process

    def end(self) -> None:
        """Close for good: what still runs here gives up instead of starting anew."""
        self._ended = True
        self.close()

    def close(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.communicate()


class _Store:
    """Verdicts of one data set on disk; a damaged or missing file means nothing is known.

    Args:
        cache: cache folder.
        paths: files of the data set; their common folder names the file.
    """

    def __init__(self, cache: Path, paths: Sequence[str]) -> None:
        root = os.path.commonpath([os.path.abspath(os.path.dirname(path)) for path in paths]) if paths else ""
        name = hashlib.blake2b(os.fsencode(root), digest_size=12).hexdigest()
        self.path = cache / "scans" / f"{name}.npz"

    def load(self, paths: Sequence[str]) -> list[Verdict | None]:
        """The verdict of each path, None where the file is new or changed, or could not be read at the time."""
        stored = self._stored()
        return [stored.get(_key(path)) for path in paths]

    def _stored(self) -> dict[str, Verdict]:
        try:
            with open(self.path, "rb") as file, np.load(file, allow_pickle=False) as table:
                columns = [table[name].tolist() for name in ("key", *_COLUMNS)]
            return {key: Verdict(*rest) for key, *rest in zip(*columns, strict=True)}
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return {}

    def save(self, paths: Sequence[str], verdicts: Sequence[Verdict]) -> None:
        """Keep the verdicts that depend on the file's content alone; a full disk is no harm."""
        lasting = [(_key(p), v) for p, v in zip(paths, verdicts, strict=True) if v.content]
        columns: dict[str, Any] = {"key": np.array([key for key, _ in lasting], dtype=np.str_)}
        for name, values in zip(_COLUMNS, zip(*[v for _, v in lasting], strict=True), strict=True) if lasting else ():
            columns[name] = np.array(values)
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


def _key(path: str) -> str:
    """Path, size and time of change; the path hashed, so that odd names cannot disturb the file."""
    try:
        facts = os.stat(path)
    except OSError:
        return ""
    name = hashlib.blake2b(os.fsencode(os.path.abspath(path)), digest_size=12).hexdigest()
    return f"{name}-{facts.st_size}-{facts.st_mtime_ns}"
