"""Reading what a person names: the guess, given parts, a named test set, limits, hostile names and links."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from goodfit.audit import run
from goodfit.core.errors import DataError, GoodfitError
from goodfit.core.recipe import DataSection
from goodfit.data.images import Images
from goodfit.data.reading import describe, read
from goodfit.data.scan import scan

from .drawing import draw, folders, png


def get(path: Path | str, cache: Path, **keys: object) -> Images:
    return read(DataSection(path=str(path), **keys), cache / ".cache")  # type: ignore[arg-type]


def refused(path: Path | str, cache: Path, words: str, **keys: object) -> str:
    with pytest.raises(DataError, match=words) as caught:
        get(path, cache, **keys)
    assert caught.value.exit_code == 2
    assert caught.value.do
    return str(caught.value)


def parts(dataset: Images) -> dict[str, int]:
    return dict(describe(dataset).counts)


def test_flat_class_folders_are_guessed_with_counts_and_five_samples(tmp_path: Path) -> None:
    guess = describe(get(folders(tmp_path / "pets", {"cat": 4, "dog": 3}), tmp_path))
    assert (guess.task, guess.format, guess.classes) == ("image_classification", "class folders", ("cat", "dog"))
    assert guess.class_counts == {"": {"cat": 4, "dog": 3}}
    assert len(guess.samples) == 5
    assert guess.samples[0] == ("cat/000.png", "cat")


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Validation"])
def test_given_parts_are_respected_under_their_usual_names(tmp_path: Path, val: str) -> None:
    for i, part in enumerate(("train", val, "test")):
        folders(tmp_path / "d" / part, {"a": 3, "b": 2}, first=100 * i)
    dataset = get(tmp_path / "d", tmp_path)
    assert parts(dataset) == {"train": 5, "val": 5, "test": 5}
    assert list(dataset.index.part) == ["train"] * 5 + ["val"] * 5 + ["test"] * 5, "training side first"


def test_named_test_folder_inside_the_data_is_test_and_no_longer_val(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders(tmp_path / "hymenoptera" / "train", {"ants": 4, "bees": 5})
    folders(tmp_path / "hymenoptera" / "val", {"ants": 2, "bees": 3}, first=50)
    monkeypatch.chdir(tmp_path)
    for named in ("hymenoptera/val", "val", str(tmp_path / "hymenoptera" / "val")):
        dataset = get("hymenoptera", tmp_path, test=named)
        assert parts(dataset) == {"train": 9, "test": 5}
        assert dataset.index.id[-1] == "val/bees/002.png"


def test_named_test_folder_is_found_from_another_working_folder_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders(tmp_path / "h" / "train", {"a": 2, "b": 2})
    folders(tmp_path / "h" / "val", {"a": 2, "b": 2}, first=50)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert parts(get(tmp_path / "h", tmp_path, test="h/val")) == {"train": 4, "test": 4}


def test_named_test_folder_among_the_classes_is_no_class(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"cat": 3, "dog": 3})
    folders(root / "holdout", {"cat": 2, "dog": 2}, first=50)
    dataset = get(root, tmp_path, test="holdout")
    assert dataset.schema.classes == ("cat", "dog")
    assert parts(dataset) == {"train": 6, "test": 4}


def test_named_test_folder_outside_the_data_gets_ids_of_its_own(tmp_path: Path) -> None:
    folders(tmp_path / "train", {"a": 2, "b": 2})
    folders(tmp_path / "fresh", {"a": 2, "b": 2}, first=50)
    dataset = get(tmp_path / "train", tmp_path, test=str(tmp_path / "fresh"))
    assert len(set(dataset.index.id)) == 8
    assert dataset.index.id[-1] == "test/b/001.png"


def test_named_test_set_replaces_the_one_of_the_layout(tmp_path: Path) -> None:
    for i, part in enumerate(("train", "test")):
        folders(tmp_path / "d" / part, {"a": 3, "b": 3}, first=100 * i)
    folders(tmp_path / "fresh", {"a": 1, "b": 1}, first=500)
    assert parts(get(tmp_path / "d", tmp_path, test=str(tmp_path / "fresh"))) == {"train": 6, "test": 2}


def test_test_set_that_is_not_there_is_an_error_of_one_line(tmp_path: Path) -> None:
    assert "\n" not in refused(folders(tmp_path / "d", {"a": 2, "b": 2}), tmp_path, "no such test set", test="nowhere")


def test_class_in_the_test_part_only_is_an_error_that_names_it(tmp_path: Path) -> None:
    folders(tmp_path / "d" / "train", {"a": 2, "b": 2})
    folders(tmp_path / "d" / "test", {"a": 1, "zebra": 1}, first=50)
    assert "zebra" in refused(tmp_path / "d", tmp_path, "in the test part only")


def test_test_folder_without_class_folders_is_unknown_not_dropped(tmp_path: Path) -> None:
    folders(tmp_path / "d" / "train", {"a": 2, "b": 2})
    for i in range(3):
        draw(tmp_path / "d" / "test" / f"{i}.png", seed=50 + i)
    dataset = get(tmp_path / "d", tmp_path)
    assert list(dataset.index.target[dataset.index.part == "test"]) == [-1, -1, -1]


@pytest.mark.parametrize("layout", ["empty", "flat", "parts"])
def test_layout_that_is_unknown_says_what_is_expected(tmp_path: Path, layout: str) -> None:
    (tmp_path / "d").mkdir()
    if layout == "flat":
        draw(tmp_path / "d" / "1.png")
    if layout == "parts":
        draw(tmp_path / "d" / "train" / "1.png")
        draw(tmp_path / "d" / "test" / "1.png")
    assert "DATA/<class>/*.jpg" in refused(tmp_path / "d", tmp_path, "empty|no layout that is known")


def test_file_of_another_kind_says_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "movie.mp4").write_bytes(b"x" * 100)
    assert "DATA/<class>/*.jpg" in refused(tmp_path / "movie.mp4", tmp_path, "no data format that is known")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_folders_and_files_that_may_not_be_read_are_named(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 3, "b": 3, "c": 3})
    (root / "a" / "000.png").chmod(0)
    (root / "c").chmod(0)
    dataset = get(root, tmp_path)
    assert ("c", "permission") in dataset.refused
    assert run(dataset, scan(dataset, tmp_path / "c")).quarantined[0] == ("a/000.png", "permission")
    root.chmod(0)
    refused(root, tmp_path, "may not be read")
    root.chmod(0o755)
    (root / "c").chmod(0o755)


def test_missing_path_and_unknown_format_are_one_line_each(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", tmp_path, "no such file or folder")
    with pytest.raises(GoodfitError, match="class_folders"):
        get(folders(tmp_path / "d", {"a": 2, "b": 2}), tmp_path, format="class_folder")


def test_one_folder_around_the_classes_is_looked_through(tmp_path: Path) -> None:
    folders(tmp_path / "d" / "inner", {"a": 2, "b": 2})
    assert get(tmp_path / "d", tmp_path).schema.classes == ("a", "b")


def test_folder_around_parts_or_around_a_table_is_looked_through(tmp_path: Path) -> None:
    folders(tmp_path / "d" / "inner" / "train", {"a": 2, "b": 2})
    folders(tmp_path / "d" / "inner" / "val", {"a": 1, "b": 1}, first=50)
    assert parts(get(tmp_path / "d", tmp_path, test="inner/val")) == {"train": 4, "test": 2}
    assert parts(get(tmp_path / "d", tmp_path)) == {"train": 4, "val": 2}
    for i in range(4):
        draw(tmp_path / "e" / "inner" / "img" / f"{i}.png", seed=i)
    (tmp_path / "e" / "inner" / "labels.csv").write_text(
        "path,label\n" + "\n".join(f"{i}.png,{'ab'[i % 2]}" for i in range(4))
    )
    assert len(get(tmp_path / "e", tmp_path)) == 4


def test_one_class_folder_is_not_looked_through(tmp_path: Path) -> None:
    assert get(folders(tmp_path / "d", {"cats": 2}), tmp_path).schema.classes == ("cats",)


def test_class_may_be_called_train_or_test(tmp_path: Path) -> None:
    assert get(folders(tmp_path / "d", {"train": 2, "bus": 2, "test": 2}), tmp_path).schema.classes == (
        "bus",
        "test",
        "train",
    )


def test_pictures_in_deeper_folders_belong_to_the_class_above(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 2, "b": 2})
    draw(root / "a" / "deep" / "er" / "x.png", seed=50)
    dataset = get(root, tmp_path)
    assert describe(dataset).class_counts[""] == {"a": 3, "b": 2}
    assert "a/deep/er/x.png" in dataset.index.id


def test_numbered_classes_are_in_order_of_their_numbers(tmp_path: Path) -> None:
    assert get(folders(tmp_path / "d", {"10": 1, "9": 1, "2": 1}), tmp_path).schema.classes == ("2", "9", "10")


def test_folders_named_by_many_numbers_are_classes(tmp_path: Path) -> None:
    dataset = get(folders(tmp_path / "d", {f"{k:05d}": 1 for k in range(43)}), tmp_path)
    assert (dataset.schema.task, len(dataset.schema.classes)) == ("image_classification", 43)


def test_folders_named_by_numbers_are_a_quantity_where_the_task_says_so(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"10": 2, "25": 2})
    dataset = read(DataSection(path=str(root)), tmp_path, "image_regression")
    assert dataset.index.target.tolist() == [10.0, 10.0, 25.0, 25.0]


def test_system_files_are_ignored_and_others_refused_by_name(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 2, "b": 2})
    for name in ("Thumbs.db", ".DS_Store", "._000.png", "desktop.ini"):
        (root / "a" / name).write_bytes(b"x")
    for name in ("notes.txt", "copy.jpg.part"):
        (root / "b" / name).write_bytes(b"x")
    (root / "b" / "nosuffix").write_bytes(png(9))
    dataset = get(root, tmp_path)
    assert len(dataset) == 5
    assert sorted(dataset.refused) == [("b/copy.jpg.part", "not_image"), ("b/notes.txt", "not_image")]
    assert [(note.code, note.numbers["count"]) for note in dataset.notes] == [("GF-D002", 4)]


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "new\nline",
    "=cmd()",
    "..x",
    "CON",
    "\u202egnp",
    "x" * 200,
    "a\tb",
    "'; DROP TABLE",
]


def test_hostile_names_work_as_classes_and_files(tmp_path: Path) -> None:
    root = tmp_path / "d"
    for i, name in enumerate(HOSTILE):
        draw(root / name / f"{name[:100]}.png", seed=i)
    draw(root / os.fsdecode(b"bad\xff") / "x.png", seed=50)
    dataset = get(root, tmp_path)
    audit = run(dataset, scan(dataset, tmp_path / "c"))
    assert len(audit.keep) == len(HOSTILE) + 1
    assert set(HOSTILE) | {"bad\\xff"} == set(dataset.schema.classes)
    for name in dataset.index.id:
        assert str(name).encode("utf-8").decode("utf-8") == name
    assert all(dataset[i].shape == (24, 24, 3) for i in range(len(dataset)))


def test_errors_show_hostile_names_on_one_line(tmp_path: Path) -> None:
    folders(tmp_path / "d" / "train", {"a": 2, "b": 2})
    folders(tmp_path / "d" / "test", {"evil\n\x1b[31mname": 1, "a": 1}, first=50)
    said = refused(tmp_path / "d", tmp_path, "test part only")
    assert "\n" not in said
    assert "\x1b" not in said


def test_link_out_of_the_folder_is_refused_and_one_inside_works(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 2, "b": 2})
    secret = draw(tmp_path / "secret.png", seed=50)
    (root / "a" / "out.png").symlink_to(secret)
    (root / "a" / "dangling.png").symlink_to(root / "gone.png")
    (root / "a" / "itself.png").symlink_to(root / "a" / "itself.png")
    (root / "b" / "in.png").symlink_to(root / "a" / "000.png")
    (root / "c").symlink_to(tmp_path)
    dataset = get(root, tmp_path)
    assert dict(dataset.refused) == {
        "a/out.png": "outside", "a/dangling.png": "vanished", "a/itself.png": "vanished", "c": "outside",
    }  # fmt: skip
    assert "b/in.png" in dataset.index.id
    assert len(dataset) == 5


def test_link_to_a_folder_above_is_an_error(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 2, "b": 2})
    (root / "a" / "loop").symlink_to(root)
    refused(root, tmp_path, "never end")


def test_links_that_lead_to_each_other_are_an_error(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 2, "b": 2})
    (root / "a" / "x").symlink_to(root / "b")
    (root / "b" / "y").symlink_to(root / "a")
    refused(root, tmp_path, "never end")


def test_pipe_named_as_picture_is_refused(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 2, "b": 2})
    os.mkfifo(root / "a" / "pipe.png")
    assert dict(get(root, tmp_path).refused) == {"a/pipe.png": "not_a_file"}


def test_empty_class_folder_is_dropped_and_named(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 2, "b": 2, "unsorted": 0})
    dataset = get(root, tmp_path)
    assert dataset.schema.classes == ("a", "b")
    assert [(note.code, note.ids) for note in dataset.notes] == [("GF-D006", ("unsorted",))]


def test_limit_keeps_the_shares_every_class_and_the_whole_test_part(tmp_path: Path) -> None:
    folders(tmp_path / "d" / "train", {"a": 20, "b": 10, "c": 1})
    folders(tmp_path / "d" / "test", {"a": 4, "b": 4}, first=500)
    dataset = get(tmp_path / "d", tmp_path, limit=16)
    assert describe(dataset).class_counts == {"train": {"a": 10, "b": 5, "c": 1}, "test": {"a": 4, "b": 4, "c": 0}}
    assert list(dataset.index.id) == list(get(tmp_path / "d", tmp_path, limit=16).index.id)


def test_facts_are_measured_on_the_training_side_alone(tmp_path: Path) -> None:
    for i in range(3):
        draw(tmp_path / "d" / "train" / "ab"[i % 2] / f"{i}.png", seed=i, height=20, width=30)
        draw(tmp_path / "d" / "test" / "ab"[i % 2] / f"{i}.png", seed=50 + i, height=200, width=300)
    facts = get(tmp_path / "d", tmp_path).schema.facts
    assert (facts["height"], facts["width"], facts["max_side"], facts["same_size"]) == (20, 30, 30, True)
    assert (facts["channels"], facts["n"]) == (3, 3)


def test_moved_and_renamed_root_gives_the_same_ids_order_and_fingerprint(tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 3, "b": 3})
    before = get(root, tmp_path)
    one, ids = before.fingerprint, list(before.index.id)
    root.rename(tmp_path / "other")
    after = get(tmp_path / "other", tmp_path)
    assert (after.fingerprint, list(after.index.id)) == (one, ids)


def test_digits_are_the_real_ones(tmp_path: Path) -> None:
    dataset = get("digits", tmp_path)
    assert describe(dataset).class_counts[""] == {
        str(k): n for k, n in enumerate((178, 182, 177, 183, 181, 182, 181, 179, 174, 180))
    }
    assert dataset[0].shape == (8, 8, 3)
    assert dataset[0].max() == 15 * 255 // 16
    assert dataset.schema.facts["channels"] == 1
    assert np.array_equal(dataset.take(np.array([7]))[0], dataset[7])


def test_folder_called_digits_wins_over_the_built_in_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders(tmp_path / "digits", {"zero": 2, "one": 2})
    monkeypatch.chdir(tmp_path)
    assert get("digits", tmp_path).schema.classes == ("one", "zero")
