"""`goodfit scene`, and what `fit` makes of it: colours that are classes, answers that win, remedies that obey."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from goodfit.augment.scene import operations
from goodfit.core.recipe import build
from goodfit.diagnose import REMEDIES
from goodfit.stats.label_moves import Kept, Move
from goodfit.stats.paired import Effect
from goodfit.workflow import scene_tests
from goodfit.workflow.scene import guarded
from goodfit.workflow.scene_tests import Judgement, Scene, _judged, _verdict, advised_changes
from goodfit.workflow.scene_trials import Reaction, commonest, folds, rightness

from .tiny import QUICK, Shell, class_folders

TURN = next(o for o in operations(32) if o.name == "turn")


def kept(value: float, half: float = 0.02) -> Kept:
    return Kept(value=value, low=value - half, high=value + half, plain=0.9, seen=0.9 * value, n=400)


def effect(low: float, high: float) -> tuple[Effect, float, float]:
    return Effect(effect=(low + high) / 2, error=0.01, df=9.0, p=0.5, n=400, seeds=1), low, high


MOVE = Move(source=0, into=1, share=0.9, low=0.8, confidence=0.8, usual=0.8, n=50)


@pytest.mark.parametrize(
    ("found", "trained", "verdict", "why"),
    [
        (None, None, "unknown", "no_time"),
        (Reaction(kept=None, idle=True), None, "idle", "idle"),
        (Reaction(kept=None), None, "unknown", "cannot_tell"),
        (Reaction(kept=kept(0.97)), None, "allowed", "kept"),
        (Reaction(kept=kept(0.97)), effect(-0.01, 0.01), "allowed", "free"),
        (Reaction(kept=kept(0.97)), effect(0.01, 0.03), "advised", "gains"),
        (Reaction(kept=kept(0.97)), effect(-0.03, -0.01), "refused", "loses"),
        (Reaction(kept=kept(0.6)), None, "refused", "unfamiliar"),
        (Reaction(kept=kept(0.6)), effect(-0.01, 0.01), "refused", "no_gain"),
        (Reaction(kept=kept(0.6)), effect(0.01, 0.03), "advised", "gains"),
        (Reaction(kept=kept(0.8, half=0.1)), None, "unknown", "unsure"),
        (Reaction(kept=kept(0.97), moves=(MOVE,)), effect(0.01, 0.03), "refused", "moves"),
    ],
)
def test_moved_labels_outweigh_an_experiment_and_an_experiment_familiarity(
    found: Reaction | None, trained: Any, verdict: str, why: str
) -> None:
    assert _verdict(found, trained) == (verdict, why)


def test_a_mild_operation_that_is_merely_unfamiliar_is_left_to_remedies() -> None:
    assert _verdict(Reaction(kept=kept(0.6)), None, daring=False) == ("unknown", "unfamiliar")
    assert _verdict(Reaction(kept=kept(0.6)), effect(-0.03, -0.01), daring=False) == ("refused", "loses")
    daring = {o.name for o in operations(32) if o.is_daring}
    assert daring >= {"flip", "turn", "hue", "saturation", "light"}
    assert not daring & {"rotate", "shear", "erase", "scale", "colour"}


def test_wide_safe_operations_are_tried_first_then_the_least_unfamiliar_and_decided_ones_never() -> None:
    found = {
        "flip": Reaction(kept=kept(0.97)),
        "shear": Reaction(kept=kept(0.3)),
        "translate": Reaction(kept=kept(0.7)),
        "turn": Reaction(kept=kept(0.9)),
        "hue": Reaction(kept=kept(0.2), moves=(MOVE,)),
        "colour": Reaction(kept=None, idle=True),
        "crop_pad": Reaction(kept=kept(1.0)),
    }
    recipe = build({"augment": {"flip": False, "crop_pad": 2, "rotate": 0.0}})
    order = [operation.name for operation in scene_tests._worth_a_trial(operations(32), found, recipe)]
    assert order == ["turn", "flip", "translate", "shear"]


def test_a_move_is_told_with_the_names_of_its_classes() -> None:
    told = _judged(TURN, Reaction(kept=kept(0.4), moves=(MOVE,)), None, ("six", "nine"))
    assert told.numbers["pairs"] == "six → nine"
    assert (told.numbers["from"], told.numbers["into"], told.numbers["share"]) == ("six", "nine", 0.9)


def judgement(name: str, verdict: Any, why: str = "kept") -> Judgement:
    operation = next(o for o in operations(32) if o.name == name)
    return Judgement(name=name, verdict=verdict, why=why, changes=operation.changes)


def test_safe_mirrors_are_used_and_anything_else_only_where_it_gained() -> None:
    scene = Scene(judgements=(judgement("flip", "allowed"), judgement("turn", "advised"), judgement("hue", "allowed")))
    assert advised_changes(scene, {}) == {"flip": True, "rotate": 180.0}
    assert advised_changes(scene, {"rotate": 5.0}) == {"flip": True}


@pytest.mark.parametrize("verdict", ["refused", "unknown", "idle"])
def test_mirrors_that_are_not_known_to_be_safe_stay_off(verdict: str) -> None:
    scene = Scene(judgements=(judgement("flip", verdict),))
    assert advised_changes(scene, {}) == {"flip": False, "test_time": "none"}


def test_an_advised_tilt_never_weakens_an_advised_turn() -> None:
    scene = Scene(judgements=(judgement("rotate", "advised"), judgement("turn", "advised")))
    assert advised_changes(scene, {"flip": False, "test_time": "none"}) == {"rotate": 180.0}


def test_halves_of_a_pool_are_equal_and_the_same_again() -> None:
    first = folds(np.arange(101), seed=3)
    assert np.bincount(first).tolist() == [51, 50]
    np.testing.assert_array_equal(first, folds(np.arange(101), seed=3))


def test_rightness_of_several_labels_is_their_share_and_chance_the_commonest_of_each() -> None:
    target = np.array([[1, 0], [1, 1], [0, 0], [1, 0]])
    assert rightness(target, np.array([[1.0, 1.0], [1, 1], [-1, -1], [-1, 1]])).tolist() == [0.5, 1.0, 1.0, 0.0]
    assert commonest(target) == 0.75
    assert commonest(np.array([0, 0, 0, 1])) == 0.75


def session(refused: list[str], **scene: Any) -> Any:
    line = {"key": "improve.1.augment.scene", "numbers": {"refused_names": refused}}
    ledger = SimpleNamespace(events=lambda kind: [line] if refused else [])
    return SimpleNamespace(study=SimpleNamespace(ledger=ledger), asked=build({"scene": scene}))


def test_remedies_switch_nothing_on_that_the_scene_refused() -> None:
    recipe = build({"augment": {"flip": True, "crop_pad": 2, "scale": None, "erase": 0}, "model": {"size": 32}})
    more = REMEDIES["more_augmentation"]
    free = guarded(session([]), recipe, [more])[0].apply(recipe).augment
    held = guarded(session(["erase", "light", "colour"]), recipe, [more])[0].apply(recipe).augment
    assert (free["erase"], free["brightness"], free["crop_pad"]) == (8, 0.2, 4)
    assert (held["erase"], held["brightness"], held["crop_pad"]) == (0, 0.0, 4)


def test_a_remedy_of_which_nothing_is_left_is_dropped() -> None:
    off = {"crop_pad": 4, "scale": None, "erase": 8, "brightness": 0.0, "contrast": 0.0}
    recipe = build({"augment": off, "model": {"size": 32}})
    assert guarded(session(["light", "colour"]), recipe, [REMEDIES["more_augmentation"]]) == []


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    return class_folders(tmp_path / "colours", {"": 60})


@pytest.fixture
def no_experiments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the cheap tests: how many experiments a budget allows for depends on the machine."""
    monkeypatch.setattr(scene_tests, "_worth_a_trial", lambda *args: [])


