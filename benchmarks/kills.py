"""SIGKILL at random moments and inside checkpoint writes, then the same command again: is the end bit for bit the same?

A trial is one run, killed several times. Every fourth kill is aimed inside a checkpoint write by hooks on fsync and
rename (`_watched.py`); of the others, two thirds come at a moment drawn uniformly over the uncut run's training, one
third over its whole wall clock, start-up and report included.
Stop with Ctrl-C, SIGTERM or the stop file (`--stop`); the same command goes on. Linux only.
"""

from __future__ import annotations

import random
import shutil
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from _data import home
from _rows import Book, Row, book, machine, parser, read
from _sessions import (
    CHECKPOINT_SECONDS,
    Session,
    Stopped,
    Uncut,
    Work,
    board_now,
    compare,
    cost_of_kill,
    listen,
    pictures,
    source_digest,
    start,
    stop,
    study_of,
    uncut,
)
from _tables import by_machine, table, verdict
from _watched import HIT, TRAPS

TITLE = "Killed and resumed"
EACH = 16  # kills a run
AIMED = 4  # one kill in so many is aimed inside a checkpoint write
WORKS = (
    Work(data="digits"),
    Work(data="pictures", workers=1),
    Work(data="pictures"),
    Work(data="pictures", workers=2),
)
NEED = 200


def main() -> None:
    """Measure until there are as many kills as asked."""
    flags = parser("kills", __doc__ or "")
    flags.add_argument("--kills", type=int, default=NEED, help="kills in all, rows of earlier sittings counted")
    flags.add_argument("--seconds", type=float, default=30.0, help="processor seconds of training of an uncut run")
    flags.add_argument("--parallel", type=int, default=1, help="runs at a time; each computes on one thread")
    flags.add_argument("--stop", type=Path, default=home() / "stop", help="file whose presence ends the measurement")
    asked = flags.parse_args()
    if asked.smoke:
        asked.kills, asked.seconds = 2, min(asked.seconds, 8.0)  # two runs
    rows = book("kills", asked)
    listen(asked.stop)
    machine(), pictures()  # once, before threads need them
    _measure(rows, asked.kills, asked.seconds, asked.parallel)


def _measure(rows: Book, kills: int, seconds: float, parallel: int) -> None:
    todo = iter(range(10_000))
    taking = threading.Lock()
    made = _Count(kills if rows.smoke else max(0, kills - sum(r["result"]["made"] for r in read(rows.path))))

    def work() -> None:
        while not stop.is_set() and made.left > 0:
            with taking:
                trial = next(t for i in todo if not rows.done(t := _trial(i, seconds)))
            try:
                rows.measure(trial, lambda trial=trial: made.note(_one(trial)))
            except Stopped:
                return
            except BaseException:
                traceback.print_exc()
                stop.set()
                raise

    with ThreadPoolExecutor(parallel) as pool:
        for one in [pool.submit(work) for _ in range(parallel)]:
            one.result()
    print("stopped; the same command goes on" if stop.is_set() else f"done: {kills} kills", flush=True)


