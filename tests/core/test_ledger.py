"""The ledger: decisions are written before use and replayed; a line cut short is dropped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from goodfit.core.ledger import Ledger


def test_decision_is_computed_once_and_replayed_by_the_next_process(tmp_path: Path) -> None:
    calls: list[int] = []

    def compute() -> dict[str, object]:
        calls.append(1)
        return {"value": "climb", "why": "capacity", "numbers": {"loss": np.float32(0.5)}}

    first = Ledger(tmp_path / "ledger.jsonl").decide("ladder.1", compute)
    again = Ledger(tmp_path / "ledger.jsonl").decide("ladder.1", compute)
    assert (first, len(calls), first["numbers"]) == (again, 1, {"loss": 0.5})


def test_lines_are_numbered_and_kept_in_order(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "deep" / "ledger.jsonl")
    for event in ("session", "note", "test_opened", "note"):
        ledger.write(event, at=Path("x"))
    lines = Ledger(tmp_path / "deep" / "ledger.jsonl").lines
    assert [(line["n"], line["event"]) for line in lines] == [
        (0, "session"),
        (1, "note"),
        (2, "test_opened"),
        (3, "note"),
    ]
    assert len(ledger.events("note")) == 2


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_last_line_cut_short_is_dropped_and_writing_goes_on(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.write("note", text="first")
    ledger.write("note", text="second " * 5)
    path.write_bytes(path.read_bytes()[:-cut])
    again = Ledger(path)
    assert [line["text"] for line in again.lines] == ["first"]
    again.write("note", text="third")
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["first", "third"]
    assert [line["n"] for line in Ledger(path).lines] == [0, 1]


def test_number_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        Ledger(tmp_path / "ledger.jsonl").write("note", loss=float("nan"))


def test_hostile_text_stays_one_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.write("note", text="a\nb\u2028c<script>")
    assert Ledger(ledger.path).lines[0]["text"] == "a\nb\u2028c<script>"
