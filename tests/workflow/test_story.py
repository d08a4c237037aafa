"""What a study keeps for its readers: how to ask for it again, and what its metrics are."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

import goodfit
from goodfit.cli.flags import parse
from goodfit.core.asking import asked_recipe, split_words
from goodfit.core.recipe import Recipe
from goodfit.tasks import TASKS
from goodfit.workflow.story import command, result_json

from .stage import session

SETTINGS: dict[str, Any] = {
    "data.path": "my pictures/a",
    "data.target": "2020",
    "data.limit": 500,
    "metric": "f1_macro",
    "seed": 7,
    "split.val": 0.25,
    "train.lr": 1e-5,
    "train.nesterov": False,
    "train.sizes": ((0.0, 24), (0.5, 32)),
    "augment.flip": "none",
    "augment.scale": [0.35, 1.0],
}


def asked() -> Recipe:
    recipe = Recipe()
    for key, value in SETTINGS.items():
        recipe = recipe.with_(key, value)
    return recipe


@pytest.mark.parametrize("program", ["/usr/lib/ipykernel_launcher.py", "train_all.py", "-c", "/opt/mytool/__main__.py"])
def test_command_of_a_study_made_in_python_asks_for_the_same(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [program, "fit", "-f", "kernel.json"])
    name, verb, *words = shlex.split(shlex.join(command("fit", asked(), 1200.0)))
    rest, flags = parse(verb, words)
    data, pairs = split_words(rest)
    assert (name, verb, flags["budget"]) == ("goodfit", "fit", 1200.0)
    assert asked_recipe(data, pairs, seed=flags["seed"]) == asked()


@pytest.mark.parametrize("program", ["/env/bin/goodfit", str(Path(goodfit.__file__).parent / "__main__.py")])
def test_command_that_was_typed_is_kept_as_it_was(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["fit", "my pictures", "--recipe", "a.yaml", "--json"]
    monkeypatch.setattr(sys, "argv", [program, *typed])
    assert command("fit", asked(), 1200.0) == ["goodfit", *typed]


def test_command_without_a_budget_names_none() -> None:
    assert "--budget" not in command("train", asked(), None)


def test_result_says_of_its_leading_metric_whether_it_is_a_share_and_which_way_is_better(tmp_path: Path) -> None:
    task = TASKS["image_regression"]
    here = session(tmp_path / "study")
    tree = result_json(
        here.study, task=task, family="resnet", metric=task.metrics["mae"], val=None, test=None, extras={}
    )
    assert (tree["primary"], tree["is_share"], tree["higher_is_better"]) == ("mae", False, False)
    json.dumps(tree)
