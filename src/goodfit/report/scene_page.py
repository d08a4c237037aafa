"""The page of a scene: each operation as a strip of pictures, with its verdict, the figures and the reason.

One file, both languages, no network, nothing from data that is not escaped; see `page`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.files import write_atomic
from .page import dressed
from .story import picture_from
from .words import both, clean, digits, foreign, join, same, value_text

ORDER = ("advised", "refused", "allowed", "unknown", "idle")  # what changes something stands first


def write(
    path: Path,
    judgements: Sequence[Mapping[str, Any]],
    strips: Mapping[str, Sequence[Mapping[str, str]]],
    about: Mapping[str, Any],
    lang: str = "en",
) -> Path:
    """Write the page.

    Args:
        path: of the page.
        judgements: name, verdict, why, numbers and changes of each operation.
        strips: operation -> the original and what becomes of it, as the task shows them.
        about: name, format, experiments, samples.
        lang: the language shown first, en or zh; the page holds both.
    """
    write_atomic(path, render(judgements, strips, about, lang))
    return path


def render(
    judgements: Sequence[Mapping[str, Any]],
    strips: Mapping[str, Sequence[Mapping[str, str]]],
    about: Mapping[str, Any],
    lang: str = "en",
) -> str:
    """The page as text; see `write`."""
    groups = [
        (verdict, [_operation(j, strips.get(j["name"], ())) for j in judgements if j["verdict"] == verdict])
        for verdict in ORDER
    ]
    count = {verdict: len(rows) for verdict, rows in groups}
    trained = int(about["experiments"])
    how = both("scene.how_trained", experiments=trained, samples=digits(about["samples"])) if trained else None
    return dressed(
        "scene.html",
        lang,
        name=clean(str(about["name"])),
        format=clean(str(about["format"])),
        headline=both("scene.headline", refused=count["refused"], advised=count["advised"], n=len(judgements)),
        how=how or both("scene.how_asked"),
        groups=[(verdict, rows) for verdict, rows in groups if rows],
    )


def _operation(judged: Mapping[str, Any], strip: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    return {
        "name": judged["name"],
        "title": foreign(f"scene.op.{judged['name']}", {}) or same(judged["name"]),
        "why": foreign(f"scene.why.{judged['why']}", judged["numbers"]) or same(judged["why"]),
        "setting": join([same(f"augment.{key}={_plain(value)}") for key, value in judged["changes"].items()], " "),
        "strip": [shown for tree in strip if (shown := picture_from(tree)) is not None],
    }


def _plain(value: Any) -> str:
    return str(value_text(value).en) if not isinstance(value, bool) else str(value).lower()
