"""Rows of evidence: one JSON line a trial in `rows/<name>.jsonl`, with machine, date and command."""

from __future__ import annotations

import argparse
import datetime
import functools
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROWS = HERE / "rows"
BF16_WORTH = 1.15  # bf16 counts as really faster from this measured ratio on

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Book:
    """The table of one benchmark.

    Attributes:
        name: of the benchmark.
        path: the JSON lines file; a temporary one under --smoke, so that toys never stand among evidence.
        smoke: whether this is a toy run.
        again: repeat trials that have a row already.
    """

    name: str
    path: Path
    smoke: bool
    again: bool

    def done(self, trial: Mapping[str, Any]) -> bool:
        """Whether this machine and this version have a row of the trial already."""
        here = identity(machine())
        return not self.again and any(
            row["trial"] == dict(trial) and identity(row["hardware"]) == here and row["goodfit"] == version()
            for row in read(self.path)
        )

    def measure(self, trial: Mapping[str, Any], work: Callable[[], Mapping[str, Any]]) -> None:
        """Do one trial and append its row, unless it is there already; a row is written whole or not at all."""
        said = " ".join(f"{k}={v}" for k, v in trial.items())
        if self.done(trial):
            print(f"{self.name}: {said}: has a row already (--again repeats it)", flush=True)
            return
        print(f"{self.name}: {said} ...", flush=True)
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        hardware, began = machine(), time.perf_counter()
        result = dict(work())
        row = {
            "bench": self.name,
            "trial": dict(trial),
            "result": result,
            "wall_seconds": round(time.perf_counter() - began, 2),
            "hardware": hardware,
            "load_before": load,
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%MZ"),
            "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
            "goodfit": version(),
            "commit": commit(),
            "smoke": self.smoke,
        }
        append(self.path, row)
        print(f"{self.name}: {said}: {json.dumps(result)}", flush=True)


def parser(name: str, text: str) -> argparse.ArgumentParser:
    """The flags that every benchmark has."""
    flags = argparse.ArgumentParser(prog=f"benchmarks/{name}.py", description=text)
    flags.add_argument("--smoke", action="store_true", help="a toy of seconds that proves the script; no evidence")
    flags.add_argument("--again", action="store_true", help="repeat trials that have a row already")
    return flags


def book(name: str, asked: argparse.Namespace) -> Book:
    """The table of a benchmark, or a temporary one for a toy run."""
    folder = Path(tempfile.gettempdir()) / "goodfit-bench-smoke" if asked.smoke else ROWS
    folder.mkdir(parents=True, exist_ok=True)
    return Book(name=name, path=folder / f"{name}.jsonl", smoke=asked.smoke, again=asked.again or asked.smoke)


def read(path: Path) -> list[Row]:
    """All rows of a table; none where there is no file. Raises ValueError naming a line that is no row."""
    rows = []
    for number, line in enumerate(path.read_text("utf-8").splitlines() if path.exists() else [], 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number} is no row of JSON ({error}); remove the line") from None
    return rows


def append(path: Path, row: Row) -> None:
    """Add one row, behind a line end even if an earlier writer was killed."""
    torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + json.dumps(row, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


@functools.cache
def machine() -> dict[str, Any]:
    """What a figure depends on: processor or accelerator, its instructions, cores, torch, and what bf16 brings here."""
    from goodfit.engine.hardware import machine as facts

    here = facts()
    accelerator = here["devices"][0] if here["devices"][0]["device"] != "cpu" else None
    return {
        "processor": here["processor"],
        "accelerator": accelerator["name"] if accelerator else None,
        "flags": [f for f in here["flags"] if f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "bf16", "sve")],
        "cores": here["cores"],
        "memory_gb": round(here["memory_mb"] / 1024),
        "system": here["system"],
        "python": here["python"],
        "torch": here["versions"]["torch"],
        "bf16_speedup": bf16_speedup(),
    }


def identity(hardware: Mapping[str, Any]) -> tuple[Any, ...]:
    """Equal for machines whose figures may stand in one table."""
    return (hardware["processor"], hardware.get("accelerator"), hardware["cores"])


@functools.cache
def bf16_speedup() -> float:
    """Seconds of a 3x3 convolution, forward and backward, in fp32 over those in bf16, the least of five."""
    import torch

    torch.manual_seed(0)
    conv = torch.nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.randn(64, 64, 32, 32).contiguous(memory_format=torch.channels_last)

    def least(bf16: bool) -> float:
        times = []
        for _ in range(6):
            began = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                y = conv(x)
            y.backward(torch.ones_like(y))
            times.append(time.perf_counter() - began)
        return min(times[1:])

    return round(least(False) / least(True), 2)


@functools.cache
def version() -> str:
    """goodfit's version."""
    return importlib.metadata.version("goodfit")


@functools.cache
def commit() -> str | None:
    """Short commit of the checkout, `+` behind it where files are changed; None outside of git."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--exclude", "*", "--dirty=+"],
            cwd=HERE, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.stdout.strip() or None


def last_json(text: str) -> dict[str, Any]:
    """The last line of an output that is a JSON object. Raises ValueError where there is none."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            found: dict[str, Any] = json.loads(line)
            return found
    raise ValueError(f"no JSON object in: {text[-500:]!r}")


def call(words: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> tuple[str, float]:
    """Standard output of a program and its seconds, start-up included.

    Raises: SystemExit with the end of its errors if it fails; no row is written then.
    """
    began = time.perf_counter()
    done = subprocess.run(
        list(words), cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\nended with code {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout, time.perf_counter() - began
