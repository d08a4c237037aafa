"""The recipe: YAML and key=value there and back, unknown keys, impossible values."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodfit.core.errors import RecipeError
from goodfit.core.recipe import (
    DataSection,
    EngineSection,
    ModelSection,
    Recipe,
    Section,
    SplitSection,
    TargetSection,
    TrackSection,
    TrainSection,
    flatten,
    known_keys,
)
from goodfit.core.recipe_yaml import apply_pairs, dump, load, load_file, scalar

_share = st.floats(0, 0.999, allow_nan=False)
_text = st.text(st.characters(codec="utf-8"), max_size=20)


def possible(annotation: Any) -> st.SearchStrategy[Any]:
    """Values that a field's annotation allows."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated and get_origin(args[0]) is tuple:
        return possible(args[0])
    if origin is Annotated:
        return bounded(args[0], [rule for info in args[1:] for rule in info.metadata])
    if origin in (Union, types.UnionType):
        return st.one_of([possible(arg) for arg in args])
    if origin is Literal:
        return st.sampled_from(args)
    if origin is tuple:
        inner = args[0] if args[-1] is Ellipsis else None
        return st.lists(possible(inner), max_size=3).map(tuple) if inner else st.tuples(*map(possible, args))
    return {bool: st.booleans(), str: _text, type(None): st.none(), float: _share}[annotation]


def bounded(kind: type, rules: list[Any]) -> st.SearchStrategy[Any]:
    """Numbers within ge, gt, le, lt."""
    low, high = -1e9, 1e9
    for rule in rules:
        low = getattr(rule, "ge", getattr(rule, "gt", low))
        high = getattr(rule, "le", getattr(rule, "lt", high))
    if kind is int:
        return st.integers(int(low), min(int(high), 2**31) - (int(high) < 1e9 and any(hasattr(r, "lt") for r in rules)))
    step = 1e-9 * max(1.0, abs(low))
    return st.floats(low + step, high - 1e-9, allow_nan=False, allow_infinity=False)


