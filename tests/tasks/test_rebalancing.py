"""The rule by which uneven classes are rebalanced, for every kind of task that has classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from goodfit.core.errors import RecipeError
from goodfit.core.recipe import Recipe, build
from goodfit.core.samples import Schema
from goodfit.tasks.planned import Planned
from goodfit.tasks.rebalancing import NETS, WHOLE, leading, settle_rebalance

SCHEMA = Schema(
    task="image_classification",
    format="class_folders",
    target_kind="class",
    classes=("a", "b"),
    facts={"class_counts": [500, 20]},
)


def settled(counts: tuple[int, int], ways: tuple[str, ...] = NETS, **keys: Any) -> Recipe:
    plan = Planned(build(keys))
    settle_rebalance(plan, replace(SCHEMA, facts={"class_counts": list(counts)}), ways)
    assert [reason.key for reason in plan.reasons] in ([], ["train.rebalance"])
    return plan.recipe


def test_a_class_with_a_tenth_of_the_largest_is_rebalanced_and_one_with_more_is_not() -> None:
    assert settled((100, 10)).train.rebalance == "logit_adjustment"
    assert settled((100, 11)).train.rebalance == "none"


def test_learners_that_see_all_at_once_are_adjusted_after_training() -> None:
    assert settled((100, 10), WHOLE).train.rebalance == "posthoc"


def test_who_asks_for_accuracy_gets_no_rebalancing_and_who_asks_for_macro_f1_does() -> None:
    assert settled((100, 10), metric="accuracy").train.rebalance == "none"
    assert settled((100, 10), metric="f1_macro").train.rebalance == "logit_adjustment"


def test_what_a_person_chose_stays_and_what_the_model_cannot_is_an_error_that_lists_the_ways() -> None:
    assert settled((100, 10), train={"rebalance": "oversample"}).train.rebalance == "oversample"
    with pytest.raises(RecipeError, match=r"oversample.*none, weights, effective, posthoc"):
        settled((100, 10), WHOLE, train={"rebalance": "oversample"})


def test_balanced_accuracy_leads_from_ten_to_one_on() -> None:
    assert leading("accuracy", Recipe(), SCHEMA) == "balanced_accuracy"
    assert leading("accuracy", Recipe(), replace(SCHEMA, facts={"class_counts": [100, 11]})) == "accuracy"
    assert leading("accuracy", Recipe(), replace(SCHEMA, facts={})) == "accuracy"
