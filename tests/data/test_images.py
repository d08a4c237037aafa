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


def test_fingerprint_follows_the_groups_that_may_not_be_split_apart(tmp_path: Path) -> None:
    folders(tmp_path / "d", {"a": 2, "b": 2})

    def fingerprint(*patients: str) -> str:
        names = ("a/000.png,a", "a/001.png,a", "b/000.png,b", "b/001.png,b")
        rows = [f"{name},{patient}" for name, patient in zip(names, patients, strict=True)]
        (tmp_path / "d" / "labels.csv").write_text("\n".join(["path,label,patient", *rows]) + "\n", "utf-8")
        section = DataSection(path=str(tmp_path / "d" / "labels.csv"), target="label", group="patient")
        return read(section, tmp_path / "cache").fingerprint

    assert fingerprint("x", "x", "y", "y") == fingerprint("x", "x", "y", "y")
    assert fingerprint("x", "x", "y", "y") != fingerprint("x", "y", "x", "y")
    assert fingerprint("x", "xy", "y", "y") != fingerprint("xx", "y", "y", "y")
