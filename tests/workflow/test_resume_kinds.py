"""Every kind of learner: killed in the middle and started again, a run ends bit for bit like an undisturbed one."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..models.test_hub import BERT, folder
from ..tasks.rectangles import draw_rectangles
from .test_resume import _killed, _outcome, _steps_on_disk, _train

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")

ENGINE = {"device": "cpu", "precision": "fp32", "threads": 1, "checkpoint_seconds": 0.02}
WORDS = "the a of and film story plot actor scene music long short night day house good bad".split()


def texts(folder: Path) -> Path:
    random = np.random.default_rng(0)
    rows = [f'"{" ".join(random.choice(WORDS, 12))} {i}",{"ab"[i % 2]}' for i in range(240)]
    (folder / "texts.csv").write_text("\n".join(["text,label", *rows]))
    return folder / "texts.csv"


def table(folder: Path) -> Path:
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 4))
    rows = [f"{a:.3f},{b:.3f},{'uvw'[int(3 * c) % 3]},{d:.3f},{'yes' if a + b > 0 else 'no'}" for a, b, c, d in x]
    (folder / "rows.csv").write_text("\n".join(["a,b,c,d,target", *rows]))
    return folder / "rows.csv"


def boxes(folder: Path) -> Path:
    return draw_rectangles(folder / "boxes")


KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "linear": (texts, {"model": {"name": "linear"}}),
    "textcnn": (texts, {"model": {"name": "textcnn", "width": 16}, "train": {"epochs": 4, "batch_size": 8}}),
    "text_transformer": (
        texts,
        {"model": {"name": "text_transformer", "width": 16}, "train": {"epochs": 3, "batch_size": 8}},
    ),
    "bert": (texts, {"model": {"weights": "BERT"}, "train": {"epochs": 3, "batch_size": 8}}),
    "gru": (texts, {"model": {"name": "gru", "width": 16}, "train": {"epochs": 3, "batch_size": 8}}),
    "boosting": (table, {"model": {"name": "boosting"}, "train": {"epochs": 40}}),
    "det_xs": (  # its inputs grow in the middle
        boxes,
        {"model": {"name": "det_xs", "size": 64}, "train": {"epochs": 3, "sizes": [[0.0, 32], [0.5, 64]]}},
    ),
    "mlp": (table, {"model": {"name": "mlp"}, "train": {"epochs": 4, "batch_size": 16}}),
}


IN_ONE_GO = ("linear",)  # it may have ended before it was shot


@pytest.mark.parametrize("name", KINDS)
def test_sigkill_leaves_no_trace_in_the_end(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "cache"))
    make, changes = KINDS[name]
    (tmp_path / "data").mkdir()
    if changes["model"].get("weights") == "BERT":
        changes = {**changes, "model": {"weights": str(folder(tmp_path / "bert", BERT))}}
    keys = {"data": {"path": str(make(tmp_path / "data"))}, "engine": ENGINE, **changes}
    uncut = _outcome(_train(tmp_path / "uncut", keys))
    cut = tmp_path / "cut"
    started = lambda: max(_steps_on_disk(cut), default=0) >= 3 or any(cut.glob("*/runs/*/records.jsonl"))  # noqa: E731
    died = _killed(cut, when=started, keys=keys)
    assert died == signal.SIGKILL or (died == 0 and name in IN_ONE_GO)
    assert _outcome(_train(cut, keys)) == uncut
