"""One `goodfit fit` as a stranger runs it: a process of its own, cold caches, the wall clock from outside."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _data import home
from _rows import call, last_json


def train(words: Sequence[str], *, cwd: Path | None = None) -> dict[str, Any]:
    """What `goodfit train ... --json` took, and what its model scores on the test part by `goodfit evaluate`.

    Args:
        words: data, key=value pairs and flags.
        cwd: folder to run in.
    Returns: seconds (outside clock, without the test), fit_seconds (training alone), test, low, high, n, val, family,
        parameters, findings.
    """
    with tempfile.TemporaryDirectory(dir=home(), prefix="train-") as made:
        goodfit, env = program(), {"GOODFIT_CACHE": str(Path(made) / "cache")}
        runs = ["--json", "--new", "--runs", str(Path(made) / "runs")]
        output, seconds = call([*goodfit, "train", *words, *runs], cwd=cwd, env=env)
        said = last_json(output)
        run = next((Path(said["study"]) / "runs").iterdir())
        cost = json.loads((run / "result.json").read_text("utf-8"))["cost"]
        scored = last_json(call([*goodfit, "evaluate", said["study"], words[0], "--json"], cwd=cwd, env=env)[0])
        if keep := os.environ.get("GOODFIT_BENCH_KEEP"):
            shutil.copytree(said["study"], Path(keep) / Path(said["study"]).name, dirs_exist_ok=True)
    return {
        "seconds": round(seconds, 2),
        "fit_seconds": round(cost["seconds"], 2),
        "test": scored["test"]["value"],
        "low": scored["test"]["low"],
        "high": scored["test"]["high"],
        "n": scored["test"]["n"],
        "val": (said["val"] or {}).get("value"),
        "family": said["family"],
        "parameters": cost["parameters"],
        "findings": said["findings"],
    }


def program() -> list[str]:
    """The command as it is installed, else the module."""
    program = shutil.which("goodfit", path=sysconfig.get_path("scripts")) or shutil.which("goodfit")
    return [program] if program else [sys.executable, "-m", "goodfit"]


def fit(words: Sequence[str], *, cwd: Path | None = None, also: Sequence[str] = ()) -> dict[str, Any]:
    """What `goodfit fit ... --json` gave and what it took.

    Args:
        words: data, key=value pairs and flags.
        cwd: folder to run in.
        also: metrics on test that are wanted besides the leading one.
    Returns: seconds (outside clock), test, low, high, n, val, family, winner, refit, scores, runs, findings.
    """
    with tempfile.TemporaryDirectory(dir=home(), prefix="fit-") as made:
        output, seconds = call(
            [*program(), "fit", *words, "--json", "--new", "--runs", str(Path(made) / "runs")],
            cwd=cwd,
            env={"GOODFIT_CACHE": str(Path(made) / "cache")},
        )
        said = last_json(output)
        told = json.loads((Path(said["study"]) / "result.json").read_text("utf-8"))
        if keep := os.environ.get("GOODFIT_BENCH_KEEP"):  # a folder for the studies, to look at their reports
            shutil.copytree(said["study"], Path(keep) / Path(said["study"]).name, dirs_exist_ok=True)
    test = said["test"] or {}
    ladder = {row["run"]: row for row in told.get("ladder", ())}
    return {
        "seconds": round(seconds, 2),
        "test": test.get("value"),
        "low": test.get("low"),
        "high": test.get("high"),
        "n": test.get("n"),
        "val": (said["val"] or {}).get("value"),
        "family": said["family"],
        "winner": told.get("winner"),
        "parameters": ladder.get(told.get("winner"), {}).get("parameters"),
        "refit": told.get("refit"),
        "scores": told.get("test_scores"),
        "test_time": told.get("test_time"),
        "runs": len(ladder),
        "findings": said["findings"],
    } | {name: told["test_scores"][name]["value"] for name in also if "test_scores" in told}
