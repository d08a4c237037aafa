"""Recipes as text: YAML files and `key=value` pairs, there and back without loss."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from .errors import RecipeError
from .recipe import Recipe, Section, build


def dump(recipe: Recipe) -> str:
    """The whole recipe as YAML; `load` gives back an equal value."""
    return to_yaml(recipe.model_dump(mode="json"))


def to_yaml(tree: Any) -> str:
    """Plain values as YAML text that reads back equal, control characters in strings included."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def load(text: str, where: str = "recipe") -> Recipe:
    """A recipe from YAML text; absent keys take their defaults.

    Raises: RecipeError if it is no YAML mapping, names an unknown key or holds an impossible value.
    """
    try:
        tree = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise RecipeError(f"not readable as YAML: {error}", where=where, do="mend the file") from None
    if not isinstance(tree, dict):
        kind = type(tree).__name__
        raise RecipeError("not a recipe", got=kind, allowed="a mapping of keys", do="name a recipe file", where=where)
    return build(tree.get("recipe", tree))


def load_file(path: Path) -> Recipe:
    """A recipe from a YAML file; a run's plan.yaml is one. Raises RecipeError if it cannot be read."""
    try:
        return load(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError("the recipe file cannot be read", got=error, do="check the path", where=path) from None


def apply_pairs(recipe: Recipe, pairs: Iterable[str]) -> Recipe:
    """The recipe with `key=value` pairs applied in order.

    Raises: RecipeError for a pair without `=`, an unknown key or an impossible value.
    """
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise RecipeError("not a key=value pair", got=pair, allowed="for example train.lr=3e-4", do="add `=`")
        recipe = recipe.with_(key.strip(), _value(key.strip(), text))
    return recipe


def _value(key: str, text: str) -> Any:
    """A word as the key's type takes it: text as it was typed, all else, and the null of optional text, as YAML."""
    kind: Any = Recipe
    for name in key.split("."):
        fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, Section) else {}
        kind = fields[name].annotation if name in fields else None
    value = scalar(text)
    return text if kind is str or (kind == str | None and value is not None) else value


def scalar(text: str) -> Any:
    """A command-line value as YAML reads it, and `1e-3` as a number, which YAML 1.1 leaves a string."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if isinstance(value, str):
        try:
            return float(value) if any(c in value for c in "eE") and value[:1] in "+-.0123456789" else value
        except ValueError:
            return value
    return value


class _Dumper(yaml.SafeDumper):
    """Quotes strings with control characters or odd line ends, which PyYAML's block styles would fold."""


def _represent_str(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _represent_str)
