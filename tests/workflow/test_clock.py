"""The clock of a study: it starts with the process, sums over sessions, and survives a damaged file."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest

from goodfit.workflow.clock import Clock, command_start, process_start


class Time:
    """Seconds that pass when told."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_sessions_add_up_and_time_between_them_does_not_count(tmp_path: Path) -> None:
    path, now = tmp_path / "clock.json", Time()
    first = Clock(path, 60.0, now)
    now.now += 20
    first.note(every=0.0)
    now.now += 1000  # the machine was off
    second = Clock(path, 60.0, now)
    now.now += 15
    assert (second.before, second.used, second.left) == (20.0, 35.0, 25.0)


def test_without_a_budget_there_is_no_end(tmp_path: Path) -> None:
    assert math.isinf(Clock(tmp_path / "clock.json", None, Time()).left)


def test_note_is_written_at_most_once_in_its_interval(tmp_path: Path) -> None:
    path, now = tmp_path / "deep" / "clock.json", Time()
    clock = Clock(path, None, now)
    clock.note()
    now.now += 0.5
    clock.note()
    assert json.loads(path.read_text()) == {"seconds": 0.0}
    now.now += 0.6
    clock.note()
    assert json.loads(path.read_text())["seconds"] == pytest.approx(1.1)
    assert [p.name for p in path.parent.iterdir()] == ["clock.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seconds": null}', '{"other": 1}', '{"seconds": "long"}'])
def test_damaged_clock_file_counts_as_no_time(tmp_path: Path, text: str) -> None:
    (tmp_path / "clock.json").write_text(text)
    assert Clock(tmp_path / "clock.json", 10.0, Time()).before == 0.0


def test_full_disk_costs_the_note_and_not_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    clock = Clock(tmp_path / "clock.json", 10.0, Time())
    monkeypatch.setattr(Path, "write_text", full)
    clock.note(every=0.0)
    assert list(tmp_path.iterdir()) == []


def test_real_clock_counts_from_the_start_of_the_process(tmp_path: Path) -> None:
    started = process_start()
    assert time.time() - started >= 0
    clock = Clock(tmp_path / "clock.json", 3600.0, began=started)
    assert clock.used == pytest.approx(time.time() - started, abs=1.0)


def test_later_commands_of_a_process_begin_when_they_are_called() -> None:
    command_start()
    assert command_start() == pytest.approx(time.time(), abs=1.0)
