"""Too dark, over-exposed, blurred: named where planted, never where the whole set looks so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from goodfit.audit import run
from goodfit.core.recipe import DataSection
from goodfit.data.reading import read
from goodfit.data.scan import scan

from ..data.photographs import photograph

CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "GF-D070": lambda picture: picture.point(lambda v: 0.1 * v),
    "GF-D071": lambda picture: picture.point(lambda v: min(255, 3.5 * v + 70)),
    "GF-D072": lambda picture: picture.filter(ImageFilter.GaussianBlur(4)),
}


def codes(folder: Path, tmp_path: Path) -> dict[str, tuple[str, ...]]:
    dataset = read(DataSection(path=str(folder)), tmp_path / "cache")
    return {f.code: f.ids for f in run(dataset, scan(dataset, tmp_path / "cache")).findings}


def photos(
    folder: Path, count: int = 16, change: Callable[[Image.Image], Image.Image] = lambda picture: picture
) -> Path:
    for seed in range(16):
        path = folder / "ab"[seed % 2] / f"{seed:02d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        change(photograph(seed)).save(path, quality=90)
    return folder


def test_plain_photographs_are_none_of_it(tmp_path: Path) -> None:
    assert codes(photos(tmp_path / "d"), tmp_path) == {}


@pytest.mark.parametrize("code", CHANGES)
def test_a_faulty_picture_is_named(code: str, tmp_path: Path) -> None:
    folder = photos(tmp_path / "d")
    for seed in (50, 51):
        CHANGES[code](photograph(seed)).save(folder / "a" / f"{seed}.jpg", quality=90)
    assert codes(folder, tmp_path) == {code: ("a/50.jpg", "a/51.jpg")}


@pytest.mark.parametrize("code", CHANGES)
def test_where_all_pictures_are_so_it_is_the_scene(code: str, tmp_path: Path) -> None:
    assert code not in codes(photos(tmp_path / "d", change=CHANGES[code]), tmp_path)
