"""Pictures inside other files are written out once, whole or not at all, and never beyond what the disk holds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from goodfit.core.errors import DataError
from goodfit.data.held import place, write_out


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "all.bin"
    file.write_bytes(b"x" * 100)
    return file


def test_pictures_are_written_once_in_folders_of_a_thousand(source: Path, tmp_path: Path) -> None:
    pictures = [str(i).encode() for i in range(1001)]
    folder = write_out([source], tmp_path, "column", pictures)
    assert Path(place(folder, 7)).read_bytes() == b"7"
    assert Path(place(folder, 1000)).read_bytes() == b"1000"
    assert sorted(os.listdir(folder)) == ["00000", "00001"]
    assert write_out([source], tmp_path, "column", [b"other"]) == folder
    assert Path(place(folder, 0)).read_bytes() == b"0"


def test_another_column_or_a_changed_file_is_written_anew(source: Path, tmp_path: Path) -> None:
    first = write_out([source], tmp_path, "a", [b"1"])
    assert write_out([source], tmp_path, "b", [b"1"]) != first
    source.write_bytes(b"y" * 101)
    assert write_out([source], tmp_path, "a", [b"1"]) != first


def test_a_disk_that_is_too_small_is_an_error_before_anything_is_written(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(200, 100, 100))
    with pytest.raises(DataError, match="disk is too small"):
        write_out([source], tmp_path, "a", [b"1"])
    assert os.listdir(tmp_path / "held") == []


def test_pictures_that_are_far_more_than_their_file_are_a_bomb_and_leave_nothing(source: Path, tmp_path: Path) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"\0" * (1 << 22)

    with pytest.raises(DataError, match="far more than the file"):
        write_out([source], tmp_path, "a", endless())
    assert os.listdir(tmp_path / "held") == []
