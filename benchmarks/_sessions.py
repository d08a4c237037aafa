"""Sessions of one command: started, watched, killed, started again; and what they leave compared with an uncut run."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _data import SHARED, home
from _watched import BEGUN, FIRST, HIT, NOW, Board

WATCHED = Path(__file__).resolve().parent / "_watched.py"
FIXED = ("engine.device=cpu", "engine.precision=fp32", "engine.layout=contiguous", "engine.threads=1")
PATIENT = "train.patience=1000"  # the whole length, so that an uncut run lasts as long as asked
CHECKPOINT_SECONDS = 10
HANG_SECONDS = 1800.0
PICTURES = 200  # a class
LIMIT = 800  # pictures trained on: predicting them at the end should not outlast training

stop = threading.Event()  # set by SIGTERM, Ctrl-C or the stop file: sessions end, the trial leaves no row


class Stopped(Exception):
    """The measurement was asked to stop; repeating the command goes on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
    """A command to cut.

    Attributes:
        data: digits or pictures.
        workers: decoding processes; None = the cached loader.
        seed: the recipe's seed.
    """

    data: str
    workers: int | None = None
    seed: int = 0

    def words(self, epochs: int) -> list[str]:
        """The command line after `goodfit`, without `--runs`."""
        path = ["digits"] if self.data == "digits" else [str(pictures()), f"data.limit={LIMIT}"]
        loader = ["engine.loader=cached"]
        if self.workers is not None:
            loader = ["engine.loader=stream", f"engine.workers={self.workers}"]
        keys = [f"train.epochs={epochs}", PATIENT, f"engine.checkpoint_seconds={CHECKPOINT_SECONDS}"]
        return ["train", *path, "--seed", str(self.seed), "--json", *FIXED, *keys, *loader]


@dataclasses.dataclass
class Session:
    """One start of a command, alive until `end` or `kill`."""

    process: subprocess.Popen[bytes]
    board: Board
    log: Path
    began: float

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def until(self, seconds: float | None = None, step: int | None = None) -> bool:
        """Wait for a time since the start or for a step, whichever is given; False if the process ended before."""
        while self.alive:
            now = time.monotonic() - self.began
            if (seconds is not None and now >= seconds) or (step is not None and self.board[NOW] >= step):
                return True
            if stop.is_set() or now > HANG_SECONDS:
                self.kill(group=True)
                raise Stopped if stop.is_set() else SystemExit(f"hangs, see {self.log}")
            time.sleep(0.003)
        return False

    def kill(self, group: bool) -> None:
        """SIGKILL to the whole process group, or to the main process alone."""
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        """Wait for the end; returns the exit code."""
        while self.until(seconds=math.inf):
            continue
        return int(self.process.returncode)

    def said(self) -> str:
        """What it wrote, output and errors."""
        return self.log.read_text("utf-8", "replace")


def start(words: Sequence[str], folder: Path, cache: Path, *, aim: str = "") -> Session:
    """Start the command in `folder`, its runs below it, one compute thread, in a process group of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    board = Board(folder / "board", fresh=True)
    env = {
        **os.environ, "GOODFIT_CACHE": str(cache), "GOODFIT_BENCH_BOARD": str(folder / "board"),
        "GOODFIT_BENCH_AIM": aim, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    log = folder / f"session-{len(list(folder.glob('session-*')))}.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(WATCHED), *words, "--runs", str(folder / "runs")],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env, start_new_session=True,
        )  # fmt: skip
    return Session(process=process, board=board, log=log, began=time.monotonic())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Uncut:
    """A run that nobody disturbed.

    Attributes:
        folder: of its sessions and runs.
        words: its command.
        steps: optimiser steps.
        first, last, end: seconds from the start to the first step, to the last, to the end.
        cpu: processor seconds.
    """

    folder: Path
    words: list[str]
    steps: int
    first: float
    last: float
    end: float
    cpu: float

    def step_at(self, seconds: float) -> int:
        """The step that it had reached by then."""
        return int((seconds - self.first) / (self.last - self.first) * self.steps)


_one_at_a_time = threading.Lock()


def uncut(work: Work, seconds: float) -> Uncut:
    """The uncut run of a command, so long that training takes `seconds` of one core; kept for all trials."""
    key = f"{work.data}-{work.workers}-{work.seed}-{seconds:g}-{source_digest()}"
    folder = home() / "uncut" / key
    with _one_at_a_time:
        if not (folder / "uncut.json").exists():
            _measure_uncut(work, seconds, folder)
    kept = json.loads((folder / "uncut.json").read_text("utf-8"))
    return Uncut(folder=folder, **kept)


def _measure_uncut(work: Work, seconds: float, folder: Path) -> None:
    epochs = max(2, math.ceil(seconds / (1.5 if work.data == "digits" else 3.0)))
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        words = work.words(epochs)
        session = start(words, folder, home() / "uncut" / "cache")
        if not session.until(step=1):
            raise SystemExit(f"the uncut run failed:\n{session.said()[-3000:]}")
        before, first = _cpu(session.process.pid), time.monotonic() - session.began
        steps, last, used = _follow(session)
        if session.process.returncode:
            raise SystemExit(f"the uncut run failed:\n{session.said()[-3000:]}")
        end = time.monotonic() - session.began
        if used - before >= seconds:
            break
        epochs = math.ceil(epochs * 1.15 * seconds / max(1.0, used - before))
    tree = {"words": words, "steps": steps, "first": first, "last": last, "end": end, "cpu": used - before}
    (folder / "uncut.json").write_text(json.dumps(tree), "utf-8")


def _follow(session: Session) -> tuple[int, float, float]:
    """Steps, seconds to the last one, and processor seconds by then."""
    steps, last, used = 1, 0.0, 0.0
    while session.alive:
        if session.board[NOW] > steps:
            steps, last = session.board[NOW], time.monotonic() - session.began
            used = _cpu(session.process.pid) or used
        if stop.is_set():
            session.kill(group=True)
            raise Stopped
        time.sleep(0.01)
    return steps, last, used


def _cpu(pid: int) -> float:
    """Processor seconds of a process; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def study_of(folder: Path) -> Path | None:
    """The one finished study below a folder; None if there is none or more than one, or its runs are not one."""
    studies = list((folder / "runs").glob("*/result.json"))
    whole = len(studies) == 1 and len(list((folder / "runs").glob("*/study.json"))) == 1
    return studies[0].parent if whole and len(list(studies[0].parent.glob("runs/*/result.json"))) == 1 else None


