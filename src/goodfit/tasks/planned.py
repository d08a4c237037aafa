"""A recipe on its way to a plan: each `auto` that becomes a value is remembered with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.recipe import Recipe
from ..core.task import Reason

LABEL_REMEDIES = frozenset({"leave_out_wrong_labels", "relabel_wrong_labels"})  # which mean something to any model


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


def quickened(changes: Mapping[str, Any], asked: Recipe) -> Recipe:
    """The recipe of a small model: of what was asked only data and machine, nothing of model and training."""
    plain = Recipe(task=asked.task, seed=asked.seed, data=asked.data, split=asked.split, engine=asked.engine)
    for key, value in ({"train.rebalance": "none"} | dict(changes)).items():  # it shall say how likely a class is
        plain = plain.with_(key, value)
    return plain
