"""Study folders: which command meets which folder, what is kept, and names that cannot leave the place."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodfit.core.errors import RunLocked, UsageError
from goodfit.core.experiment import Arm, Experiment
from goodfit.core.finding import Finding
from goodfit.core.recipe import Recipe
from goodfit.core.run import Run
from goodfit.workflow.story import open_story
from goodfit.workflow.study import (
    Study,
    find_study,
    merge,
    open_study,
    safe_name,
    same_split,
    sibling_with_other_data,
    study_id,
)

from .stage import data

ASKED = Recipe().with_("data.path", "pictures/flowers")


def opened(runs: Path, fingerprint: str = "a", new: bool = False, asked: Recipe = ASKED) -> tuple[Study, bool]:
    study, known = open_study(runs, "fit", asked, fingerprint, 60.0, new)
    study.write("study.json", {"asked": asked.model_dump(mode="json")})
    study.release()
    return study, known


def experiment(finding: str, kept: str) -> Experiment:
    figures: dict[str, Any] = {"effect": 0.0, "low": 0.0, "high": 0.0, "p": 1.0, "verdict": "cannot tell"}
    base = Arm(name="base", changes={}, runs=("r",), values=(0.5,), seconds=1.0, **figures)
    rest: dict[str, Any] = {"metric": "accuracy", "n": 9, "seeds": (0,), "arms": (), "equivalence": 0.01}
    return Experiment(question="remedy", finding=finding, base=base, kept=kept, **rest)


def test_same_command_finds_its_study_again_and_new_makes_another(tmp_path: Path) -> None:
    first, known = opened(tmp_path)
    again, known_again = opened(tmp_path)
    other, known_other = opened(tmp_path, new=True)
    latest, _ = opened(tmp_path)
    assert (known, known_again, known_other) == (False, True, False)
    assert first.folder == again.folder
    assert first.folder.name.startswith("flowers-fit-")
    assert other.folder.name == f"{first.folder.name}-2"
    assert latest.folder == other.folder


@pytest.mark.parametrize("new", [Recipe().with_("seed", 1), Recipe().with_("train.lr", 0.1)])
def test_other_recipe_budget_verb_or_data_is_another_study(new: Recipe) -> None:
    plain = study_id("fit", Recipe(), "a", 60.0)
    others = {
        study_id("train", Recipe(), "a", 60.0),
        study_id("fit", new, "a", 60.0),
        study_id("fit", Recipe(), "b", 60.0),
        study_id("fit", Recipe(), "a", 61.0),
    }
    assert plain not in others
    assert len(others) == 4


def test_moved_folder_is_the_same_study() -> None:
    here, there = (Recipe().with_("data.path", path) for path in ("a/x", "b/x"))
    assert study_id("fit", here, "a", 60.0) == study_id("fit", there, "a", 60.0)


def test_changed_data_are_noticed_by_the_study_that_came_before(tmp_path: Path) -> None:
    before, _ = opened(tmp_path, "old")
    after, _ = opened(tmp_path, "new")
    assert sibling_with_other_data(after, ASKED) == before.folder.name
    assert sibling_with_other_data(after, ASKED.with_("seed", 5)) is None


def test_resume_on_another_split_is_refused_since_held_out_samples_may_be_in_train(tmp_path: Path) -> None:
    study = Study(tmp_path / "s")
    began, now = data(), data(train=900, select=200)
    study.write("study.json", {"split_digest": began.split.digest()})
    open_story(study, "fit", ASKED, began)
    assert study.ledger.events("session")[-1]["resumed"]
    with pytest.raises(UsageError, match="split otherwise.*--new"):
        open_story(study, "fit", ASKED, now)


def test_study_that_kept_no_split_goes_on(tmp_path: Path) -> None:
    same_split(Study(tmp_path / "s"), "any")


def test_second_opening_of_a_study_at_work_is_refused(tmp_path: Path) -> None:
    study, _ = open_study(tmp_path, "fit", ASKED, "a", None, False)
    with pytest.raises(RunLocked):
        open_study(tmp_path, "fit", ASKED, "a", None, False)
    study.release()
    open_study(tmp_path, "fit", ASKED, "a", None, False)[0].release()


def test_finding_is_kept_once_for_a_code_and_a_run(tmp_path: Path) -> None:
    study = Study(tmp_path / "s")
    one = Finding(code="GF-F001", severity="warning", run_id="r1")
    assert study.add_findings([one]) == [one]
    two = Finding(code="GF-F001", severity="warning", run_id="r2")
    assert study.add_findings([one, two]) == [two]
    assert [f.run_id for f in Study(tmp_path / "s").findings] == ["r1", "r2"]


def test_experiment_on_the_same_question_replaces_the_older_one(tmp_path: Path) -> None:
    study = Study(tmp_path / "s")
    for finding, kept in (("GF-F001", "base"), ("GF-F001", "dropout"), ("GF-F002", "base")):
        study.add_experiment(experiment(finding, kept))
    assert [(e.finding, e.kept) for e in study.experiments] == [("GF-F001", "dropout"), ("GF-F002", "base")]


def test_runs_are_listed_oldest_first_and_named_after_rung_and_recipe(tmp_path: Path) -> None:
    study = Study(tmp_path / "s")
    folders = [study.run_folder("timm/vit", Recipe().with_("seed", seed), "a") for seed in (0, 1)]
    assert folders[0] != folders[1]
    assert all(folder.name.startswith("timm_vit-") for folder in folders)
    for seed, folder in enumerate(folders):
        Run(folder, Recipe(), Recipe().with_("seed", seed))
        os.utime(folder / "plan.yaml", (seed, 100 - seed))
    assert [run.recipe.seed for run in study.runs()] == [1, 0]


def test_study_is_found_from_inside_and_its_absence_says_what_to_name(tmp_path: Path) -> None:
    study, _ = opened(tmp_path)
    inside = study.folder / "runs" / "x" / "model"
    inside.mkdir(parents=True)
    assert find_study(inside).folder == study.folder
    with pytest.raises(UsageError, match="study.json"):
        find_study(tmp_path)


def test_notebook_shows_the_score_and_escapes_what_came_from_data(tmp_path: Path) -> None:
    study = Study(tmp_path / "s")
    study.write("result.json", {"task": "<img src=x onerror=alert(1)>", "test": {"value": 0.9}, "ladder": [1]})
    shown = study._repr_html_()
    assert "<img" not in shown
    assert "0.9" in shown
    assert "ladder" not in shown


def test_merge_keeps_what_was_there(tmp_path: Path) -> None:
    merge(tmp_path / "a.json", {"x": 1, "y": 1})
    merge(tmp_path / "a.json", {"y": 2})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1, "y": 2}


@given(st.text(max_size=80))
def test_name_from_any_text_is_a_plain_visible_folder_inside_its_parent(text: str) -> None:
    name = safe_name(text)
    assert 1 <= len(name) <= 40
    assert not name.startswith((".", "-", "_"))
    assert (Path("/runs") / name).resolve().parent == Path("/runs")
    assert all(c.isascii() and (c.isalnum() or c in "._-") for c in name)
