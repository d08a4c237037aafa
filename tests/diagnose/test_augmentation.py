"""Over-augmentation: where the alarm sounds, where it must not, and the remedies that weaken by steps."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from goodfit.core.finding import Finding
from goodfit.core.recipe import Recipe, build
from goodfit.diagnose import Evidence, diagnose, remedies_for
from goodfit.diagnose.augmentation import look, look_overdone
from goodfit.diagnose.remedies.augment import soften, weaken


def seen(kit: SimpleNamespace, train: float, augmented: float, val: float, n: int = 400) -> Evidence:
    target = np.arange(n) % 10
    hard = kit.predictions(target, kit.logits(target, 10, augmented, seed=3), "augmented")
    found: Evidence = kit.evidence(train=train, val=val, n=n, augmented=hard)
    return found


def test_worse_on_its_own_training_pictures_than_on_val_is_over_augmentation(kit: SimpleNamespace) -> None:
    finding = look(seen(kit, train=0.88, augmented=0.5, val=0.84))
    assert finding is not None
    assert finding.numbers["gap"] == pytest.approx(0.38, abs=0.06)


@pytest.mark.parametrize(
    ("train", "augmented", "val"),
    [(1.0, 1.0, 0.99), (1.0, 0.97, 0.99), (0.99, 0.9, 0.8), (0.8, 0.77, 0.79), (1.0, 0.85, 0.88)],
)
def test_healthy_hard_and_plainly_underfitted_runs_stay_silent(
    kit: SimpleNamespace, train: float, augmented: float, val: float
) -> None:
    assert look(seen(kit, train, augmented, val)) is None


def test_nothing_is_said_where_nothing_was_drawn(kit: SimpleNamespace) -> None:
    assert look(kit.evidence(train=0.88, val=0.84)) is None


def test_over_augmentation_explains_underfitting_and_is_treated_by_weaker_augmentation(kit: SimpleNamespace) -> None:
    findings: list[Finding] = diagnose(seen(kit, train=0.7, augmented=0.4, val=0.68))
    assert [f.code for f in findings] == ["GF-F009"]
    strong = {"flip": True, "crop_pad": 8, "rotate": 40.0, "erase": 16}
    recipe = build({"augment": strong, "model": {"size": 32}, "train": {"loss": "ce"}})
    assert [r.name for r in remedies_for(findings, recipe)][:3] == [
        "half_augmentation",
        "quarter_augmentation",
        "less_augmentation",
    ]


def overdone(kit: SimpleNamespace, train: float, **augment: object) -> Finding | None:
    strong = build({"augment": augment, "model": {"size": 32}})
    return look_overdone(kit.evidence(train=train, val=train, recipe=strong))


def test_little_learnt_under_a_turn_of_eight_times_the_usual_is_put_down_to_it(kit: SimpleNamespace) -> None:
    finding = overdone(kit, 0.16, rotate=80.0, erase=8)
    assert finding is not None
    assert (finding.numbers["key"], finding.numbers["times"]) == ("augment.rotate", 8.0)


def test_strong_augmentation_that_is_learnt_and_usual_one_that_is_not_stay_silent(kit: SimpleNamespace) -> None:
    assert overdone(kit, 0.8, rotate=180.0) is None
    assert overdone(kit, 0.16, rotate=20.0, erase=12, flip=True, scale=[0.35, 1.0]) is None


def recipe(**augment: object) -> Recipe:
    return build({"augment": {"flip": True, "crop_pad": 4, "scale": None, **augment}})


def test_half_the_strength_halves_every_figure_and_leaves_switches() -> None:
    before = recipe(rotate=40.0, erase=12, brightness=0.6, mixup=0.4, scale=[0.2, 1.0])
    after = soften(0.5, before).augment
    assert after["flip"] is True
    assert (after["crop_pad"], after["erase"]) == (2, 6)
    assert (after["rotate"], after["brightness"], after["mixup"]) == (20.0, 0.3, 0.2)
    assert after["scale"] == [0.6, 1.0]


def test_the_strength_of_a_policy_that_is_off_stays() -> None:
    assert soften(0.5, recipe(policy="none", policy_strength=1.0)).augment["policy_strength"] == 1.0
    assert soften(0.5, recipe(policy="trivial", policy_strength=1.0)).augment["policy_strength"] == 0.5


def test_halving_twice_is_a_quarter() -> None:
    before = recipe(rotate=40.0, erase=16)
    assert soften(0.5, soften(0.5, before)) == soften(0.25, before)


def test_weak_augmentation_is_crops_and_mirrors() -> None:
    after = weaken(recipe(rotate=40.0, hue=0.1, erase=12)).augment
    assert (after["rotate"], after["hue"], after["erase"]) == (0.0, 0.0, 0)
    assert (after["flip"], after["crop_pad"]) == (True, 4)


def test_a_recipe_of_texts_is_left_alone() -> None:
    texts = build({"augment": {"drop": 0.1}})
    assert soften(0.5, texts) == texts