def compare(folder: Path, reference: Path) -> dict[str, bool]:
    """What is bit-identical: weights (the model files' bytes), records without `cost`, predictions, scores."""
    mine, theirs = study_of(folder), study_of(reference)
    assert theirs is not None
    if mine is None:
        return {"finished": False, "weights": False, "records": False, "predictions": False, "scores": False}
    a, b = (next(s.glob("runs/*/result.json")).parent for s in (mine, theirs))
    pairs = [(a / "model", b / "model"), (mine / "model", theirs / "model")]
    name = "model.safetensors"
    return {
        "finished": a.name == b.name,
        "weights": all((x / name).read_bytes() == (y / name).read_bytes() for x, y in pairs),
        "records": _records(a) == _records(b),
        "predictions": _predictions(a) == _predictions(b),
        "scores": _scores(a) == _scores(b),
    }


def _records(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text("utf-8").splitlines()]
    return [{k: v for k, v in line.items() if k != "cost"} for line in lines]


def _predictions(run: Path) -> dict[str, Any]:
    found = {}
    for path in sorted((run / "predictions").glob("*.npz")):
        with np.load(path, allow_pickle=False) as z:
            found |= {f"{path.stem}/{k}": (z[k].dtype.str, z[k].shape, z[k].tobytes()) for k in z.files}
    return found


def _scores(run: Path) -> Mapping[str, Any]:
    tree = json.loads((run / "result.json").read_text("utf-8"))
    return {k: tree[k] for k in ("scores", "steps", "stopped", "family", "run_id")}


def cost_of_kill(board: Mapping[str, Any], later: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a kill cost: steps done again, and the seconds that they had taken.

    Args:
        board: of the killed session, see `board_now`.
        later: boards of the sessions after it.
    """
    at, times = board["now"], board["times"]
    resumed = next((b["first"] for b in later if b["first"] >= 0), at)  # none: nothing was left to do
    lost = max(0, at - resumed) if at >= 0 else 0
    seconds = (times[at] - times.get(resumed, board["begun"])) / 1e9 if lost else 0.0
    return {"at_step": at, "resumed_from": resumed, "repeated_steps": lost, "repeated_seconds": round(seconds, 2)}


def board_now(session: Session) -> dict[str, Any]:
    """What a session's board says, copied before the next session wipes it."""
    board = session.board
    now, first = board[NOW], board[FIRST]
    times = {s: board.ended(s) for s in range(max(0, first + 1), now + 1)} if first >= 0 else {}
    return {"now": now, "first": first, "hit": board[HIT], "begun": board[BEGUN], "times": times}


@functools.cache
def pictures() -> Path:
    """2,000 small JPEGs in class folders: of CIFAR-10 in `../shared/data`, else of the handwritten digits."""
    target = home() / "data" / "cut_pictures"
    if target.is_dir():
        return target
    made = target.with_name(f"cut_pictures.{os.getpid()}")
    shutil.rmtree(made, ignore_errors=True)
    if (SHARED / "cifar10.tar.xz").is_file():
        _from_archive(SHARED / "cifar10.tar.xz", made)
    else:
        _from_digits(made)
    made.rename(target)
    return target


def _from_archive(archive: Path, made: Path) -> None:
    taken: dict[str, int] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = member.name.split("/")
            if member.isfile() and "train" in parts and taken.get(parts[-2], 0) < PICTURES:
                taken[parts[-2]] = taken.get(parts[-2], 0) + 1
                source = tar.extractfile(member)
                assert source is not None
                (made / parts[-2]).mkdir(parents=True, exist_ok=True)
                (made / parts[-2] / parts[-1]).write_bytes(source.read())


def _from_digits(made: Path) -> None:
    from PIL import Image
    from sklearn.datasets import load_digits

    images, target = load_digits(return_X_y=True)
    for i, (pixels, label) in enumerate(zip(images.reshape(-1, 8, 8), target, strict=True)):
        (made / str(label)).mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray((pixels * 15.9).astype(np.uint8)).resize((32, 32)).convert("RGB")
        picture.save(made / str(label) / f"{i:04d}.jpg", quality=90)


@functools.cache
def source_digest() -> str:
    """Eight digits of the package's source: an uncut run of other code is no reference."""
    import goodfit

    root = Path(goodfit.__file__).parent
    whole = hashlib.blake2b(digest_size=4)
    for path in sorted(root.rglob("*.py")):
        whole.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()


def listen(stop_file: Path) -> None:
    """From now on SIGTERM, Ctrl-C and the stop file end the measurement; the trial at work leaves no row."""

    def because(why: object) -> None:
        print(f"asked to stop: {why}", flush=True)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: because(signal.Signals(number).name))

    def look() -> None:
        while not stop.wait(1.0):
            if stop_file.exists():
                because(stop_file)

    threading.Thread(target=look, daemon=True).start()