class _Count:
    """Kills still to make, counted by several threads."""

    def __init__(self, left: int) -> None:
        self.left, self._lock = left, threading.Lock()

    def note(self, result: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.left -= result["made"]
        return result


def _trial(number: int, seconds: float) -> dict[str, Any]:
    work = WORKS[number % len(WORKS)]
    seed = number // len(WORKS) % 2
    cold = number % 8 >= 4  # its own empty caches: the scan and the decoding can be cut too
    return {
        "run": number, "data": work.data, "workers": work.workers, "seed": seed, "cold": cold, "seconds": seconds
    }  # fmt: skip


def _one(trial: dict[str, Any]) -> dict[str, Any]:
    """One run, killed EACH times and resumed; its row."""
    work = Work(data=trial["data"], workers=trial["workers"], seed=trial["seed"])
    reference = uncut(work, trial["seconds"])
    folder = home() / "kills" / f"run-{trial['run']}"
    shutil.rmtree(folder, ignore_errors=True)
    cache = folder / "cache" if trial["cold"] else reference.folder.parent / "cache"
    kills, boards, code, said = _chain(trial["run"], reference, folder, cache)
    kills = [{**k, **cost_of_kill(boards[i], boards[i + 1 :])} for i, k in enumerate(kills)]
    equal = compare(folder, reference.folder)
    result = {
        "made": len(kills),
        "aimed": sum(k["how"] in TRAPS for k in kills),
        "lost": code != 0 or study_of(folder) is None,
        "equal": equal,
        "kills": kills,
        "repeated_steps": max((k["repeated_steps"] for k in kills), default=0),
        "repeated_seconds": max((k["repeated_seconds"] for k in kills), default=0.0),
        "steps": reference.steps,
        "uncut_seconds": round(reference.end, 1),
        "uncut_cpu_seconds": round(reference.cpu, 1),
        "checkpoint_seconds": CHECKPOINT_SECONDS,
        "source": source_digest(),
        "code": code,
        "said": said[-2000:] if code else "",
    }
    if not result["lost"] and all(equal.values()):
        shutil.rmtree(folder)  # what went wrong stays to be looked at
    return result


def _chain(
    number: int, reference: Uncut, folder: Path, cache: Path
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int, str]:
    """The kills that were made, every session's board, the last exit code, and what the last session said."""
    draw = random.Random(f"kills {number}")
    kills: list[dict[str, Any]] = []
    boards: list[dict[str, Any]] = []
    for plan in _plans(number, reference, draw):
        aim = f"{plan['how']}:{plan['step']}:{plan['share']}" if plan["how"] in TRAPS else ""
        session = start(reference.words, folder, cache, aim=aim)
        killed = _kill_when_due(session, plan)
        boards.append(board_now(session))
        if not killed:
            return kills, boards, int(session.process.returncode), session.said()
        kills.append({k: plan[k] for k in ("how", "group", "moment")})
    session = start(reference.words, folder, cache)
    code = session.end()
    boards.append(board_now(session))
    return kills, boards, code, session.said()


def _plans(number: int, reference: Uncut, draw: random.Random) -> list[dict[str, Any]]:
    """When and how each session is killed; moments after start-up in their order, those within it anywhere."""
    plans = []
    for i in range(EACH):
        aimed = (number * EACH + i) % AIMED == AIMED - 1
        training = aimed or draw.random() < 2 / 3
        low, high = (reference.first, reference.last) if training else (0.0, reference.end)
        moment = draw.uniform(low, high)
        plans.append(
            {
                "how": draw.choice(TRAPS) if aimed else "any",
                "group": draw.random() < 0.5,
                "moment": round(moment, 3),
                "share": round(draw.random(), 4),
                "step": min(reference.steps, max(0, reference.step_at(moment))),
                "after": max(0.0, moment - reference.last),
            }
        )
    early = [p for p in plans if p["moment"] < reference.first]
    late = sorted((p for p in plans if p["moment"] >= reference.first), key=lambda p: p["moment"])
    for plan in early:
        late.insert(draw.randint(0, len(late)), plan)
    return late


def _kill_when_due(session: Session, plan: dict[str, Any]) -> bool:
    """Kill a session as planned; False if it came to its end before."""
    if plan["how"] in TRAPS:
        session.end()
        return session.board[HIT] >= 0
    if plan["step"] == 0:
        due = session.until(seconds=plan["moment"])
    else:
        due = session.until(step=plan["step"])
        if due and plan["after"]:
            due = session.until(seconds=time.monotonic() - session.began + plan["after"])
    if due:
        session.kill(plan["group"])
    return bool(due and session.process.returncode == -9)


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines = []
    for (machine_, version, data, workers), group in by_machine(rows, "data", "workers").items():
        lines.append([machine_, version, data, "cached" if workers is None else f"{workers} workers", *_figures(group)])
    lines += [[m, v, "all", "", *_figures(group)] for (m, v), group in by_machine(rows).items()]
    heads = [
        "machine", "goodfit", "data", "loader", "runs", "kills", "aimed inside a write", "runs lost",
        "not bit-identical", "work repeated by a kill, most", "must",
    ]  # fmt: skip
    text = (
        "`goodfit train` with several SIGKILLs a run at random moments of training, start-up and report (half of them "
        "to the process group, half to the main process alone; one in four inside a checkpoint write), then the same "
        "command again; weights, records without `cost`, predictions and scores are compared bit for bit with the "
        "uncut run. Each row of `rows/kills.jsonl` lists its kills. With 0 failures in n trials the 95 % upper bound "
        "of the rate is about 3/n.\n\n"
    )
    return text + table(heads, lines)


def _figures(rows: list[Row]) -> list[Any]:
    results = [r["result"] for r in rows]
    kills, aimed = sum(r["made"] for r in results), sum(r["aimed"] for r in results)
    lost = sum(r["lost"] for r in results)
    unequal = sum(not all(r["equal"].values()) for r in results)
    steps = max(r["repeated_steps"] for r in results)
    seconds = max(r["repeated_seconds"] for r in results)
    kept = lost == 0 and unequal == 0 and seconds <= CHECKPOINT_SECONDS
    said = verdict(kept if kills >= NEED else None, f"{NEED} kills, 0 lost, <= {CHECKPOINT_SECONDS} s")
    return [len(rows), kills, aimed, lost, unequal, f"{steps} steps, {seconds:.1f} s", said]


if __name__ == "__main__":
    sys.exit(main())
