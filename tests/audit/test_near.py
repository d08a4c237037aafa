"""What the audit makes of near copies: leaks leave train, others stay together, doubtful labels are named."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

from goodfit.audit import Audit, run
from goodfit.core.recipe import DataSection
from goodfit.data.near import near_copies
from goodfit.data.reading import read
from goodfit.data.scan import scan

from ..data.photographs import photograph


def audited(folder: Path, tmp_path: Path) -> Audit:
    dataset = read(DataSection(path=str(folder)), tmp_path / "cache")
    seen = scan(dataset, tmp_path / "cache")
    return run(dataset, seen, near_copies(dataset, seen, tmp_path / "cache"))


def photos(folder: Path) -> Path:
    for part, first in (("train", 0), ("test", 100)):
        for seed in range(first, first + 10):
            path = folder / part / "ab"[seed % 2] / f"{seed:03d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            photograph(seed).save(path, quality=92)
    return folder


def small(seed: int) -> Image.Image:
    return photograph(seed).resize((70, 56), Image.Resampling.BILINEAR)


def test_a_near_copy_of_a_test_picture_leaves_train_with_its_equals(tmp_path: Path) -> None:
    folder = photos(tmp_path / "d")
    for name in ("copy1.png", "copy2.png"):
        small(100).save(folder / "train" / "a" / name)
    audit = audited(folder, tmp_path)
    found = {f.code: f for f in audit.findings}
    assert set(found["GF-D040"].ids) == {"train/a/copy1.png", "train/a/copy2.png"}
    assert set(found["GF-D040"].others) == {"test/a/100.jpg"}
    assert (found["GF-D040"].numbers["leaked"], found["GF-D040"].severity) == (1, "problem")
    assert len(audit.keep) == 20
    assert "GF-D073" not in found


def test_a_copy_of_a_leak_that_was_left_out_still_leaks(tmp_path: Path) -> None:
    folder = photos(tmp_path / "d")
    (folder / "train" / "a" / "same.jpg").write_bytes((folder / "test" / "a" / "100.jpg").read_bytes())
    small(100).save(folder / "train" / "a" / "zsmall.png")
    audit = audited(folder, tmp_path)
    left_out = {name for name, _ in audit.leaks}
    assert left_out == {"train/a/same.jpg", "train/a/zsmall.png"}


def test_near_copies_inside_train_stay_and_are_never_split_apart(tmp_path: Path) -> None:
    folder = photos(tmp_path / "d")
    small(0).save(folder / "train" / "a" / "small.png")
    ImageOps.mirror(photograph(2)).save(folder / "train" / "a" / "mirror.png")
    small(4).save(folder / "train" / "b" / "other.png")
    audit = audited(folder, tmp_path)
    found = {f.code: (set(f.ids) | set(f.others)) for f in audit.findings}
    assert found["GF-D073"] == {"train/a/000.jpg", "train/a/small.png"}
    assert found["GF-D074"] == {"train/a/002.jpg", "train/a/mirror.png"}
    assert found["GF-D075"] == {"train/a/004.jpg", "train/b/other.png"}
    assert len(audit.keep) == 23
    assert audit.groups is not None
    dataset = read(DataSection(path=str(folder)), tmp_path / "cache")
    group = dict(zip(map(str, dataset.index.id[audit.keep]), audit.groups.tolist(), strict=True))
    for pair in found.values():
        assert len({group[name] for name in pair}) == 1
