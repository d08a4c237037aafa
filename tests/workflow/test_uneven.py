"""Uneven classes from the command line: what the plan says, what leads, what is weighed, and what is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from goodfit.core.recipe_yaml import load

from .tiny import COLOURS, FORM, Shell, picture


def uneven(root: Path, counts: tuple[int, ...]) -> Path:
    """Class folders of so many training pictures each, and 6 of each in test."""
    seed = 0
    for part, numbers in (("train", counts), ("test", (6,) * len(counts))):
        for (name, colour), count in zip(COLOURS.items(), numbers, strict=False):
            folder = root / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                picture(colour, seed).save(folder / f"{i:03d}.png")
                seed += 1
    return root


@pytest.fixture
def shell(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capfd, tmp_path / "runs")


def test_ten_to_one_is_rebalanced_and_led_by_balanced_accuracy(shell: Shell, tmp_path: Path) -> None:
    data = uneven(tmp_path / "d", (120, 40, 10))
    said = shell("train", data, "model.name=small_xs", "train.epochs=2", *FORM)
    assert said.answer["primary"] == "balanced_accuracy"
    run = next((said.study / "runs").iterdir())
    assert load((run / "plan.yaml").read_text("utf-8")).train.rebalance == "logit_adjustment"
    judged = shell("evaluate", said.study, data)
    assert judged.answer["primary"] == "balanced_accuracy"
    assert judged.answer["metrics"]["balanced_accuracy"]["value"] == judged.answer["metrics"]["accuracy"]["value"]


def test_an_even_set_is_left_alone_bit_for_bit(shell: Shell, tmp_path: Path) -> None:
    data = uneven(tmp_path / "d", (20, 20, 20))
    said = shell("train", data, "model.name=small_xs", "train.epochs=1", *FORM)
    plain = shell("train", data, "model.name=small_xs", "train.epochs=1", "train.rebalance=none", *FORM)
    assert said.answer["primary"] == "accuracy"
    assert all((said.weights[name] == plain.weights[name]).all() for name in said.weights)


@pytest.mark.parametrize("way", ["weights", "oversample", "interpolate", "undersample", "sampler", "posthoc"])
def test_each_way_trains_and_its_model_is_stored_and_read(shell: Shell, tmp_path: Path, way: str) -> None:
    data = uneven(tmp_path / "d", (40, 12, 6))
    said = shell("train", data, "model.name=small_xs", "train.epochs=1", f"train.rebalance={way}", *FORM)
    answer = json.loads(shell("predict", said.study, data / "test" / "red" / "000.png").out.splitlines()[0])
    assert answer["label"] in COLOURS


def test_a_way_that_a_kind_of_target_has_not_is_one_line(shell: Shell, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    rows = [f"{i % 7},{(i * 37 % 60) * 0.5}" for i in range(60)]
    table.write_text("a,price\n" + "\n".join(rows) + "\n")
    said = shell("train", table, "data.target=price", "train.rebalance=weights", code=1)
    assert "train.rebalance" in said.err
