"""Tiny data and the real command line, for tests that walk a whole command in a second."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from goodfit.cli.main import main

# One small net, two passes, nothing left to a stopwatch: what a test compares may not hang on the clock.
FORM = ("engine.precision=fp32", "engine.layout=contiguous", "engine.threads=1")
QUICK = ("model.name=small_xs", "train.epochs=2", *FORM)
COLOURS = {"red": (200, 60, 60), "green": (60, 190, 60), "blue": (60, 60, 210)}


def picture(colour: tuple[int, int, int], seed: int, side: int = 12) -> Image.Image:
    """Noise around a colour, a different picture for each seed."""
    noise = np.random.default_rng(seed).normal(0, 25, (side, side, 3))
    return Image.fromarray(np.clip(noise + np.array(colour), 0, 255).astype(np.uint8))


def class_folders(root: Path, counts: dict[str, int], classes: tuple[str, ...] = tuple(COLOURS)) -> Path:
    """Class folders that any net can tell apart.

    Args:
        root: where to write.
        counts: part -> pictures a class; the part "" lies in the root itself.
        classes: names of the colours' folders.
    """
    seed = 0
    for part, count in counts.items():
        for name, colour in zip(classes, COLOURS.values(), strict=False):
            folder = root / part / name
            folder.mkdir(parents=True, exist_ok=True)
            for i in range(count):
                picture(colour, seed).save(folder / f"{i:03d}.png")
                seed += 1
    return root


@dataclass(frozen=True)
class Said:
    """What a command said: exit code, the object on stdout (None without `--json`), both streams."""

    code: int
    answer: dict[str, Any]
    out: str
    err: str

    @property
    def study(self) -> Path:
        return Path(self.answer["study"])

    @property
    def weights(self) -> dict[str, np.ndarray]:
        return load_file(self.study / "model" / "model.safetensors")


@dataclass
class Shell:
    """Runs commands of goodfit in this process."""

    capfd: pytest.CaptureFixture[str]
    runs: Path

    def __call__(self, *words: object, code: int = 0) -> Said:
        """Run one command with `--json`; its exit code must be `code`."""
        self.capfd.readouterr()
        verb, *rest = map(str, words)
        runs = ["--runs", str(self.runs)] if verb in ("fit", "train", "audit", "scene", "plan", "improve") else []
        got = main([verb, *rest, *runs, "--json", "--lang", "en"])
        out, err = self.capfd.readouterr()
        assert got == code, f"exit code {got}: {err[-2000:]}"
        assert "Traceback" not in err
        lines = out.splitlines()
        assert verb == "predict" or len(lines) == (code == 0), out
        return Said(got, json.loads(lines[0]) if lines else {}, out, err)


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Whether two models are bit-identical."""
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)
