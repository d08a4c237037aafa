"""Remedies: pure, at home in a resolved recipe, tiring at the end of their range, and ranked for their finding."""

from types import SimpleNamespace

import pytest

from goodfit.audit import CHECKS
from goodfit.core.finding import Finding
from goodfit.core.messages import LANGUAGES, say
from goodfit.core.recipe import Recipe
from goodfit.core.recipe_yaml import dump, load
from goodfit.diagnose import REMEDIES, SYMPTOMS, remedies_for
from goodfit.diagnose.remedies.capacity import larger, smaller


def codes(*names: str, **numbers: object) -> list[Finding]:
    return [Finding(code=n, severity="warning", numbers=numbers) for n in names]


@pytest.mark.parametrize("name", REMEDIES)
def test_remedy_changes_a_copy_and_twice_the_same_way(kit: SimpleNamespace, name: str) -> None:
    uneven = {"train__rebalance": "posthoc"}
    recipe = kit.resolved(augment__mixup=0.0, augment__rotate=20.0, engine__loader="stream", **uneven)
    before = recipe.model_dump()
    once, again = (REMEDIES[name].apply(recipe) for _ in range(2))
    assert once == again != recipe
    assert recipe.model_dump() == before


@pytest.mark.parametrize("name", REMEDIES)
def test_remedy_leaves_a_recipe_that_is_not_resolved_valid(name: str) -> None:
    assert isinstance(REMEDIES[name].apply(Recipe()), Recipe)


@pytest.mark.parametrize("name", REMEDIES)
def test_remedy_has_words_in_both_languages_a_source_and_known_codes(name: str) -> None:
    remedy = REMEDIES[name]
    assert remedy.name == name
    assert remedy.source
    assert remedy.treats <= {s.code for s in SYMPTOMS.values()} | {c for check in CHECKS.values() for c in check.codes}
    assert all(say(f"remedy.{name}{part}", lang) for part in ("", ".body") for lang in LANGUAGES)


@pytest.mark.parametrize(
    "name", ["label_smoothing", "mixup", "more_augmentation", "clip", "dropout", "drop_path", "l1"]
)
def test_remedy_that_is_used_up_returns_an_equal_recipe(kit: SimpleNamespace, name: str) -> None:
    recipe = kit.resolved()
    for _ in range(6):
        recipe = REMEDIES[name].apply(recipe)
    assert REMEDIES[name].apply(recipe) == recipe


def test_values_of_the_remedies_by_hand(kit: SimpleNamespace) -> None:
    recipe = kit.resolved(train__patience=5)
    assert REMEDIES["lr_down"].apply(recipe).train.lr == pytest.approx(0.005)
    assert REMEDIES["lr_up"].apply(recipe).train.lr == pytest.approx(0.5)
    assert REMEDIES["weight_decay_up"].apply(recipe).train.weight_decay == pytest.approx(2.5e-3)
    assert REMEDIES["longer"].apply(recipe).diff(recipe).keys() == {"train.epochs", "train.patience"}
    assert REMEDIES["shorter"].apply(recipe).train.epochs == 6
    assert REMEDIES["clip"].apply(recipe).train.clip == 1.0


def test_what_the_plan_chose_for_uneven_classes_is_weighed_against_nothing_first(kit: SimpleNamespace) -> None:
    recipe = kit.resolved(train__rebalance="logit_adjustment")
    ranked = remedies_for(codes("GF-D013"), recipe)
    assert [r.name for r in ranked] == ["no_rebalancing", "balanced_sampler", "class_weights", "focal_loss"]
    assert ranked[0].apply(recipe).train.rebalance == "none"
    assert ranked[-1].apply(recipe).diff(recipe) == {
        "train.loss": ("focal", "ce"),
        "train.rebalance": ("none", "logit_adjustment"),
    }


def test_a_loss_without_classes_is_not_rebalanced(kit: SimpleNamespace) -> None:
    assert remedies_for(codes("GF-D013"), kit.resolved(train__loss="huber", train__rebalance="none")) == []


