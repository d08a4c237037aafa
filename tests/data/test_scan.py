"""Scanning: the same verdicts in any number of processes, remembered while a file is unchanged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from goodfit.core.recipe import DataSection
from goodfit.data import picture_scan as scan_room
from goodfit.data.reading import read
from goodfit.data.scan import scan

from .drawing import draw, folders


def small(tmp_path: Path) -> DataSection:
    root = folders(tmp_path / "d", {"a": 6, "b": 6})
    (root / "a" / "000.png").write_bytes(b"")
    (root / "b" / "001.png").write_bytes(b"<html>" * 20)
    return DataSection(path=str(root))


def test_workers_give_what_one_process_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_room, "CHUNK", 3)
    dataset = read(small(tmp_path), tmp_path / "cache")
    alone = scan(dataset, tmp_path / "one", workers=0)
    several = scan(dataset, tmp_path / "two", workers=2)
    for name in ("ok", "fault", "content", "seen", "height", "width", "mode", "format", "spread"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(several, name), name)
    assert dict(zip(dataset.index.id[~alone.ok], alone.fault[~alone.ok], strict=True)) == {
        "a/000.png": "zero_byte",
        "b/001.png": "not_image",
    }


def test_file_that_kills_its_worker_is_found_and_costs_itself_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = scan_room._Lane()
    real = lane._ask
    monkeypatch.setattr(lane, "_ask", lambda paths: None if any("killer" in path for path in paths) else real(paths))
    good = str(draw(tmp_path / "good.png"))
    verdicts = lane.judge([good, "killer.png", good])
    lane.close()
    assert [verdict.fault for verdict in verdicts] == ["", "crashed", ""]


def test_worker_that_really_dies_is_started_anew(tmp_path: Path) -> None:
    lane = scan_room._Lane()
    good = str(draw(tmp_path / "good.png"))
    assert lane.judge([good])[0].fault == ""
    assert lane._process is not None
    lane._process.kill()
    assert lane.judge([good])[0].fault in ("", "crashed")
    assert lane.judge([good])[0].fault == ""
    lane.close()


def test_verdicts_are_remembered_until_a_file_changes(tmp_path: Path) -> None:
    section = small(tmp_path)
    cache = tmp_path / "cache"
    assert scan(read(section, cache), cache).remembered == 0
    again = scan(read(section, cache), cache)
    assert again.remembered == 12
    path = draw(tmp_path / "d" / "a" / "000.png", seed=50)
    os.utime(path, ns=(1, 1))
    mended = scan(read(section, cache), cache)
    assert mended.remembered == 11
    assert mended.ok.sum() == 11


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", b"\x00" * 100])
def test_damaged_memory_is_only_forgotten(tmp_path: Path, damage: bytes) -> None:
    dataset, cache = read(small(tmp_path), tmp_path / "cache"), tmp_path / "cache"
    first = scan(dataset, cache)
    for file in (cache / "scans").iterdir():
        file.write_bytes(damage)
    second = scan(dataset, cache)
    assert second.remembered == 0
    np.testing.assert_array_equal(first.content, second.content)


def test_cache_that_cannot_be_written_is_no_harm(tmp_path: Path) -> None:
    dataset = read(small(tmp_path), tmp_path / "cache")
    (tmp_path / "blocked").write_text("a file where a folder should be")
    assert scan(dataset, tmp_path / "blocked").ok.sum() == 10


def test_fingerprint_is_the_same_before_and_after_a_scan(tmp_path: Path) -> None:
    section = small(tmp_path)
    before = read(section, tmp_path / "cache").fingerprint
    dataset = read(section, tmp_path / "cache")
    scan(dataset, tmp_path / "cache")
    assert dataset.fingerprint == before


def test_progress_ends_at_the_number_of_samples(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    scan(
        read(small(tmp_path), tmp_path / "cache"),
        tmp_path / "cache",
        progress=lambda done, total: heard.append((done, total)),
    )
    assert heard[-1] == (12, 12)


@pytest.mark.parametrize("workers", [0, 2])
def test_scan_that_is_ended_early_keeps_its_verdicts_and_starts_no_worker_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(scan_room, "CHUNK", 3)
    started: list[int] = []
    popen = scan_room.subprocess.Popen
    monkeypatch.setattr(scan_room.subprocess, "Popen", lambda *a, **k: (started.append(1), popen(*a, **k))[1])

    def end(done: int, total: int) -> None:
        raise KeyboardInterrupt

    section = small(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        scan(read(section, tmp_path / "cache"), tmp_path / "cache", workers=workers, progress=end)
    assert len(started) <= workers
    again = scan(read(section, tmp_path / "cache"), tmp_path / "cache", workers=0)
    assert 1 <= again.remembered < 12


def test_lane_that_has_ended_answers_nothing_and_starts_nothing(tmp_path: Path) -> None:
    lane = scan_room._Lane()
    lane.end()
    assert lane.judge([str(draw(tmp_path / "good.png"))]) == []
    assert lane._process is None


def test_arrays_in_memory_are_all_good(tmp_path: Path) -> None:
    found = scan(read(DataSection(path="digits"), tmp_path), tmp_path)
    assert found.ok.all()
    assert len(found) == 1797
    assert (found.height == 8).all()
    assert (found.spread > 100).all()
