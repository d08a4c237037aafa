"""What a person asks for becomes a recipe: file, then flags, then pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodfit.core.asking import asked_recipe, split_words
from goodfit.core.errors import UsageError


def test_later_words_win_file_then_flags_then_pairs(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("seed: 1\ndata: {path: old}\nengine: {device: cuda}\ntrain: {lr: 0.5}\n")
    asked = asked_recipe("new", ["train.lr=0.1", "seed=9"], recipe=file, device="cpu", seed=3)
    assert (asked.data.path, asked.engine.device, asked.seed, asked.train.lr) == ("new", "cpu", 9, 0.1)


def test_recipe_file_may_name_the_data(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("data: {path: flowers}\n")
    assert asked_recipe(None, recipe=file).data.path == "flowers"


def test_no_data_is_an_error_that_says_how_to_name_them() -> None:
    with pytest.raises(UsageError, match="no data named.*goodfit fit DATA"):
        asked_recipe(None)


def test_first_word_is_data_unless_it_is_a_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert split_words(["digits", "train.lr=1"]) == ("digits", ["train.lr=1"])
    assert split_words(["train.lr=1", "seed=2"]) == (None, ["train.lr=1", "seed=2"])
    assert split_words([]) == (None, [])
    assert split_words(["=cmd()"]) == ("=cmd()", [])


def test_folder_whose_name_looks_like_a_pair_is_still_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a=b").mkdir()
    assert split_words(["a=b"]) == ("a=b", [])
