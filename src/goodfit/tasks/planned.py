"""A recipe on its way to a plan: each `auto` that becomes a value is remembered with its reason."""

from __future__ import annotations

from typing import Any

from ..core.recipe import Recipe
from ..core.task import Reason


class Planned:
    """A recipe being settled."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.reasons = recipe, list[Reason]()

    def auto(self, key: str, value: Any, why: str, **numbers: Any) -> None:
        """Set `key` if it is still `auto`."""
        if self.recipe.get(key) == "auto":
            self.set(key, value, why, **numbers)

    def unasked(self, key: str, value: Any, why: str, **numbers: Any) -> None:
        """Set `key` if nothing was asked for: of a key that knows no `auto`."""
        if self.recipe.get(key) is None:
            self.set(key, value, why, **numbers)

    def set(self, key: str, value: Any, why: str, **numbers: Any) -> None:
        """Set `key`, whatever it was."""
        self.recipe = self.recipe.with_(key, value)
        self.reasons.append(Reason(key=key, value=value, why=why, numbers=numbers))
