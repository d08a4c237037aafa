"""What cannot be: one line that says what, where, got, allowed and what to do, and the right exit code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from .tiny import COLOURS, QUICK, Shell, class_folders, picture


@pytest.mark.parametrize(
    ("word", "code", "says"),
    [
        ("trian.lr=3", 1, "Did you mean 'train.lr'"),
        ("train.lr=fast", 1, "train.lr: .*got 'fast'"),
        ("train.lr=-1", 1, "greater than 0"),
        ("train.lr=nan", 1, "train.lr"),
        ("train.epochs=0", 1, "train.epochs"),
        ("train.batch_size=0.5", 1, "train.batch_size"),
        ("split.val=0.0", 1, "split.val"),
        ("split.test=1", 1, "split.test"),
        ("augment.flp=true", 1, "augment.flp.*Did you mean 'augment.flip'"),
        ("augment.rotate=fast", 1, "augment.rotate.*got 'fast'"),
        ("metric=acuracy", 1, "Did you mean 'accuracy'"),
        ("task=image_clasification", 1, "Did you mean 'image_classification'"),
        ("model.name=resnet1", 1, "model.name"),
        ("model.weights=absent.safetensors", 1, "absent.safetensors"),
        ("model.weights=hub:owner/name", 1, "revision"),
        ("engine.device=cuda:9", 1, "allowed: auto"),
        ("engine.precision=fp16", 1, "cpu cannot compute in fp16"),
        ("data.test=absent", 2, "data.test"),
        ("data.target=price", 2, "no columns"),
        ("data.group=patient", 2, "no columns"),
        ("data.format=exel", 1, "exel"),
    ],
)
def test_impossible_wish_is_one_line_and_its_exit_code(
    word: str, code: int, says: str, tmp_path: Path, goodfit: Shell
) -> None:
    data = class_folders(tmp_path / "data", {"": 12})
    said = goodfit("fit", data, *QUICK[2:], word, "--budget", "5m", code=code)
    *_, line = said.err.splitlines()
    assert line.startswith("goodfit: ")
    assert re.search(says, line), line


def test_budget_that_is_over_before_the_first_model_exits_3(tmp_path: Path, goodfit: Shell) -> None:
    said = goodfit("fit", class_folders(tmp_path / "data", {"": 8}), *QUICK, "--budget", "1s", code=3)
    assert "give a larger --budget" in said.err.splitlines()[-1]


@pytest.mark.parametrize("verb", ["diagnose", "improve", "report"])
def test_folder_without_a_study_exits_1(verb: str, tmp_path: Path, goodfit: Shell) -> None:
    assert "no study lies here" in goodfit(verb, tmp_path, code=1).err


def test_data_that_cannot_be_used_exit_2(tmp_path: Path, goodfit: Shell) -> None:
    (tmp_path / "empty").mkdir()
    goodfit("fit", tmp_path / "empty", code=2)
    goodfit("fit", class_folders(tmp_path / "one", {"": 9}, ("red",)), code=2)
    goodfit("fit", tmp_path / "absent", code=2)


def test_every_file_a_fake_exits_2_and_names_some(tmp_path: Path, goodfit: Shell) -> None:
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(4):
            (tmp_path / "data" / name / f"{i}.png").write_text("no picture")
    assert "0.png" in goodfit("fit", tmp_path / "data", code=2).err


def test_class_of_one_faulty_files_and_odd_modes_are_trained_around(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 24})
    (data / "lonely").mkdir()
    picture(COLOURS["red"], 7000).save(data / "lonely" / "0.png")
    (data / "red" / "text.png").write_text("no picture")
    (data / "red" / "empty.png").touch()
    (data / "green" / "cut.png").write_bytes((data / "green" / "000.png").read_bytes()[:100])
    Image.new("RGB", (12, 12), (1, 2, 3)).convert("CMYK").save(data / "blue" / "print.jpg")
    Image.new("P", (12, 12), 3).save(data / "blue" / "palette.gif")
    (data / "blue" / "Thumbs.db").write_bytes(b"x")
    said = goodfit("train", data, *QUICK)
    refused = [row["id"] for row in goodfit("audit", data).answer["quarantined"]]
    assert sorted(Path(name).name for name in refused) == ["cut.png", "empty.png", "text.png"]
    assert any(code.startswith("GF-D") for code in said.answer["findings"])
    assert said.answer["val"] is not None