def test_stronger_augmentation_of_32_pixels_moves_4_and_blanks_8(kit: SimpleNamespace) -> None:
    changed = REMEDIES["more_augmentation"].apply(kit.resolved(augment__crop_pad=2, augment__flip=False)).augment
    assert changed["crop_pad"] == 4
    assert changed["erase"] == 8
    assert changed["flip"] is False
    assert changed["hue"] == 0


def test_stronger_augmentation_of_photographs_shrinks_the_least_area(kit: SimpleNamespace) -> None:
    recipe = kit.resolved(augment__scale=(0.35, 1.0), augment__crop_pad=0, model__size=224)
    changed = REMEDIES["more_augmentation"].apply(recipe).augment
    assert changed["scale"] == [0.175, 1.0]
    assert changed["crop_pad"] == 0


def test_stronger_augmentation_survives_yaml(kit: SimpleNamespace) -> None:
    changed = REMEDIES["more_augmentation"].apply(kit.resolved(augment__scale=(0.35, 1.0)))
    assert load(dump(changed)) == changed


def test_stronger_augmentation_of_8_pixels_only_shifts_by_one(kit: SimpleNamespace) -> None:
    recipe = kit.resolved(model__size=8, augment__crop_pad=0)
    assert recipe.diff(REMEDIES["more_augmentation"].apply(recipe)) == {"augment.crop_pad": (0, 1)}


@pytest.mark.parametrize("name", ["more_augmentation", "mixup"])
@pytest.mark.parametrize("task", ["auto", "image_multilabel"])
def test_pictures_are_augmented_whether_or_not_their_task_is_named(kit: SimpleNamespace, name: str, task: str) -> None:
    recipe = kit.resolved(task=task)
    assert REMEDIES[name].apply(recipe) != recipe


@pytest.mark.parametrize("name", ["more_augmentation", "mixup", "less_augmentation"])
def test_what_has_no_settled_augmentation_of_pictures_is_left_alone(name: str) -> None:
    for recipe in (Recipe(), Recipe().with_("augment.crop_pad", "auto")):
        assert REMEDIES[name].apply(recipe) == recipe


def test_smoothing_does_not_touch_a_regression(kit: SimpleNamespace) -> None:
    recipe = kit.resolved(train__loss="mse")
    assert REMEDIES["label_smoothing"].apply(recipe) == recipe


def test_overfitting_gets_augmentation_first_and_no_size_without_a_ladder(kit: SimpleNamespace) -> None:
    names = [r.name for r in remedies_for(codes("GF-F001"), kit.resolved())]
    assert names[:3] == ["more_augmentation", "mixup", "weight_decay_up"]
    assert "smaller_model" not in names
    down = remedies_for(codes("GF-F001"), kit.resolved(), step_down=lambda r: r.with_("model.name", "small_s"))
    assert "smaller_model" in [r.name for r in down]


def test_underfitting_that_still_falls_is_trained_longer_else_enlarged(kit: SimpleNamespace) -> None:
    up = lambda r: r.with_("model.name", "small_l")  # noqa: E731
    falling = remedies_for(codes("GF-F002", still_falling=True), kit.resolved(), step_up=up)
    flat = remedies_for(codes("GF-F002", still_falling=False), kit.resolved(), step_up=up)
    assert falling[0].name == "longer"
    assert flat[0].name == "larger_model"


def test_a_ladder_that_ends_offers_no_step(kit: SimpleNamespace) -> None:
    names = [r.name for r in remedies_for(codes("GF-F002"), kit.resolved(), step_up=lambda r: r)]
    assert "larger_model" not in names


def test_first_finding_leads_and_no_remedy_comes_twice(kit: SimpleNamespace) -> None:
    names = [r.name for r in remedies_for(codes("GF-F003", "GF-F001", "GF-F008"), kit.resolved())]
    assert names[0] == "lr_down"
    assert len(names) == len(set(names))


def test_chance_and_health_have_no_remedy(kit: SimpleNamespace) -> None:
    assert remedies_for(codes("GF-F007"), kit.resolved()) == []
    assert remedies_for([], kit.resolved()) == []


def test_steps_on_the_ladder_have_words() -> None:
    for remedy in (larger(lambda r: r), smaller(lambda r: r)):
        assert all(say(f"remedy.{remedy.name}", lang) for lang in LANGUAGES)
