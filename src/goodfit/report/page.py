"""Make report.html of a study: one file, both languages, no network, nothing from data that is not escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from ..core.files import write_atomic
from . import opening, proving, reckoning, story, working
from .words import both, clean


def write(study_folder: Path, lang: str = "en") -> Path:
    """Write report.html into a study folder.

    Args:
        study_folder: a folder with a study.json; parts that are missing are left out of the story.
        lang: the language shown first, en or zh; the page holds both.
    Returns: path of the page.
    Raises: UsageError if the folder holds no study.
    """
    path = study_folder.absolute() / "report.html"
    write_atomic(path, render(story.read(study_folder), lang))
    return path


def render(told: story.Story, lang: str = "en") -> str:
    """The page as text."""
    chapters = {
        "data": working.data(told),
        "choices": working.choices(told),
        "climb": working.climb(told),
        "learning": working.learning(told),
        "noticed": proving.noticed(told),
        "tried": proving.tried(told),
        "quality": proving.quality(told),
        "cost": reckoning.cost(told),
        "again": reckoning.again(told),
    }
    return dressed(
        "template.html",
        lang,
        opening=opening.opening(told),
        chapters=chapters,
        order=[name for name, chapter in chapters.items() if chapter is not None],
    )


def dressed(template: str, lang: str, **values: Any) -> str:
    """A template of this folder, filled, with its style, its script and a policy under which only these apply.

    Args:
        template: its file name.
        lang: shown first, en or zh.
        values: that the template asks for.
    """
    style, script = _piece("style.css"), _piece("script.js")
    return _template(template).render(
        lang="zh" if lang == "zh" else "en",
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        **values,
    )


@cache
def _template(name: str) -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_tame,
        loader=FunctionLoader(_piece),
    )
    environment.globals["t"] = both
    return environment.get_template(name)


def _tame(value: Any) -> Any:
    """Plain text on its way into the page: control characters shown, long strings cut; escaping follows for all."""
    return clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _policy(style: str, script: str) -> str:
    """A content policy under which only this very style and script apply, and nothing is fetched."""
    return (
        "default-src 'none'; img-src data:; "
        f"style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _piece(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
