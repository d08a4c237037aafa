"""The table that trials are appended to: whole rows, none twice, toys kept apart."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
HARDWARE = {
    "processor": "Test CPU", "accelerator": None, "flags": ["avx2"], "cores": 2, "memory_gb": 8, "system": "Linux",
    "python": "3.11", "torch": "2.15", "bf16_speedup": 2.0,
}  # fmt: skip


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCHMARKS)):
            del sys.modules[name]


@pytest.fixture
def rows(scripts: None, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = importlib.import_module("_rows")
    monkeypatch.setattr(module, "machine", lambda: HARDWARE)
    return module


def _row(trial: dict[str, Any], result: dict[str, Any], **changes: Any) -> dict[str, Any]:
    fixed = {"bench": "digits", "trial": trial, "result": result, "hardware": HARDWARE, "load_before": 0.5}
    fixed |= {"date": "2026-01-02T03:04Z", "command": "python benchmarks/digits.py", "goodfit": "0.1.0", "smoke": False}
    return {**fixed, **changes}


def _page(folder: Path, name: str, rows: list[dict[str, Any]]) -> str:
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return str(importlib.import_module("draw").page(folder))


def test_a_trial_with_a_row_is_not_measured_again(rows: ModuleType, tmp_path: Path) -> None:
    book = rows.Book(name="x", path=tmp_path / "x.jsonl", smoke=False, again=False)
    calls: list[int] = []
    for _ in range(2):
        book.measure({"seed": 1}, lambda: calls.append(1) or {"test": 0.5})
    assert len(calls) == 1
    assert [r["trial"] for r in rows.read(book.path)] == [{"seed": 1}]


def test_a_trial_that_fails_leaves_no_row(rows: ModuleType, tmp_path: Path) -> None:
    book = rows.Book(name="x", path=tmp_path / "x.jsonl", smoke=False, again=False)
    with pytest.raises(ZeroDivisionError):
        book.measure({"seed": 1}, lambda: {"test": 1 / 0})
    assert rows.read(book.path) == []


def test_a_torn_last_line_does_not_swallow_the_next_row(rows: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\n{"b": ')
    rows.append(path, {"c": 3})
    assert path.read_text().splitlines() == ['{"a": 1}', '{"b": ', '{"c": 3}']
    with pytest.raises(ValueError, match=r"x\.jsonl:2 is no row"):
        rows.read(path)


def test_toy_runs_are_written_outside_of_the_committed_rows(rows: ModuleType) -> None:
    book = rows.book("digits", argparse.Namespace(smoke=True, again=False))
    assert BENCHMARKS not in book.path.parents


def test_the_page_shows_median_range_and_verdict_of_three_seeds(rows: ModuleType, tmp_path: Path) -> None:
    results = [{"test": t, "seconds": s} for t, s in ((0.985, 30.0), (0.981, 50.0), (0.99, 40.0))]
    page = _page(tmp_path, "digits", [_row({"seed": i}, r) for i, r in enumerate(results)])
    assert "98.50 % [98.10 %-99.00 %]" in page
    assert "40.0 s [30.0 s-50.0 s]" in page
    assert ">= 98 %: yes; each < 120 s: yes" in page
    assert "Test CPU" in page
    assert "yes, 2.00x" in page


def test_two_seeds_are_not_judged_and_toys_are_not_drawn(rows: ModuleType, tmp_path: Path) -> None:
    two = [_row({"seed": i}, {"test": 0.99, "seconds": 10.0}) for i in range(2)]
    toy = _row({"seed": 2}, {"test": 0.1, "seconds": 999.0}, smoke=True)
    page = _page(tmp_path, "digits", [*two, toy])
    assert ">= 98 %: not judged" in page
    assert "999" not in page


def test_time_of_the_unfinished_script_is_labelled_extrapolated(
    rows: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = importlib.import_module("resnet18_script")
    monkeypatch.setattr(script, "ROWS", tmp_path)
    fitted = _row({"budget": "15m", "seed": 0}, {"test": 0.911, "seconds": 900.0})
    (tmp_path / "cifar10.jsonl").write_text(json.dumps(fitted) + "\n")
    result = {"script_img_s": 66.0, "ours_img_s": 140.0, "ratio": 2.12, "precision": "bf16", "layout": "channels_last"}
    pairs = [_row({"pair": k}, {**result, "script_30_epochs_s": 18000}) | {"machine": "A"} for k in range(3)]
    section = script.draw(pairs)
    assert "20.0 (extrapolated)" in section
    assert ">= 1.9: yes" in section


def test_the_committed_page_is_drawn_from_the_committed_rows(rows: ModuleType) -> None:
    drawn = importlib.import_module("draw").page(BENCHMARKS / "rows")
    assert (BENCHMARKS.parent / "BENCHMARKS.md").read_text("utf-8") == drawn
