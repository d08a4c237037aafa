"""What texts plan by themselves, and their ladder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from goodfit.core.errors import RecipeError
from goodfit.core.recipe import Recipe
from goodfit.core.samples import Schema
from goodfit.core.task import Reason
from goodfit.tasks.text_plan import ladder, settle_texts

FACTS = {"words_mean": 230.0, "words_p95": 590.0, "words_max": 2400, "n": 20_000}
SCHEMA = Schema(task="text_classification", format="x", target_kind="class", classes=("bad", "good"), facts=FACTS)
COUNTS = {"train": 20_000, "select": 2_500, "confirm": 2_500, "test": 25_000}


def settled(facts: dict[str, Any] | None = None, **changes: Any) -> tuple[Recipe, dict[str, Reason]]:
    recipe = Recipe(task="text_classification")
    for key, value in changes.items():
        recipe = recipe.with_(key.replace("__", "."), value)
    schema = SCHEMA if facts is None else replace(SCHEMA, facts={**FACTS, **facts})
    found, reasons = settle_texts(recipe, schema, COUNTS)
    return found, {reason.key: reason for reason in reasons}


@pytest.mark.parametrize("name", ["linear", "textcnn", "gru", "lstm", "text_transformer"])
def test_nothing_of_what_learning_reads_stays_auto(name: str) -> None:
    recipe, reasons = settled(model__name=name)
    left = [key for key, value in recipe.train.model_dump().items() if value == "auto"]
    assert left == []
    assert [key for key, value in recipe.model.model_dump().items() if value == "auto"] == []
    assert all(reason.why for reason in reasons.values())


def test_pairs_of_words_suffice_for_short_texts() -> None:
    assert settled({"words_mean": 12.0})[0].model.depth == 2
    assert settled()[0].model.depth == 3


def test_chance_is_off_for_the_linear_model_with_a_reason_and_stays_for_nets() -> None:
    recipe, reasons = settled(model__name="linear", augment__drop=0.1)
    assert recipe.augment == {"drop": 0.0}
    assert reasons["augment.drop"].why == "text.no_chance"
    assert settled(model__name="textcnn", augment__drop=0.1)[0].augment == {"drop": 0.1}


def test_longer_n_grams_than_a_key_holds_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"model\.depth.*got 4; allowed: 1, 2 or 3"):
        settled(model__name="linear", model__depth=4)


@pytest.mark.parametrize(("name", "share"), [("textcnn", 0.5), ("gru", 0.3), ("text_transformer", 0.2)])
def test_dropout_is_the_familys_unless_another_is_asked_for_even_none(name: str, share: float) -> None:
    assert settled(model__name=name)[0].model.dropout == share
    assert settled(model__name=name, model__dropout=0.0)[0].model.dropout == 0.0
    assert settled(model__name=name, model__dropout=0.7)[0].model.dropout == 0.7


def test_length_is_that_of_nearly_all_texts_in_steps_of_eight_and_bounded() -> None:
    assert settled(model__name="textcnn")[0].model.size == 512
    assert settled({"words_p95": 33.0}, model__name="textcnn")[0].model.size == 40


def test_more_positions_than_the_transformer_has_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"model\.size"):
        settled(model__name="text_transformer", model__size=100_000)


def test_few_texts_take_more_passes_and_many_fewer() -> None:
    recipe, _ = settle_texts(
        Recipe(task="text_classification").with_("model.name", "textcnn"), SCHEMA, {**COUNTS, "train": 800}
    )
    assert recipe.train.epochs == 20
    assert settled(model__name="textcnn")[0].train.epochs == 6


def test_ladder_starts_at_the_linear_floor_and_every_net_is_a_family_of_its_own() -> None:
    rungs = ladder(Recipe(task="text_classification"), SCHEMA, COUNTS)
    assert [rung.name for rung in rungs] == ["linear", "textcnn", "gru", "text_transformer"]
    assert len({rung.family for rung in rungs}) == len(rungs)
    (named,) = ladder(Recipe(task="text_classification").with_("model.name", "gru"), SCHEMA, COUNTS)
    assert named.name == "gru"
