"""The verbs in Python: `goodfit.fit("flowers/", budget="20m")` asks for what the command line asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .core.asking import asked_recipe
from .core.duration import parse_seconds
from .core.messages import locale_language
from .core.recipe import Recipe
from .core.telling import Tell, silent

if TYPE_CHECKING:
    from .workflow.model import Model
    from .workflow.study import Study

Place = str | PathLike[str]


def fit(
    data: Place,
    *,
    budget: str | float | None = None,
    runs: Place = "runs",
    new: bool = False,
    recipe: Place | None = None,
    lang: str | None = None,
    tell: Tell = silent,
    **keys: Any,
) -> Study:
    """Audit, plan, train, diagnose, try remedies, open the test split once, write the report.

    Args:
        data: folder, file, archive or `digits`.
        budget: for example "20m"; a number is seconds; None = 20 minutes.
        runs: folder that holds studies.
        new: start another study instead of going on with the one of the same call.
        recipe: YAML file to start from.
        lang: en or zh; None = as the locale.
        tell: hears what happens.
        keys: recipe keys, dots written as two underscores: `train__lr=3e-4, model__name="small_s"`.
    Returns: the study, with `.model`, `.findings` and `.report()`; a notebook shows it.
    Raises: GoodfitError, as the command line would print it.
    """
    from .workflow.fit import fit as run

    asked = _asked(data, recipe, keys)
    return run(asked, budget=_seconds(budget), runs=Path(runs), new=new, lang=_lang(lang), tell=tell)


def train(
    data: Place,
    *,
    budget: str | float | None = None,
    runs: Place = "runs",
    new: bool = False,
    recipe: Place | None = None,
    lang: str | None = None,
    tell: Tell = silent,
    **keys: Any,
) -> Study:
    """Train one model as asked; the test split stays sealed. Arguments as for `fit`; without a budget no deadline."""
    from .workflow.train import train as run

    asked = _asked(data, recipe, keys)
    return run(asked, budget=_seconds(budget), runs=Path(runs), new=new, lang=_lang(lang), tell=tell)


def audit(
    data: Place,
    *,
    budget: str | float | None = None,
    runs: Place = "runs",
    recipe: Place | None = None,
    lang: str | None = None,
    fix: bool | Literal["relabel"] = False,
    tell: Tell = silent,
    **keys: Any,
) -> dict[str, Any]:
    """Check the data. Arguments as for `fit`.

    Args:
        budget: time in which labels are judged and findings priced by experiment; None = labels where that is short.
        fix: also write a list of the samples left; "relabel" = under the labels that are proposed with confidence.
    """
    from .workflow.audit import audit as run

    asked, mend = _asked(data, recipe, keys), "leave_out" if fix is True else fix or None
    return run(asked, runs=Path(runs), budget=_seconds(budget), lang=_lang(lang), fix=mend, tell=tell)


def scene(
    data: Place,
    *,
    budget: str | float | None = None,
    runs: Place = "runs",
    recipe: Place | None = None,
    lang: str | None = None,
    tell: Tell = silent,
    **keys: Any,
) -> dict[str, Any]:
    """Which augmentations suit the pictures, tested on the data. Arguments as for `fit`; None = 3 minutes."""
    from .workflow.scene import scene as run

    return run(_asked(data, recipe, keys), budget=_seconds(budget), runs=Path(runs), lang=_lang(lang), tell=tell)


def plan(
    data: Place,
    *,
    budget: str | float | None = None,
    runs: Place = "runs",
    recipe: Place | None = None,
    lang: str | None = None,
    tell: Tell = silent,
    **keys: Any,
) -> dict[str, Any]:
    """Each recipe key with its value, its reason and its predicted cost; nothing is trained. Arguments as for `fit`."""
    from .workflow.plan import plan as run

    return run(_asked(data, recipe, keys), runs=Path(runs), budget=_seconds(budget), lang=_lang(lang), tell=tell)


def diagnose(study: Place, *, lang: str | None = None, tell: Tell = silent) -> dict[str, Any]:
    """What holds a finished run back, with its numbers."""
    from .workflow.diagnose import diagnose as run

    return run(Path(study), lang=_lang(lang), tell=tell)


def improve(
    study: Place,
    *,
    budget: str | float | None = None,
    runs: Place = "runs",
    new: bool = False,
    lang: str | None = None,
    tell: Tell = silent,
) -> Study:
    """Try the most promising remedies on a study as paired experiments; what is proven is kept."""
    from .workflow.improve import improve as run

    return run(Path(study), budget=_seconds(budget), runs=Path(runs), new=new, lang=_lang(lang), tell=tell)


def evaluate(
    model: Place, data: Place, *, device: str = "auto", lang: str | None = None, tell: Tell = silent, **keys: Any
) -> dict[str, Any]:
    """Score a model folder on the test part of some data."""
    from .workflow.evaluate import evaluate as run

    return run(Path(model), str(data), _pairs(keys), device=device, tell=tell, lang=_lang(lang))


def predict(
    model: Place, inputs: Place | Iterable[Place], *, device: str = "auto", tell: Tell = silent
) -> list[dict[str, Any]]:
    """Label and calibrated probability (or the value) of each input file, in order."""
    from .workflow.predict import predict as run

    one = isinstance(inputs, str | PathLike)
    files = [str(inputs)] if one else [str(item) for item in inputs]  # type: ignore[union-attr]
    return list(run(Path(model), files, device=device, tell=tell))


def report(study: Place, *, lang: str | None = None) -> Path:
    """Write report.html of a study again and return its path."""
    from .workflow.report import report as run

    return run(Path(study), lang=_lang(lang))


def env() -> dict[str, Any]:
    """Versions, devices, processor, optional libraries, known clashes."""
    from .cli.env import env as run

    return run()


def clean(*, yes: bool = False, tell: Tell = silent) -> dict[str, Any]:
    """List the caches; with `yes` delete them. Studies are never touched."""
    from .workflow.clean import clean as run

    return run(yes=yes, tell=tell)


def load(model: Place, *, device: str = "auto") -> Model:
    """A model folder, or the one of a study, ready to answer: `goodfit.load(path).predict("a.jpg")`.

    Raises: UsageError if no model lies there.
    """
    from .workflow.model import load as run

    return run(Path(model), device)


def _asked(data: Place, recipe: Place | None, keys: Mapping[str, Any]) -> Recipe:
    asked = asked_recipe(str(data), recipe=None if recipe is None else Path(recipe))
    for key, value in keys.items():
        asked = asked.with_(key.replace("__", "."), value)
    return asked


def _pairs(keys: Mapping[str, Any]) -> list[str]:
    text = lambda value: "null" if value is None else str(value)  # noqa: E731
    return [key.replace("__", ".") + "=" + text(value) for key, value in keys.items()]


def _seconds(budget: str | float | None) -> float | None:
    return None if budget is None else parse_seconds(budget)


def _lang(lang: str | None) -> str:
    return lang or locale_language()
