"""Look at every picture of a data set once: can it be decoded, what is in it; verdicts are kept for the next time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..core.processes import usable_cores
from .images import ImageArrays, ImageFiles
from .picture_facts import measure_picture
from .scanned import Progress, Scan
from .verdict import Verdict, judge
from .verdict_store import VerdictStore

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
        white, quarter, black: (N,) int64 luminances; see `picture_facts.Facts`, also for what follows.
        clipped, sharpness, detail: (N,) float64.
        coloured: (N,) int64, 0 or 1.
        mark, inner: (N,) object arrays of hex.
        mean: (N,) float64.
    """

    height: np.ndarray
    width: np.ndarray
    mode: np.ndarray
    format: np.ndarray
    frames: np.ndarray
    orientation: np.ndarray
    spread: np.ndarray
    white: np.ndarray
    quarter: np.ndarray
    black: np.ndarray
    clipped: np.ndarray
    sharpness: np.ndarray
    detail: np.ndarray
    coloured: np.ndarray
    mark: np.ndarray
    inner: np.ndarray
    mean: np.ndarray


_WHOLE = ("height", "width", "frames", "orientation", "spread", "white", "quarter", "black", "coloured")
_REAL = ("clipped", "sharpness", "detail", "mean")
_WORDS = ("fault", "content", "pixels", "mode", "format", "mark", "inner")


def scan_files(
    dataset: ImageFiles, cache: Path, workers: int | None = None, progress: Progress | None = None
) -> PictureScan:
    """Verdicts on picture files, keyed by path, size and mtime."""
    paths = [str(path) for path in dataset.index.where]
    store = VerdictStore.of_files(cache, paths)
    known = store.of(paths)
    missing = [i for i, verdict in enumerate(known) if verdict is None]
    try:
        with closing(_judge_all([paths[i] for i in missing], workers)) as judged:
            for done, (i, verdict) in enumerate(judged, start=1):
                known[missing[i]] = verdict
                if progress is not None and (done % CHUNK == 0 or done == len(missing)):
                    progress(len(paths) - len(missing) + done, len(paths))
    finally:  # also where progress ended it, so that the next scan goes on
        if missing:
            store.keep_files(*_those_known(paths, known))
    verdicts = [verdict for verdict in known if verdict is not None]
    dataset.known.update({path: verdict.content for path, verdict in zip(paths, verdicts, strict=True)})
    return _gather(verdicts, remembered=len(paths) - len(missing))


def _those_known(paths: Sequence[str], known: Sequence[Verdict | None]) -> tuple[list[str], list[Verdict]]:
    pairs = [(path, verdict) for path, verdict in zip(paths, known, strict=True) if verdict is not None]
    return [path for path, _ in pairs], [verdict for _, verdict in pairs]


def _gather(verdicts: Sequence[Verdict], remembered: int) -> PictureScan:
    columns = dict(zip(_COLUMNS, zip(*verdicts, strict=True), strict=True)) if verdicts else dict.fromkeys(_COLUMNS, ())
    numbers = {name: np.array(columns[name], dtype=np.int64) for name in _WHOLE}
    numbers |= {name: np.array(columns[name], dtype=np.float64) for name in _REAL}
    words = {name: np.array([*columns[name], None], dtype=object)[:-1] for name in _WORDS}
    seen = words.pop("pixels")
    return PictureScan(ok=words["fault"] == "", seen=seen, remembered=remembered, **numbers, **words)


def scan_arrays(
    dataset: ImageArrays, cache: Path, workers: int | None = None, progress: Progress | None = None
) -> PictureScan:
    """Pictures in memory: none can be broken; each is measured where the last scan of such pixels did not."""
    (height, width), mode = dataset.pixels.shape[1:3], "L" if dataset.pixels.ndim == 3 else "RGB"
    contents = [str(content) for content in dataset.contents]
    store = VerdictStore(cache, "pixels " + "".join(contents))
    stored = store.load()
    verdicts: list[Verdict] = []
    for done, (content, row) in enumerate(zip(contents, dataset.rows, strict=True), start=1):
        verdict = stored.get(content)
        if verdict is None:
            pixels = dataset.pixels[row]
            facts = measure_picture(Image.fromarray(pixels))
            spread = int(pixels.max()) - int(pixels.min())
            verdict = Verdict("", content, content, height, width, mode, "", 1, 1, spread, *facts)
        verdicts.append(verdict)
        if progress is not None and (done % CHUNK == 0 or done == len(contents)):
            progress(done, len(contents))
    if len(stored) < len(set(contents)):
        store.keep(contents, verdicts)
    return _gather(verdicts, remembered=len(verdicts))


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
