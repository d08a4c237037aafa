"""Near copies among pictures and texts: found where they were planted, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from goodfit.core.recipe import DataSection
from goodfit.data import near as near_room
from goodfit.data.near import near_copies
from goodfit.data.near_pairs import NearPairs
from goodfit.data.picture_facts import measure_picture, mirrored, vectors
from goodfit.data.reading import read
from goodfit.data.samples import Samples
from goodfit.data.scan import scan

from .photographs import photograph


def found(folder: Path, cache: Path) -> tuple[Samples, NearPairs]:
    dataset = read(DataSection(path=str(folder)), cache / "cache")
    return dataset, near_copies(dataset, scan(dataset, cache / "cache"), cache / "cache")


def named(dataset: Samples, near: NearPairs) -> set[tuple[str, str, bool]]:
    ids = [str(name) for name in dataset.index.id]
    return {(*sorted((ids[a], ids[b])), bool(m)) for a, b, m in zip(near.a, near.b, near.mirrored, strict=True)}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for seed in range(24):
        path = tmp_path / "d" / "ab"[seed % 2] / f"{seed:02d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(seed).save(path, quality=92)
    return tmp_path / "d"


def test_strangers_are_no_copies(photos: Path, tmp_path: Path) -> None:
    assert len(found(photos, tmp_path)[1]) == 0


def test_scaled_cropped_lit_and_mirrored_copies_are_found(photos: Path, tmp_path: Path) -> None:
    photograph(0).resize((70, 56), Image.Resampling.BILINEAR).save(photos / "a" / "small.jpg", quality=45)
    photograph(2).crop((6, 5, 113, 91)).save(photos / "b" / "crop.png")
    photograph(4).point(lambda v: min(255, 1.25 * v)).save(photos / "a" / "lit.jpg", quality=80)
    ImageOps.mirror(photograph(6)).save(photos / "b" / "mirror.png")
    dataset, near = found(photos, tmp_path)
    assert named(dataset, near) == {
        ("a/00.jpg", "a/small.jpg", False),
        ("a/02.jpg", "b/crop.png", False),
        ("a/04.jpg", "a/lit.jpg", False),
        ("a/06.jpg", "b/mirror.png", True),
    }
    assert (near.a < near.b).all()
    assert near.alike.min() > 0.82


def test_what_was_found_is_kept(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ImageOps.mirror(photograph(6)).save(photos / "b" / "mirror.png")
    first = named(*found(photos, tmp_path))
    monkeypatch.setattr(near_room, "near_pictures", lambda *_: pytest.fail("looked again"))
    assert named(*found(photos, tmp_path)) == first
    (file,) = (tmp_path / "cache" / "near").iterdir()
    file.write_bytes(b"damaged")
    with pytest.raises(pytest.fail.Exception):
        found(photos, tmp_path)


def test_equal_pictures_stand_for_each_other(photos: Path, tmp_path: Path) -> None:
    for name in ("x.jpg", "y.jpg"):
        (photos / "a" / name).write_bytes((photos / "a" / "00.jpg").read_bytes())
    assert len(found(photos, tmp_path)[1]) == 0


def test_blurs_and_flat_pictures_are_not_taken_for_one_another(photos: Path, tmp_path: Path) -> None:
    for k in range(4):
        soft = photograph(50 + k, 24, 30).resize((120, 96), Image.Resampling.BICUBIC)
        soft.save(photos / "a" / f"soft{k}.jpg", quality=90)
        Image.new("RGB", (120, 96), (40 * k, 90, 90)).save(photos / "b" / f"flat{k}.jpg")
    assert len(found(photos, tmp_path)[1]) == 0


def test_small_digits_are_never_copies(tmp_path: Path) -> None:
    dataset = read(DataSection(path="digits"), tmp_path)
    assert len(near_copies(dataset, scan(dataset, tmp_path), tmp_path)) == 0


def test_texts_with_a_word_changed_are_near_copies(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = [f"w{k}" for k in range(200)]
    rows = [" ".join(rng.choice(words, 40)) for _ in range(30)]
    rows += [rows[3].replace(rows[3].split()[7], "other", 1), rows[5]]
    lines = ["text,label", *(f"{row},{'ab'[i % 2]}" for i, row in enumerate(rows))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    dataset, near = found(tmp_path / "t.csv", tmp_path)
    assert named(dataset, near) == {("t.csv:32", "t.csv:5", False)}


def test_a_mark_follows_its_picture_upright_and_mirrored() -> None:
    picture = photograph(3)
    plain = vectors(np.array([measure_picture(picture).mark], dtype=object))
    lying = picture.transpose(Image.Transpose.ROTATE_90)  # EXIF 6 turns it back
    turned = vectors(np.array([measure_picture(lying, orientation=6).mark], dtype=object))
    assert float(plain[0] @ turned[0]) > 0.999
    flipped = vectors(np.array([measure_picture(ImageOps.mirror(picture)).mark], dtype=object))
    assert float(mirrored(plain)[0] @ flipped[0]) > 0.99
    assert float(np.linalg.norm(plain[0])) == pytest.approx(1.0, abs=1e-3)
    assert measure_picture(Image.new("RGB", (40, 40))).mark == ""
