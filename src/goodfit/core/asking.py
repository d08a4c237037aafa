"""What a person asks for, from a command or from Python, as a recipe: file first, then flags, then `key=value`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .errors import UsageError
from .recipe import Recipe
from .recipe_yaml import apply_pairs, load_file

_PAIR = re.compile(r"[a-z_][a-z0-9_]*(\.[A-Za-z0-9_]+)?\s*=", re.ASCII)


def asked_recipe(
    data: str | None,
    pairs: Iterable[str] = (),
    *,
    recipe: Path | None = None,
    device: str | None = None,
    seed: int | None = None,
) -> Recipe:
    """The recipe that a command asks for; later words win.

    Args:
        data: folder, file, archive or built-in name; None = as the recipe file says.
        pairs: `key=value` strings.
        recipe: YAML file to start from.
        device: for `engine.device`.
        seed: for `seed`.
    Raises: UsageError if no data are named; RecipeError for a key or value that cannot be.
    """
    asked = load_file(recipe) if recipe is not None else Recipe()
    if data is not None:
        asked = asked.with_("data.path", data)
    if device is not None:
        asked = asked.with_("engine.device", device)
    if seed is not None:
        asked = asked.with_("seed", seed)
    asked = apply_pairs(asked, pairs)
    if not asked.data.path:
        raise UsageError(
            "no data named",
            allowed="a folder, a file, an archive, or `digits`",
            do="write it after the verb: goodfit fit DATA",
        )
    return asked


def split_words(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """(DATA, pairs) from the words after a verb; DATA may be missing where a recipe file names it."""
    if not words:
        return None, []
    if _PAIR.match(words[0]) and not Path(words[0]).exists():
        return None, list(words)
    return words[0], list(words[1:])
