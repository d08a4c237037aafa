"""Data sets of pictures: lazy, named by what they hold and not by where they lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from goodfit.core.recipe import DataSection
from goodfit.data.picture import BadImage
from goodfit.data.reading import read

from .drawing import draw, folders


def test_file_that_vanishes_after_reading_is_named_when_it_is_wanted(tmp_path: Path) -> None:
    dataset = read(DataSection(path=str(folders(tmp_path / "d", {"a": 2, "b": 2}))), tmp_path / "cache")
    os.remove(dataset.index.where[1])
    with pytest.raises(BadImage, match="001.png"):
        dataset[1]
    assert dataset[0].shape == (24, 24, 3)


def test_fingerprint_follows_content_not_place(tmp_path: Path) -> None:
    one = read(DataSection(path=str(folders(tmp_path / "one", {"a": 3, "b": 3}))), tmp_path / "cache")
    two = read(DataSection(path=str(folders(tmp_path / "two", {"a": 3, "b": 3}))), tmp_path / "cache")
    assert one.fingerprint == two.fingerprint
    draw(tmp_path / "two" / "a" / "000.png", seed=99)
    changed = read(DataSection(path=str(tmp_path / "two")), tmp_path / "cache")
    assert changed.fingerprint != one.fingerprint