@pytest.mark.usefixtures("no_experiments")
def test_colours_that_are_classes_may_be_mirrored_and_turned_but_not_recoloured(goodfit: Shell, colours: Path) -> None:
    said = goodfit("scene", colours, "--budget", "10m", *QUICK, "train.epochs=6").answer
    verdicts = {row["name"]: (row["verdict"], row["why"]) for row in said["operations"]}
    assert verdicts["hue"] == ("refused", "moves")
    assert verdicts["flip"][0] == "allowed"
    assert verdicts["turn"][0] in ("allowed", "advised")
    assert said["changes"]["flip"] is True
    page = Path(said["page"]).read_text("utf-8")
    assert 'id="hue"' in page
    assert page.count("<img") >= 30
    assert json.loads(Path(said["scene_file"]).read_text())["judgements"]


def test_fit_follows_the_answers_and_says_so_in_its_plan(goodfit: Shell, colours: Path) -> None:
    words = ("scene.mirrors=no", "scene.rotates=yes", "augment.hue=0.3", "scene.colour_matters=yes")
    answer = goodfit("plan", colours, *QUICK, *words).answer
    assert (answer["recipe"]["augment.flip"], answer["recipe"]["augment.rotate"]) == (False, 180.0)
    assert answer["recipe"]["augment.hue"] == 0.3
    reasons = {reason["key"]: reason["why"] for reason in answer["reasons"]}
    assert reasons["augment.flip"] == "augment.scene_refused"
    assert reasons["augment.rotate"] == "augment.scene_wanted"


def test_texts_have_no_scene(goodfit: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mood.csv"
    rows = [f"what a {w} day number {i},{m}" for i in range(20) for w, m in (("fine", "good"), ("grim", "bad"))]
    file.write_text("text,mood\n" + "\n".join(rows) + "\n")
    assert "pictures with classes" in goodfit("scene", file, code=1).err
    found = goodfit("audit", file, "scene.mirrors=no").answer["findings"]
    assert [f["numbers"]["keys"] for f in found if f["code"] == "GF-A002"] == ["scene.mirrors"]


@pytest.mark.usefixtures("no_experiments")
def test_first_model_of_fit_is_asked_and_the_ledger_remembers(goodfit: Shell, colours: Path) -> None:
    study = goodfit("fit", colours, *QUICK, "train.epochs=4", "--budget", "20m").study
    lines = [json.loads(line) for line in (study / "ledger.jsonl").read_text().splitlines()]
    decision = next(line for line in lines if line.get("key") == "augment.scene")
    assert "hue" in decision["numbers"]["refused_names"]
    assert decision["value"]["flip"] is True
    assert (study / "scene.html").exists()
