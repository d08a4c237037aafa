"""goodfit: give it data and a time budget; get back the best model that the budget can buy, with proof.

The verbs are those of the command line: `goodfit.fit("flowers/", budget="20m")`. Nothing heavy is imported before it
is needed.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import audit as audit
    from .api import clean as clean
    from .api import diagnose as diagnose
    from .api import env as env
    from .api import evaluate as evaluate
    from .api import fit as fit
    from .api import improve as improve
    from .api import load as load
    from .api import plan as plan
    from .api import predict as predict
    from .api import report as report
    from .api import scene as scene
    from .api import train as train
    from .core.errors import GoodfitError as GoodfitError
    from .core.recipe import Recipe as Recipe
    from .workflow.model import Model as Model
    from .workflow.study import Study as Study

_VERBS = (
    "audit",
    "clean",
    "diagnose",
    "env",
    "evaluate",
    "fit",
    "improve",
    "load",
    "plan",
    "predict",
    "report",
    "scene",
    "train",
)
_PLACES = {"GoodfitError": "core.errors", "Model": "workflow.model", "Recipe": "core.recipe", "Study": "workflow.study"}

__all__ = ["GoodfitError", "Model", "Recipe", "Study", "__version__", *_VERBS]


def __getattr__(name: str) -> Any:
    from importlib import import_module, metadata

    if name == "__version__":
        return metadata.version("goodfit")
    place = "api" if name in _VERBS else _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'goodfit' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{place}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Room(ModuleType):
    """A folder whose name is also a verb (train, audit, diagnose, report): calling it runs the verb."""

    def __call__(self, *args: Any, **keys: Any) -> Any:
        from . import api

        return getattr(api, self.__name__.rpartition(".")[2])(*args, **keys)


class _Front(ModuleType):
    """This package: when importing a folder puts it over the verb of the same name, both uses go on working."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _VERBS and isinstance(value, ModuleType):
            value.__class__ = _Room
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Front
