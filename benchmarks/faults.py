"""Full disks and damaged checkpoints: is anything lost, and is the fallback said aloud?

A full-disk trial puts a limit on the size of written files (RLIMIT_FSIZE) at a random step, at a random byte of a
checkpoint; the run goes on or stops with a message; then the limit is gone and the same command is repeated. A damage
trial kills the run, then cuts, zeroes or flips one bit of a tensor file or a manifest, and repeats the command. Either
way the end must be bit for bit that of an undisturbed run. Stop and go on as with `kills.py`. Linux only.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import resource
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from _data import home
from _rows import Book, Row, book, machine, parser
from _sessions import (
    Session,
    Stopped,
    Uncut,
    Work,
    compare,
    listen,
    source_digest,
    start,
    stop,
    study_of,
    uncut,
)
from _tables import grouped, table, verdict

TITLE = "Full disks and damaged checkpoints"
FULL, DAMAGED = 30, 60
HOWS = ("truncated", "zeroed", "bit_flipped")
FILES = ("tensors", "manifest")
NOT_WRITTEN, PASSED_OVER = "could not be written", "damaged checkpoint was passed over"  # the Findings' titles
ROOM = re.compile(r"\d+ bytes needed, \d+ free")


def main() -> None:
    """Measure every trial that has no row yet."""
    flags = parser("faults", __doc__ or "")
    flags.add_argument("--full", type=int, default=FULL, help="full-disk trials")
    flags.add_argument("--damaged", type=int, default=DAMAGED, help="damaged checkpoints")
    flags.add_argument("--seconds", type=float, default=8.0, help="processor seconds of training of an uncut run")
    flags.add_argument("--parallel", type=int, default=1, help="trials at a time; each computes on one thread")
    flags.add_argument("--stop", type=Path, default=home() / "stop", help="file whose presence ends the measurement")
    asked = flags.parse_args()
    if asked.smoke:
        asked.full, asked.damaged, asked.seconds = 1, 2, 4.0
    rows = book("faults", asked)
    listen(asked.stop)
    machine()
    reference = uncut(Work(data="digits"), asked.seconds)
    _measure(rows, _trials(asked.full, asked.damaged, reference), asked.parallel)
    if stop.is_set():
        print("stopped; the same command goes on", flush=True)


Trial = tuple[dict[str, Any], Callable[[], dict[str, Any]]]  # what is tried, and how


def _trials(full: int, damaged: int, reference: Uncut) -> list[Trial]:
    trials: list[Trial] = [
        ({"fault": "full_disk", "number": n}, lambda n=n: _full(n, reference))  # type: ignore[misc]
        for n in range(full)
    ]
    for number in range(damaged):
        how, file = HOWS[number % 3], FILES[number // 3 % 2]
        trial = {"fault": "damaged", "number": number, "how": how, "file": file}
        trials.append((trial, lambda n=number, h=how, f=file: _damaged(n, h, f, reference)))  # type: ignore[misc]
    return trials


def _measure(rows: Book, trials: Sequence[Trial], parallel: int) -> None:
    def work(trial: Trial) -> None:
        if not stop.is_set():
            with contextlib.suppress(Stopped):
                rows.measure(*trial)

    with ThreadPoolExecutor(parallel) as pool:
        for one in [pool.submit(work, trial) for trial in trials]:
            one.result()


def _full(number: int, reference: Uncut) -> dict[str, Any]:
    """A disk that is full from a random step on, at a random byte of a checkpoint; then it has room again."""
    draw = random.Random(f"full {number}")
    folder, cache = _fresh(f"full-{number}", reference)
    step = draw.randint(1, max(1, int(reference.steps * 0.8)))
    share = draw.random()
    session = start(reference.words, folder, cache)
    limit = 0
    if session.until(step=step):
        limit = max(1, int(share * _checkpoint_bytes(folder, reference)))
        _, hard = resource.prlimit(session.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(session.process.pid, resource.RLIMIT_FSIZE, (limit, hard))
    code = session.end()
    said = session.said()
    again, out = (code, said) if code == 0 else _repeat(reference, folder, cache)
    named = bool(ROOM.search(said)) or "File too large" in said
    facts = {"step": step, "byte": limit, "code_while_full": code, "reason_named": named}
    return _verdict(folder, reference, again, out, facts, said)


def _checkpoint_bytes(folder: Path, reference: Uncut) -> int:
    """Size of the largest checkpoint file so far; before the first, that of the model, which each one holds."""
    written = [p.stat().st_size for p in folder.glob("runs/*/runs/*/checkpoints/*.safetensors")]
    study = study_of(reference.folder)
    assert study is not None
    return max(written, default=(study / "model" / "model.safetensors").stat().st_size)


def _damaged(number: int, how: str, file: str, reference: Uncut) -> dict[str, Any]:
    """A run that is killed, whose newest checkpoint (of `last`, in one trial of four of `best`) is then damaged."""
    draw = random.Random(f"damaged {number}")
    folder, cache = _fresh(f"damaged-{number}", reference)
    best = _steps(reference.folder)
    low = best if number % 4 == 3 and best < reference.steps else int(reference.steps * 0.3)
    step = draw.randint(low, max(low, int(reference.steps * 0.9)))
    session = start(reference.words, folder, cache)
    session.until(step=step)
    name, ending = ("best" if number % 4 == 3 else "last"), (".safetensors" if file == "tensors" else ".json")
    while session.until(seconds=0.0) and not (_written(folder, "last", ".json") and _written(folder, name, ending)):
        time.sleep(0.01)
    if not session.alive:
        raise SystemExit(f"the run to be damaged ended early:\n{session.said()[-3000:]}")
    session.kill(group=True)
    target = max(_written(folder, name, ending))
    at = _damage(target, how, draw)
    code, out = _repeat(reference, folder, cache)
    needed = name == "last" or _step(target) == _steps(folder)  # a best that is outdone later is never read again
    facts = {
        "step": step, "name": target.name, "at_byte": at, "needed": needed, "kept": _kept_aside(folder, target)
    }  # fmt: skip
    return _verdict(folder, reference, code, out, facts, out)


def _written(folder: Path, name: str, ending: str) -> list[Path]:
    """Files of the checkpoints of a name, twins left out."""
    return list(folder.glob(f"runs/*/runs/*/checkpoints/{name}-*[0-9]{ending}"))


def _step(checkpoint: Path) -> int:
    return int(checkpoint.stem.rpartition("-")[2])


def _steps(folder: Path) -> int:
    """Steps that the weights of the finished run below a folder had taken; -1 where there is none."""
    study = study_of(folder)
    run = next(study.glob("runs/*/result.json")) if study else None
    return int(json.loads(run.read_text("utf-8"))["steps"]) if run else -1


def _damage(path: Path, how: str, draw: random.Random) -> int:
    """Damage a file; returns the byte."""
    raw = bytearray(path.read_bytes())
    at = draw.choice([i for i, byte in enumerate(raw) if not chr(byte).isspace()])  # a changed space means the same
    if how == "truncated":
        raw = raw[:at]
    elif how == "zeroed":
        raw = bytearray(len(raw))
    else:
        raw[at] ^= 1 << draw.randrange(8)
    path.write_bytes(bytes(raw))
    return at


def _kept_aside(folder: Path, target: Path) -> bool:
    return any(folder.glob(f"runs/*/runs/*/checkpoints/{target.stem}*.damaged"))


def _repeat(reference: Uncut, folder: Path, cache: Path) -> tuple[int, str]:
    session: Session = start(reference.words, folder, cache)
    code = session.end()
    return code, session.said()


def _verdict(folder: Path, reference: Uncut, code: int, out: str, facts: dict[str, Any], said: str) -> dict[str, Any]:
    """The row: lost or not, equal or not, and what was said."""
    equal = compare(folder, reference.folder)
    aloud = [code_ for code_, words in (("GF-P021", NOT_WRITTEN), ("GF-P022", PASSED_OVER)) if words in said]
    lost = code != 0 or study_of(folder) is None
    bad = lost or not all(equal.values()) or not _said({**facts, "aloud": aloud})
    if not bad:
        shutil.rmtree(folder)  # what went wrong stays to be looked at
    return {
        **facts, "lost": lost, "equal": equal, "aloud": aloud, "source": source_digest(), "steps": reference.steps,
        "code": code, "said": (out if lost else said)[-1500:] if bad else "",
    }  # fmt: skip


def _said(result: dict[str, Any]) -> bool:
    """Whether what happened was said, or never mattered."""
    return bool(result["aloud"] or result.get("reason_named") or not result.get("needed", True))


def _fresh(name: str, reference: Uncut) -> tuple[Path, Path]:
    folder = home() / "faults" / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder, reference.folder.parent / "cache"


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    key = lambda r: (r["machine"], r["goodfit"], r["trial"]["fault"], r["trial"].get("file"), r["trial"].get("how"))  # noqa: E731
    for (machine_, version, fault, file, how), group in grouped(rows, key).items():
        results = [r["result"] for r in group]
        lost = sum(r["lost"] for r in results)
        unequal = sum(not all(r["equal"].values()) for r in results)
        said = sum(_said(r) for r in results)
        kept = lost == 0 and unequal == 0 and said == len(results)
        need = FULL if fault == "full_disk" else DAMAGED // 6
        told = verdict(kept if len(results) >= need else None, f"{need} trials, 0 lost, said aloud")
        what = "disk full while training" if fault == "full_disk" else f"{file} {how}".replace("_", " ")
        lines.append([machine_, version, what, len(results), lost, unequal, said, told])
    heads = ["machine", "goodfit", "fault", "n", "runs lost", "not bit-identical at the end", "said aloud", "must"]
    return (
        "A limit on file size at a random byte of a checkpoint, lifted before the command is repeated; the newest "
        "checkpoint of a killed run damaged before the command is repeated.\n\n" + table(heads, lines)
    )


if __name__ == "__main__":
    sys.exit(main())
