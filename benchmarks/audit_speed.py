"""The audit against CleanVision and cleanlab: wall clock and peak memory of whole processes, cold caches, in turns."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _data import folder, home, mobilenet
from _fit import program
from _rows import HERE, Row, book, last_json, parser
from _tables import by_machine, grouped, judged, seconds, spread, table, values, verdict

TITLE = "Speed of the audit"
SETS = ("cifar10", "photographs")
RIVAL = "GOODFIT_BENCH_AUDIT_RIVAL"


def main() -> None:
    """Measure."""
    flags = parser("audit_speed", __doc__)
    flags.add_argument("--pairs", type=int, default=3, help="how often the two take turns")
    flags.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    asked = flags.parse_args()
    rival = os.environ.get(RIVAL)
    if rival is None:
        raise SystemExit(f"name a Python with cleanvision, cleanlab, torch and torchvision in {RIVAL}")
    rows = book("audit_speed", asked)
    for name in asked.sets:
        for pair in range(1 if asked.smoke else asked.pairs):
            for tool in ("goodfit", "cleanvision"):
                rows.measure({"set": name, "tool": tool, "pair": pair}, lambda n=name, t=tool: one(n, t, rival))


def one(name: str, tool: str, rival: str) -> dict[str, Any]:
    """Seconds, peak memory in MB of the process and its children, and what was found; labels on the photographs."""
    data = photographs() if name == "photographs" else folder(name)
    weights = str(mobilenet()) if name == "photographs" else "-"
    with tempfile.TemporaryDirectory() as made:
        if tool == "cleanvision":
            words = [rival, str(HERE / "_audit_rival.py"), str(data), weights]
            output, took, memory = watched(words, {})
            return {"seconds": took, "memory_mb": memory, "found": last_json(output)}
        pairs = [f"model.weights={weights}"] if weights != "-" else []
        words = [*program(), "audit", str(data), *pairs, "--runs", made, "--json"]
        output, took, memory = watched(words, {"GOODFIT_CACHE": f"{made}/cache"})
        answer = last_json(output)
        entries = json.loads(Path(answer["findings_file"]).read_text("utf-8"))
        leaks = {s["other"] for e in entries if e["kind"] in ("leak_exact", "leak_near") for s in e["samples"]}
        found = {entry["kind"]: entry["count"] for entry in entries} | {"test_with_copy_in_train": len(leaks)}
    return {"seconds": took, "memory_mb": memory, "found": found}


def photographs() -> Path:
    """Flowers, ants and bees in class folders, those left out that cannot be decoded: CleanVision ends at the first."""
    from goodfit.data.picture import SUFFIXES, BadImage, open_image

    made = home() / "photographs"
    if made.is_dir():
        return made
    growing = made.with_name("photographs.part")
    shutil.rmtree(growing, ignore_errors=True)
    for source in ("dirty_seed1", "hymenoptera"):
        for path in sorted(folder(source).rglob("*")):
            if path.suffix.lower() in SUFFIXES:
                try:
                    open_image(path)
                except BadImage:
                    continue
                place = growing / path.parent.name / f"{path.parts[-3]}-{path.name}"
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)
    growing.rename(made)
    return made


def watched(words: Sequence[str], env: Mapping[str, str]) -> tuple[str, float, float]:
    """(standard output, seconds, largest sum of the resident memory of the process and its children in MB)."""
    import psutil

    began = time.perf_counter()
    process = subprocess.Popen(
        list(words), env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    most, ended = [0.0], threading.Event()

    def look() -> None:
        root = psutil.Process(process.pid)
        while not ended.wait(0.2):
            total = 0
            try:
                for one_ in (root, *root.children(recursive=True)):
                    total += one_.memory_info().rss
            except psutil.Error:
                continue
            most[0] = max(most[0], total / 1e6)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    output, _ = process.communicate()
    ended.set()
    took = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}\nended with code {process.returncode}")
    return output, round(took, 2), round(most[0], 1)


def draw(rows: list[Row]) -> str:
    """The section of BENCHMARKS.md."""
    lines, ratios = [], []
    for (machine, version, name), group in by_machine(rows, "set").items():
        turns = grouped(group, lambda r: (r["trial"]["tool"], r["trial"]["pair"]))
        of = {key: same[-1]["result"] for key, same in turns.items()}
        for tool in ("goodfit", "cleanvision"):
            mine = [row for row in group if row["trial"]["tool"] == tool]
            lines.append(
                [machine, version, name, tool, len(mine), spread(values(mine, "seconds"), seconds)]
                + [spread(values(mine, "memory_mb"), "{:,.0f} MB".format)]
            )
        pairs = sorted(p for tool, p in of if tool == "goodfit" and ("cleanvision", p) in of)
        speed = [of["cleanvision", p]["seconds"] / of["goodfit", p]["seconds"] for p in pairs]
        memory = [of["goodfit", p]["memory_mb"] / of["cleanvision", p]["memory_mb"] for p in pairs]
        ratios.append(
            [machine, version, name, len(pairs), spread(speed), spread(memory), verdict(judged(speed, 1.0), "faster")]
            + [verdict(judged(speed, 5.0), "goal 5x")]
        )
    cifar = [r["result"]["found"] for r in rows if (r["trial"]["set"], r["trial"]["tool"]) == ("cifar10", "goodfit")]
    copies = cifar[-1]["test_with_copy_in_train"] if cifar else None
    said = f" On CIFAR-10 {copies:,} of 10,000 test pictures have a copy in train (ciFAIR: 3.25 %)." if copies else ""
    heads = ["machine", "goodfit", "set", "tool", "n", "wall clock", "peak memory"]
    names = ["machine", "goodfit", "set", "n", "times as fast", "share of its memory", "must", "goal"]
    return (
        "Whole processes with cold caches, in turns: `goodfit audit` against CleanVision's image checks; on the "
        "photographs (flowers, ants and bees) with labels too: MobileNetV2's features, five folds of logistic "
        "regression, cleanlab. Files that cannot be decoded were left out: CleanVision ends with an exception at the "
        "first one."
        f"{said}\n\n" + table(heads, lines) + "\n\n" + table(names, ratios)
    )


if __name__ == "__main__":
    main()
