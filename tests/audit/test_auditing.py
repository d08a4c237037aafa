"""The audit: what is left out and why, what is only said, and what stops the run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodfit.audit import CHECKS, Audit, run
from goodfit.core.errors import DataError
from goodfit.core.messages import LANGUAGES, has, say
from goodfit.core.recipe import DataSection, SplitSection
from goodfit.data.images import Images
from goodfit.data.reading import read
from goodfit.data.scan import scan
from goodfit.data.splits import make_split

from ..data.drawing import draw, folders


def audited(root: Path | str, cache: Path, **keys: object) -> tuple[Images, Audit]:
    dataset = read(DataSection(path=str(root), **keys), cache / ".cache")  # type: ignore[arg-type]
    return dataset, run(dataset, scan(dataset, cache / ".cache"))


def numbers(audit: Audit, code: str) -> dict[str, object]:
    found = [finding for finding in audit.findings if finding.code == code]
    assert len(found) == 1, f"{code} among {[f.code for f in audit.findings]}"
    for lang in LANGUAGES:
        for part in ("title", "body", "advice"):
            assert say(f"finding.{code}.{part}", lang, **found[0].numbers).strip()
    return dict(found[0].numbers)


def codes(audit: Audit) -> set[str]:
    return {finding.code for finding in audit.findings}


def parted(root: Path, train: int = 12, test: int = 6) -> Path:
    folders(root / "train", {"a": train, "b": train})
    folders(root / "test", {"a": test, "b": test}, first=500)
    return root


def test_every_code_of_every_check_has_its_words_in_both_languages() -> None:
    listed = {code for check in CHECKS.values() for code in check.codes}
    told_by_readers = {"GF-D002", "GF-D006", "GF-D016", "GF-D017", "GF-D020"}
    for code in listed | told_by_readers:
        assert all(has(f"finding.{code}.{part}") for part in ("title", "body", "advice")), code


def test_clean_data_give_no_finding(tmp_path: Path) -> None:
    dataset, audit = audited(folders(tmp_path / "d", {"a": 6, "b": 6}), tmp_path)
    assert codes(audit) == set()
    assert len(audit.keep) == len(dataset) == 12
    assert audit.groups is None
    assert audit.class_counts == {"": {"a": 6, "b": 6}}
    assert {name: len(ids) for name, ids in audit.samples.items()} == {"a": 6, "b": 6}


def test_broken_files_are_quarantined_by_name_and_counted(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 8, "b": 8}, suffix=".jpg")
    (root / "a" / "000.jpg").write_bytes(b"")
    (root / "a" / "001.jpg").write_bytes(b"<html><body>no</body></html>")
    whole = (root / "a" / "002.jpg").read_bytes()
    (root / "a" / "002.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "b" / "000.jpg").write_bytes(os.urandom(64) + whole[64:])
    (root / "b" / "notes.txt").write_text("hello")
    _, audit = audited(root, tmp_path)
    assert dict(audit.quarantined) == {
        "a/000.jpg": "zero_byte", "a/001.jpg": "not_image", "a/002.jpg": "truncated",
        "b/000.jpg": "broken_header", "b/notes.txt": "not_image",
    }  # fmt: skip
    assert len(audit.keep) == 12
    said = numbers(audit, "GF-D001")
    assert (said["count"], said["total"]) == (5, 17)
    assert audit.to_json()["quarantined"][0] == {"id": "a/000.jpg", "fault": "zero_byte"}


def test_file_that_vanishes_between_reading_and_scanning_is_quarantined(tmp_path: Path) -> None:
    dataset = read(DataSection(path=str(folders(tmp_path / "d", {"a": 4, "b": 4}))), tmp_path / "c")
    os.remove(dataset.index.where[2])
    audit = run(dataset, scan(dataset, tmp_path / "c"))
    assert audit.quarantined == (("a/002.png", "vanished"),)


def test_tiny_pictures_and_strips_are_left_out_of_train_but_not_of_test(tmp_path: Path) -> None:
    for part, first in (("train", 0), ("test", 500)):
        for i in range(8):
            draw(tmp_path / "d" / part / "ab"[i % 2] / f"{i}.png", seed=first + i, height=128, width=140)
        draw(tmp_path / "d" / part / "a" / "dot.png", seed=first + 50, height=1, width=1)
        draw(tmp_path / "d" / part / "a" / "small.png", seed=first + 51, height=8, width=8)
        draw(tmp_path / "d" / part / "b" / "strip.png", seed=first + 52, height=20, width=500)
    _, audit = audited(tmp_path / "d", tmp_path)
    assert dict(audit.quarantined) == {
        "train/a/dot.png": "tiny",
        "train/a/small.png": "tiny",
        "train/b/strip.png": "odd_aspect",
    }


def test_eight_pixel_pictures_are_fine_where_all_are_small(tmp_path: Path) -> None:
    _, audit = audited("digits", tmp_path)
    assert len(audit.keep) == 1797
    assert audit.quarantined == ()


def test_picture_twice_under_one_label_is_kept_and_bound_together(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 20, "b": 20})
    for i in range(10):
        shutil.copy(root / "a" / f"{i:03d}.png", root / "a" / f"copy{i}.png")
        Image.open(root / "b" / f"{i:03d}.png").save(root / "b" / f"other{i}.bmp")
    dataset, audit = audited(root, tmp_path)
    assert numbers(audit, "GF-D003")["groups"] == 20
    assert ("a/000.png", "a/copy0.png") in audit.duplicates
    assert ("b/000.png", "b/other0.bmp") in audit.duplicates, "other bytes, same pixels"
    assert audit.groups is not None
    kept = dataset.take(audit.keep)
    for seed in range(5):
        split = make_split(kept.index, "class", SplitSection(), seed, audit.groups)
        sides = [set(audit.groups[p]) for p in (split.train, split.val, split.test.open(lambda: None))]
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


def test_picture_under_two_labels_is_left_out_with_all_its_copies(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 6, "b": 6})
    shutil.copy(root / "a" / "000.png", root / "b" / "same.png")
    shutil.copy(root / "a" / "000.png", root / "a" / "again.png")
    dataset, audit = audited(root, tmp_path)
    assert numbers(audit, "GF-D004")["groups"] == 1
    assert audit.conflicts == (("a/000.png", "a/again.png", "b/same.png"),)
    assert set(dataset.index.id) - set(dataset.index.id[audit.keep]) == {"a/000.png", "a/again.png", "b/same.png"}
    assert audit.class_counts == {"": {"a": 5, "b": 6}}


def test_leak_drops_the_training_copy_and_leaves_test_whole(tmp_path: Path) -> None:
    root = parted(tmp_path / "d")
    shutil.copy(root / "test" / "a" / "000.png", root / "train" / "a" / "leak.png")
    shutil.copy(root / "test" / "b" / "000.png", root / "train" / "a" / "leak2.png")
    dataset, audit = audited(root, tmp_path)
    said = numbers(audit, "GF-D005")
    assert (said["count"], said["leaked"], said["test"]) == (2, 2, 12)
    assert set(audit.leaks) == {("train/a/leak.png", "test/a/000.png"), ("train/a/leak2.png", "test/b/000.png")}
    assert set(dataset.index.id) - set(dataset.index.id[audit.keep]) == {"train/a/leak.png", "train/a/leak2.png"}


def test_leak_into_given_val_drops_the_train_copy_and_into_test_both(tmp_path: Path) -> None:
    root = parted(tmp_path / "d")
    folders(root / "val", {"a": 5, "b": 5}, first=800)
    shutil.copy(root / "val" / "a" / "000.png", root / "train" / "a" / "x.png")
    for part in ("train", "val"):
        shutil.copy(root / "test" / "a" / "001.png", root / part / "a" / "y.png")
    dataset, audit = audited(root, tmp_path)
    assert set(dataset.index.id) - set(dataset.index.id[audit.keep]) == {
        "train/a/x.png",
        "train/a/y.png",
        "val/a/y.png",
    }


def test_test_part_that_is_mostly_leaked_stops_the_run(tmp_path: Path) -> None:
    root = parted(tmp_path / "d", test=4)
    for i in range(4):
        shutil.copy(root / "test" / "a" / f"{i:03d}.png", root / "train" / "a" / f"leak{i}.png")
    audited(root, tmp_path)
    shutil.copy(root / "test" / "b" / "000.png", root / "train" / "a" / "leak9.png")
    with pytest.raises(DataError, match="5 of 8 test samples") as caught:
        audited(root, tmp_path)
    assert caught.value.exit_code == 2


def test_permuted_test_labels_leave_what_is_trained_on_identical(tmp_path: Path) -> None:
    root = parted(tmp_path / "d")
    shutil.copy(root / "test" / "a" / "000.png", root / "train" / "a" / "leak.png")
    shutil.copy(root / "train" / "a" / "003.png", root / "train" / "a" / "copy.png")
    shutil.copytree(root, tmp_path / "e")
    for i in (0, 2, 4):
        a, b = (tmp_path / "e" / "test" / name / f"{i:03d}.png" for name in "ab")
        kept = a.read_bytes()
        a.write_bytes(b.read_bytes())
        b.write_bytes(kept)
    seen = []
    for folder in ("d", "e"):
        dataset, audit = audited(tmp_path / folder, tmp_path)
        kept_set = dataset.take(audit.keep)
        split = make_split(kept_set.index, "class", SplitSection(), 0, audit.groups)
        facts = dict(dataset.schema.facts)
        seen.append(
            (
                split.digest(),
                [list(kept_set.index.id[p]) for p in (split.train, split.select, split.confirm)],
                facts,
                dataset.schema.classes,
            )
        )
    assert seen[0] == seen[1]


def test_one_class_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only one class.*got cats.*column of numbers"):
        audited(folders(tmp_path / "d", {"cats": 5}), tmp_path)


def test_one_class_that_is_left_after_quarantine_names_the_refused(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 5, "b": 1})
    (root / "b" / "000.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"only one class.*b/000.png \(zero_byte\)"):
        audited(root, tmp_path)


def test_nothing_usable_is_an_error_that_names_files(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 1, "b": 1})
    for name in "ab":
        (root / name / "000.png").write_bytes(b"")
    with pytest.raises(DataError, match="no usable training sample.*a/000.png"):
        audited(root, tmp_path)


def test_class_of_one_and_class_of_none_are_named(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 6, "b": 6, "single": 1, "broken": 1})
    (root / "broken" / "000.png").write_bytes(b"")
    _, audit = audited(root, tmp_path)
    assert numbers(audit, "GF-D007")["names"] == "single"
    assert numbers(audit, "GF-D008")["names"] == "broken"


def test_empty_class_folder_is_named(tmp_path: Path) -> None:
    _, audit = audited(folders(tmp_path / "d", {"a": 4, "b": 4, "unsorted": 0}), tmp_path)
    assert numbers(audit, "GF-D006")["names"] == "unsorted"


def test_imbalance_is_told_with_its_ratio_and_the_majority_score(tmp_path: Path) -> None:
    _, audit = audited(folders(tmp_path / "d", {"a": 30, "b": 5}), tmp_path)
    said = numbers(audit, "GF-D013")
    assert said["ratio"] == 6.0
    assert said["majority"] == 30 / 35


def test_class_missing_from_test_is_named(tmp_path: Path) -> None:
    folders(tmp_path / "d" / "train", {"a": 4, "b": 4, "c": 4})
    folders(tmp_path / "d" / "test", {"a": 3, "b": 3}, first=500)
    assert numbers(audited(tmp_path / "d", tmp_path)[1], "GF-D015")["names"] == "c"


def test_hidden_test_labels_are_told(tmp_path: Path) -> None:
    folders(tmp_path / "d" / "train", {"a": 4, "b": 4})
    draw(tmp_path / "d" / "test" / "1.png", seed=900)
    said = numbers(audited(tmp_path / "d", tmp_path)[1], "GF-D014")
    assert (said["count"], said["test"]) == (1, 1)


def test_names_that_look_alike_are_told_and_kept_apart(tmp_path: Path) -> None:
    dataset, audit = audited(folders(tmp_path / "d", {"Cat": 3, "cat ": 3, "ＣＡＴ": 3, "dog": 3}), tmp_path)
    assert numbers(audit, "GF-D018")["names"] == "'Cat' = 'cat ' = 'ＣＡＴ'"
    assert len(dataset.schema.classes) == 4


def test_conversions_are_counted_by_kind(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 6, "b": 6}, suffix=".jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.open(root / "a" / "000.jpg")
    picture.convert("CMYK").save(root / "a" / "000.jpg")
    picture.convert("RGBA").save(root / "a" / "alpha.png")
    Image.open(root / "a" / "001.jpg").save(root / "a" / "turned.jpg", exif=exif)
    Image.open(root / "b" / "001.jpg").save(root / "b" / "png.jpg", "PNG")
    frames = [Image.new("RGB", (24, 24), colour) for colour in ("red", "blue")]
    frames[0].save(root / "b" / "moving.gif", save_all=True, append_images=frames[1:])
    _, audit = audited(root, tmp_path)
    assert numbers(audit, "GF-D009")["count"] == 2  # CMYK and RGBA; the GIF is named for its frames
    assert numbers(audit, "GF-D010")["count"] == 1
    assert numbers(audit, "GF-D011")["count"] == 1
    assert numbers(audit, "GF-D012")["count"] == 1
    assert numbers(audit, "GF-D019")["count"] == 1  # the first frame is plain red
    assert audit.quarantined == ()


def test_group_on_both_sides_of_a_given_test_is_told(tmp_path: Path) -> None:
    lines = ["path,label,split,patient"]
    for i in range(24):
        draw(tmp_path / "d" / f"{i}.png", seed=i)
        lines.append(f"{i}.png,{'ab'[i % 2]},{'train' if i < 16 else 'test'},p{i % 5}")
    (tmp_path / "d" / "labels.csv").write_text("\n".join(lines))
    said = numbers(audited(tmp_path / "d", tmp_path, group="patient")[1], "GF-D021")
    assert (said["groups"], said["count"]) == (5, 16)


def test_group_column_binds_the_drawn_split(tmp_path: Path) -> None:
    lines = ["path,label,patient"]
    for i in range(60):
        draw(tmp_path / "d" / f"{i}.png", seed=i)
        lines.append(f"{i}.png,{'ab'[i % 2]},p{i // 4}")
    (tmp_path / "d" / "labels.csv").write_text("\n".join(lines))
    dataset, audit = audited(tmp_path / "d", tmp_path, group="patient")
    split = make_split(dataset.take(audit.keep).index, "class", SplitSection(), 0, audit.groups)
    patient = dataset.index.group[audit.keep]
    sides = [set(patient[p]) for p in (split.train, split.select, split.confirm, split.test.open(lambda: None))]
    assert sum(map(len, sides)) == 15
    assert "grouped" in split.how


def test_file_names_of_one_patient_on_both_sides_are_told(tmp_path: Path) -> None:
    seed = 0
    for part, frames in (("train", range(4)), ("test", range(4, 6))):
        for patient in range(12):
            for frame in frames:
                seed += 1
                draw(
                    tmp_path / "d" / part / "ab"[patient % 2] / f"patient{patient}_{frame:03d}.png",
                    seed=seed,
                    height=12,
                    width=12,
                )
    said = numbers(audited(tmp_path / "d", tmp_path)[1], "GF-D022")
    assert (said["shared"], said["stems"], said["count"]) == (12, 12, 48)


def test_camera_numbers_are_no_groups(tmp_path: Path) -> None:
    for part, first in (("train", 0), ("test", 500)):
        for i in range(20):
            draw(tmp_path / "d" / part / "ab"[i % 2] / f"IMG_{first + i:04d}.png", seed=first + i, height=12, width=12)
    assert codes(audited(tmp_path / "d", tmp_path)[1]) == set()


def test_findings_come_problems_first(tmp_path: Path) -> None:
    root = parted(tmp_path / "d")
    shutil.copy(root / "test" / "a" / "000.png", root / "train" / "a" / "leak.png")
    (root / "train" / "a" / "Thumbs.db").write_bytes(b"x")
    (root / "train" / "a" / "zero.png").write_bytes(b"")
    severities = [finding.severity for finding in audited(root, tmp_path)[1].findings]
    assert severities == ["problem", "warning", "info"]


def test_target_that_never_varies_is_an_error(tmp_path: Path) -> None:
    for i in range(6):
        draw(tmp_path / "d" / f"{i}.png", seed=i)
    (tmp_path / "d" / "labels.csv").write_text("path,angle\n" + "\n".join(f"{i}.png,0.5" for i in range(6)))
    with pytest.raises(DataError, match="the same for every sample"):
        audited(tmp_path / "d", tmp_path)


def test_progress_counts_the_checks(tmp_path: Path) -> None:
    dataset = read(DataSection(path="digits"), tmp_path)
    heard: list[tuple[int, int]] = []
    run(dataset, scan(dataset, tmp_path), progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (len(CHECKS), len(CHECKS))
    assert np.all(np.diff([done for done, _ in heard]) == 1)


def test_planted_faults_of_the_dirty_flowers_are_all_found_and_nothing_else(tmp_path: Path, shared_data: Path) -> None:
    import csv

    rows = list(csv.DictReader((shared_data / "dirty_seed1_manifest.csv").read_text("utf-8").splitlines()))
    _, audit = audited(shared_data / "dirty_seed1.tar", tmp_path)
    strip = lambda name: name.removeprefix("dirty_seed1/")  # noqa: E731
    of = lambda *kinds: {row["path"] for row in rows if row["kind"] in kinds}  # noqa: E731
    ignored = {strip(i) for f in audit.findings if f.code == "GF-D002" for i in f.ids}
    broken = of(
        "truncated", "broken_header", "zero_byte", "text_named_as_image", "non_image_file", "tiny", "extreme_aspect"
    )
    assert {strip(name) for name, _ in audit.quarantined} | ignored == broken
    pairs = {
        kind: {frozenset((row["path"], row["related_path"])) for row in rows if row["kind"] == kind}
        for kind in ("exact_duplicate", "exact_duplicate_other_class", "leak_exact")
    }
    assert {
        frozenset(map(strip, group)) for group in audit.duplicates if not any("blank" in g for g in group)
    } >= pairs["exact_duplicate"]
    assert {frozenset(map(strip, group)) for group in audit.conflicts} == pairs["exact_duplicate_other_class"]
    assert {frozenset(map(strip, pair)) for pair in audit.leaks} == pairs["leak_exact"]
