"""Scenes: operations cover the catalogue, answers decide on them, refusals put ceilings on keys."""

from __future__ import annotations

import pytest

from goodfit.augment.options import ENTRIES, ImageAugment
from goodfit.augment.scene import (
    MIXED,
    QUESTIONS,
    answers,
    capped,
    ceilings,
    contradictions,
    everything_off,
    held,
    operations,
    settled_by,
    strongest,
)
from goodfit.augment.scene_views import VIEWS
from goodfit.core.messages import has
from goodfit.core.recipe import SceneSection

NAMES = [operation.name for operation in operations(32)]


def test_every_entry_that_moves_or_colours_pixels_is_an_operation_once() -> None:
    assert [entry.name for entry in ENTRIES if entry.name not in MIXED and NAMES.count(entry.name) != 1] == []
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("operation", operations(64), ids=lambda operation: operation.name)
def test_operation_is_possible_and_can_be_switched_off(operation: object) -> None:
    ImageAugment(**operation.changes)  # type: ignore[attr-defined]
    assert set(operation.off) == set(operation.changes)  # type: ignore[attr-defined]
    assert set(operation.views) <= set(VIEWS)  # type: ignore[attr-defined]


def test_pixels_of_an_operation_grow_with_the_side() -> None:
    assert {o.name: o.changes for o in operations(64)}["crop_pad"] == {"crop_pad": 4}
    assert {o.name: o.changes for o in operations(8)}["crop_pad"] == {"crop_pad": 1}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.key)
def test_question_is_a_key_with_words_and_names_operations_that_exist(question: object) -> None:
    assert question.key in SceneSection.model_fields  # type: ignore[attr-defined]
    assert has(f"scene.ask.{question.key}")  # type: ignore[attr-defined]
    assert {*question.yes, *question.no} <= set(NAMES)  # type: ignore[attr-defined]


def test_every_key_of_the_scene_is_a_question() -> None:
    assert [question.key for question in QUESTIONS] == list(SceneSection.model_fields)


def test_nothing_is_said_where_nothing_was_answered() -> None:
    assert answers(SceneSection()) == {}
    assert list(settled_by(SceneSection(), {}, 32)) == []


def test_a_refusal_outweighs_a_wish() -> None:
    assert answers(SceneSection(rotates=True, upside_down=False))["turn"] == ("refused", "upside_down")
    assert answers(SceneSection(rotates=True))["turn"] == ("wanted", "rotates")


def test_a_refused_wide_turn_leaves_the_mild_tilt_and_a_refused_tilt_leaves_nothing() -> None:
    assert ceilings(["turn"], 32) == {"rotate": 10.0}
    assert ceilings(["turn", "rotate"], 32) == {"rotate": 0.0}
    assert ceilings(["flip"], 32) == {"flip": False}
    assert ceilings(["scale"], 32) == {"scale": None}
    assert ceilings([], 32) == {}


def test_refused_colour_leaves_the_light_that_nobody_refused() -> None:
    caps = ceilings(["hue", "saturation", "colour"], 32)
    assert (caps["hue"], caps["saturation"]) == (0.0, 0.0)
    assert capped({"brightness": 0.2, "hue": 0.1}, caps) == {"brightness": 0.0, "hue": 0.0}
    assert ceilings(["hue"], 32) == {"hue": 0.02}


def test_a_remedy_may_not_raise_a_key_above_its_ceiling_but_what_was_asked_for_stays() -> None:
    caps = {"rotate": 10.0, "flip": False}
    assert held({"rotate": 0.0, "flip": False}, {"rotate": 30.0, "flip": True}, caps) == {"rotate": 10.0, "flip": False}
    assert held({"rotate": 45.0}, {"rotate": 45.0}, caps) == {"rotate": 45.0}
    assert held({"rotate": 0.0}, {"rotate": 5.0}, caps) == {}


def test_a_smaller_least_area_is_the_stronger_crop() -> None:
    assert capped({"scale": (0.2, 1.0)}, {"scale": (0.35, 1.0)}) == {"scale": (0.35, 1.0)}
    assert capped({"scale": (0.5, 1.0)}, {"scale": (0.35, 1.0)}) == {}


def test_answers_set_the_keys_that_nobody_set_with_the_question_as_reason() -> None:
    scene = SceneSection(rotates=True, mirrors=False, outdoor=True)
    reasons = {reason.key: reason for reason in settled_by(scene, {"brightness": 0.1}, 32)}
    assert reasons["augment.rotate"].value == 180.0
    assert reasons["augment.flip"].value is False
    assert reasons["augment.contrast"].value == 0.3
    assert "augment.brightness" not in reasons
    assert reasons["augment.flip"].numbers == {"question": "scene.mirrors"}
    assert [r.key for r in reasons.values() if not has(f"plan.{r.why}")] == []


def test_a_wanted_tilt_stands_beside_a_refused_turn() -> None:
    reasons = {r.key: r.value for r in settled_by(SceneSection(tilts=True, rotates=False), {}, 32)}
    assert reasons["augment.rotate"] == 10.0


def test_a_key_that_speaks_against_an_answer_is_a_finding() -> None:
    found = contradictions(SceneSection(colour_matters=True, mirrors=True), {"hue": 0.1, "flip": False})
    said = {(f.code, f.numbers["key"], f.numbers["question"], f.numbers["answer"]) for f in found}
    assert said == {
        ("GF-A001", "augment.hue", "scene.colour_matters", "yes"),
        ("GF-A001", "augment.flip", "scene.mirrors", "yes"),
    }
    assert contradictions(SceneSection(mirrors=True), {"flip": True, "hue": 0.1}) == []


def test_the_strongest_key_is_told_in_times_of_its_mild_strength_and_what_is_off_has_none() -> None:
    assert strongest({"rotate": 40.0, "erase": 8, "flip": True}, 32) == ("rotate", 4.0)
    assert strongest({"policy": "none", "policy_strength": 1.0, "rotate": 0.0}, 32) == ("", 0.0)
    assert strongest({"policy": "trivial", "policy_strength": 1.0}, 32) == ("policy_strength", 2.0)


def test_a_refused_policy_may_not_be_switched_on() -> None:
    assert capped({"policy": "trivial", "policy_strength": 0.5}, ceilings(["policy"], 32)) == {"policy": "none"}


def test_everything_off_is_what_the_catalogue_says() -> None:
    off = everything_off()
    assert (off["flip"], off["rotate"], off["scale"], off["erase"]) == (False, 0.0, None, 0)
