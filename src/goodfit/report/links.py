"""Link what is shown to where it came from: a number to its run, a name to its file."""

from __future__ import annotations

from urllib.parse import quote

from markupsafe import Markup

from .story import Story, Trained
from .words import clean


def run_link(text: object, run: Trained | None) -> Markup:
    """A number or name that leads to the run it came from."""
    shown = text if isinstance(text, Markup) else clean(text)
    return Markup('<a class="num" href="{}">{}</a>').format(run.href, shown) if run is not None else shown


def path_link(path: str) -> Markup:
    """A link to a file of the study, relative to the report."""
    return Markup('<a class="file" href="{}">{}</a>').format(quote(path), clean(path))


def model_name(run: Trained) -> str:
    return run.recipe.model.name if run.recipe is not None else run.id


def data_name(story: Story) -> str:
    path = str(story.about.get("data") or "").rstrip("/\\")
    return path.replace("\\", "/").rpartition("/")[2] or path or "–"
