"""What a stranger checks: sealed test labels, chance on noise, names that do not matter, one opening of test."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from .tiny import QUICK, Shell, class_folders, same


def events(study: Path, name: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (study / "ledger.jsonl").read_text("utf-8").splitlines()]
    return [line for line in lines if line["event"] == name]


def shuffle_labels(part: Path, seed: int) -> None:
    """Deal the files of a part out to its classes at random; each class keeps its number of files."""
    files = sorted(part.glob("*/*"))
    places = [f.parent for f in files]
    random.Random(seed).shuffle(places)
    kept = [(f.read_bytes(), place) for f, place in zip(files, places, strict=True)]
    for file in files:
        file.unlink()
    for i, (content, place) in enumerate(kept):
        (place / f"{i:04d}.png").write_bytes(content)


def test_fit_learns_opens_test_once_and_evaluate_repeats_its_figure(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"train": 30, "test": 10})
    first = goodfit("fit", data, *QUICK, "--budget", "5m")
    assert first.answer["test"]["value"] > 0.9
    assert first.answer["family"] == "resnet"
    assert [line["samples"] for line in events(first.study, "test_opened")] == [30]
    again = goodfit("fit", data, *QUICK, "--budget", "5m")
    assert again.answer == first.answer
    assert len(events(first.study, "test_opened")) == 1
    scored = goodfit("evaluate", first.answer["model"], data).answer
    assert scored["test"]["value"] == first.answer["test"]["value"]
    assert (scored["part"], scored["test"]["n"]) == ("test", 30)


def test_permuted_test_labels_leave_the_final_weights_identical(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"train": 20, "test": 10})
    plain = goodfit("fit", data, *QUICK, "--budget", "5m")
    shuffle_labels(data / "test", 1)
    permuted = goodfit("fit", data, *QUICK, "--budget", "5m")
    assert permuted.study != plain.study
    assert same(plain.weights, permuted.weights)
    assert permuted.answer["val"] == plain.answer["val"]
    assert permuted.answer["test"]["value"] < plain.answer["test"]["value"]


def test_shuffled_train_labels_give_chance_a_finding_and_exit_0(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"train": 80, "test": 40})
    shuffle_labels(data / "train", 1)
    noise = goodfit("fit", data, *QUICK, "--budget", "5m")
    assert "GF-F007" in noise.answer["findings"]
    assert noise.answer["val"] is not None
    assert noise.answer["test"]["value"] < 0.6  # chance is 0.33 of 120


def test_name_of_the_folder_changes_no_bit(tmp_path: Path, goodfit: Shell) -> None:
    plain = goodfit("train", class_folders(tmp_path / "a", {"train": 12, "test": 6}), *QUICK)
    shutil.move(tmp_path / "a", tmp_path / "another name")
    moved = goodfit("train", tmp_path / "another name", *QUICK)
    assert same(plain.weights, moved.weights)


def test_names_of_classes_and_files_change_nothing_beyond_noise(tmp_path: Path, goodfit: Shell) -> None:
    plain = goodfit("fit", class_folders(tmp_path / "a", {"train": 30, "test": 20}), *QUICK, "--budget", "5m")
    data = class_folders(tmp_path / "b", {"train": 30, "test": 20}, ("zulu", "alpha", "mike"))
    for i, file in enumerate(sorted(data.glob("*/*/*.png"))):
        file.rename(file.with_name(f"photo {(i * 7919) % 1009}.png"))
    renamed = goodfit("fit", data, *QUICK, "--budget", "5m")
    assert abs(renamed.answer["test"]["value"] - plain.answer["test"]["value"]) < 0.1


def test_train_leaves_test_sealed(tmp_path: Path, goodfit: Shell) -> None:
    said = goodfit("train", class_folders(tmp_path / "data", {"train": 12, "test": 6}), *QUICK)
    assert said.answer["test"] is None
    assert events(said.study, "test_opened") == []
    assert not list(said.study.glob("runs/*/predictions/test.npz"))


@pytest.mark.parametrize("order", [("red", "green", "blue"), ("blue", "red")])
def test_evaluate_finds_classes_by_name_in_any_order(order: tuple[str, ...], tmp_path: Path, goodfit: Shell) -> None:
    model = goodfit("fit", class_folders(tmp_path / "data", {"train": 30, "test": 10}), *QUICK, "--budget", "5m").answer
    table = tmp_path / "table.csv"
    rows = [
        f"{tmp_path / 'data' / 'test' / name / f'{i:03d}.png'},{name}" for i in reversed(range(10)) for name in order
    ]
    table.write_text("\n".join(["path,label", *rows]) + "\n")
    scored = goodfit("evaluate", model["model"], table).answer
    assert (scored["part"], scored["test"]["n"]) == ("all", 10 * len(order))
    assert scored["test"]["value"] > 0.9