def sections() -> dict[str, type[Section]]:
    return {
        "data": DataSection,
        "split": SplitSection,
        "model": ModelSection,
        "train": TrainSection,
        "engine": EngineSection,
        "target": TargetSection,
        "track": TrackSection,
    }


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Any recipe: each key its default or another possible value."""
    tree: dict[str, Any] = {"seed": draw(st.integers(0, 2**31 - 1)), "metric": draw(_text), "task": draw(_text)}
    for name, section in sections().items():
        hints = get_type_hints(section, include_extras=True)
        keys = draw(st.sets(st.sampled_from(sorted(section.model_fields))))
        tree[name] = {key: draw(possible(hints[key])) for key in sorted(keys)}
    tree["augment"] = {"flip": draw(st.booleans() | st.just("auto")), "note": draw(_text)}
    return Recipe.model_validate(tree)


@given(recipes())
def test_yaml_round_trip_gives_back_an_equal_recipe(recipe: Recipe) -> None:
    assert load(dump(recipe)) == recipe


@given(recipes())
def test_second_round_trip_is_the_same_text(recipe: Recipe) -> None:
    assert dump(load(dump(recipe))) == dump(recipe)


@given(recipes(), recipes())
def test_diff_is_empty_exactly_for_equal_recipes(a: Recipe, b: Recipe) -> None:
    assert (a.diff(b) == {}) == (flatten(a) == flatten(b))
    assert a.diff(a) == {}


@given(recipes())
def test_every_known_key_can_be_got(recipe: Recipe) -> None:
    flat = flatten(recipe)
    assert all(key in flat for key in known_keys())
    assert [recipe.get(key) for key in known_keys()][:2] == [recipe.version, recipe.task]


def test_recipe_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Recipe().seed = 3  # type: ignore[misc]


def test_unknown_key_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no recipe key named 'train.learning'|Did you mean"):
        Recipe().with_("train.learning", 1)
    with pytest.raises(RecipeError, match=r"Did you mean 'train.epochs'\?"):
        Recipe().with_("train.epoch", 1)
    with pytest.raises(RecipeError, match=r"Did you mean 'train.batch_size'\?"):
        Recipe().with_("batch_size", 1)


def test_unknown_key_in_a_file_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"'train.lrr'.*Did you mean 'train.lr'\?"):
        load("train: {lrr: 0.1}")


@pytest.mark.parametrize(
    ("pair", "word"),
    [
        ("train.lr=fast", "train.lr"),
        ("train.lr=-1", "greater than 0"),
        ("train.lr=.nan", "train.lr"),
        ("train.lr=.inf", "train.lr"),
        ("train.epochs=0", "train.epochs"),
        ("train.batch_size=0", "train.batch_size"),
        ("train.optimizer=adamm", "adamw"),
        ("train.label_smoothing=1", "less than 1"),
        ("seed=-1", "seed"),
        ("version=2", "version"),
        ("train=3", "train"),
        ("novalue", "key=value"),
        ("=3", "no recipe key"),
    ],
)
def test_impossible_value_names_key_and_rule(pair: str, word: str) -> None:
    with pytest.raises(RecipeError) as caught:
        apply_pairs(Recipe(), [pair])
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-4", 3e-4),
        ("1E3", 1000.0),
        ("0.1", 0.1),
        ("12", 12),
        ("true", True),
        ("null", None),
        ("resnet18", "resnet18"),
        ("e5", "e5"),
        ("a: b: c", "a: b: c"),
        ("[[0, 24], [0.5, 32]]", [[0, 24], [0.5, 32]]),
        ("2e", "2e"),
    ],
)
def test_command_line_value_becomes(text: str, value: object) -> None:
    assert scalar(text) == value


def test_pairs_apply_in_order_and_last_wins() -> None:
    recipe = apply_pairs(Recipe(), ["train.lr=0.1", "train.lr=3e-4", "model.name=small_m", "augment.flip=false"])
    assert (recipe.train.lr, recipe.model.name, dict(recipe.augment)) == (3e-4, "small_m", {"flip": False})


@pytest.mark.parametrize("word", ["2020", "007", "1e3", "true", "2024-01-01", "null", "a #b", "[x]", "'q'", " x"])
@pytest.mark.parametrize("key", ["data.target", "data.path", "model.name", "metric"])
def test_word_for_a_text_key_stays_as_it_was_typed(key: str, word: str) -> None:
    assert apply_pairs(Recipe(), [f"{key}={word}"]).get(key) == word


@pytest.mark.parametrize(("word", "value"), [("2020", "2020"), ("null", None), ("", None), ("no", "no")])
def test_word_for_optional_text_is_text_or_null(word: str, value: str | None) -> None:
    assert apply_pairs(Recipe(), [f"data.group={word}"]).data.group == value


def test_value_may_hold_equals_signs() -> None:
    assert apply_pairs(Recipe(), ["data.target==cmd()"]).data.target == "=cmd()"


@pytest.mark.parametrize("text", ["\x85", "a\nb ", "\u2028", "\ud800", "- x: #", "\x00\x1b[0m", "true", "1e3", "猫"])
def test_hostile_text_survives_yaml(text: str) -> None:
    assert load(dump(Recipe().with_("data.path", text))).data.path == text


def test_plan_file_is_a_recipe_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    recipe = Recipe().with_("train.lr", 0.5)
    path.write_text("reasons: []\nrecipe:\n" + "".join(f"  {line}\n" for line in dump(recipe).splitlines()))
    assert load_file(path) == recipe


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "!!python/object/apply:os.system ['echo no']", "just words"])
def test_text_that_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(RecipeError):
        load(text)


def test_absent_recipe_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="check the path"):
        load_file(tmp_path / "none.yaml")


def test_every_key_carries_its_sentence() -> None:
    """A field without a comment on its line explains itself to nobody."""
    import inspect

    from goodfit.core import recipe as module

    lines = inspect.getsource(module).splitlines()
    bare = [
        key
        for section in sections().values()
        for key in section.model_fields
        for line in lines
        if line.startswith(f"    {key}: ") and "#" not in line and section is not DataSection
    ]
    allowed = {
        "optimizer",
        "loss",
        "schedule",
        "seed",
        "name",
        "values",
    }  # a Literal that names its values, or a docstring
    assert set(bare) <= allowed


def test_checkpoints_lie_at_most_a_minute_apart() -> None:
    assert Recipe().with_("engine.checkpoint_seconds", 60).engine.checkpoint_seconds == 60.0
    with pytest.raises(RecipeError, match="engine.checkpoint_seconds.*less than or equal to 60"):
        Recipe().with_("engine.checkpoint_seconds", 61)
