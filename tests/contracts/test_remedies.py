"""What every listed remedy keeps to: Recipe -> Recipe, pure, sourced, treating findings that exist."""

from __future__ import annotations

import re

import pytest

from goodfit.core.messages import has
from goodfit.core.recipe import Recipe, build
from goodfit.core.recipe_yaml import dump, load
from goodfit.diagnose import REMEDIES

RESOLVED = build(
    {
        "task": "image_classification",
        "metric": "accuracy",
        "model": {"name": "small_s", "size": 32},
        "augment": {"flip": True, "crop_pad": 2},
        "train": {
            "epochs": 10,
            "batch_size": 64,
            "optimizer": "adamw",
            "lr": 1e-3,
            "momentum": 0.9,
            "weight_decay": 0.01,
            "loss": "ce",
            "label_smoothing": 0.0,
            "schedule": "cosine",
            "warmup": 0.1,
            "patience": 10,
            "refit": False,
            "range_test": False,
        },
    }
)


def test_at_least_three_remedies_are_listed() -> None:
    assert len(REMEDIES) >= 3


@pytest.mark.parametrize("name", REMEDIES)
def test_remedy_bears_its_name_its_source_its_words_and_a_cost(name: str) -> None:
    remedy = REMEDIES[name]
    assert remedy.name == name
    assert re.search(r"\d{4}", remedy.source), "a source has a year"
    assert remedy.cost > 0
    assert has(f"remedy.{name}")


@pytest.mark.parametrize("name", REMEDIES)
def test_remedy_treats_findings_that_have_words(name: str) -> None:
    assert REMEDIES[name].treats
    assert [code for code in REMEDIES[name].treats if not has(f"finding.{code}.title")] == []


@pytest.mark.parametrize("name", REMEDIES)
def test_remedy_is_pure_and_gives_a_recipe_that_survives_yaml(name: str) -> None:
    before = dump(RESOLVED)
    treated = REMEDIES[name].apply(RESOLVED)
    assert isinstance(treated, Recipe)
    assert treated == REMEDIES[name].apply(RESOLVED)
    assert dump(RESOLVED) == before
    assert load(dump(treated)) == treated


@pytest.mark.parametrize("name", REMEDIES)
def test_remedy_leaves_data_split_task_metric_and_seed_alone(name: str) -> None:
    changed = RESOLVED.diff(REMEDIES[name].apply(RESOLVED))
    assert not [
        key for key in changed if key.split(".")[0] in ("data", "split", "task", "metric", "seed", "version", "track")
    ]
