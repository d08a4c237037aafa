"""The page of an audit: what is wrong with the data, finding by finding, with the samples to look at.

One file, both languages, no network, nothing from data that is not escaped; see `page`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import escape

from ..core.errors import printable
from ..core.files import write_atomic
from . import balance, diversity, sources
from .page import dressed
from .story import picture_from
from .words import Words, both, clean, digits, named, points, score_text

MOST = 24  # samples of a finding that are shown; findings.json lists all


def write(
    path: Path,
    entries: Sequence[Mapping[str, Any]],
    pictures: Mapping[str, Mapping[str, str]],
    about: Mapping[str, Any],
    lang: str = "en",
) -> Path:
    """Write the page.

    Args:
        path: of the page.
        entries: as `findings.json` holds them, the weightiest first.
        pictures: path of a sample -> what its task shows of it.
        about: name, format, samples, kept; balance, sources, worlds and diversity, as the audit gives them.
        lang: the language shown first, en or zh; the page holds both.
    """
    write_atomic(path, render(entries, pictures, about, lang))
    return path


def render(
    entries: Sequence[Mapping[str, Any]],
    pictures: Mapping[str, Mapping[str, str]],
    about: Mapping[str, Any],
    lang: str = "en",
) -> str:
    """The page as text; see `write`."""
    shown = {name: picture for name, tree in pictures.items() if (picture := picture_from(tree)) is not None}
    return dressed(
        "audit.html",
        lang,
        name=clean(str(about["name"])),
        format=clean(str(about["format"])),
        headline=both("audit_page.headline", n=len(entries)) if entries else both("audit_page.clean"),
        kept=both("audit_page.kept", kept=digits(int(about["kept"])), samples=digits(int(about["samples"]))),
        entries=[_entry(entry, shown) for entry in entries],
        file=about.get("file", ""),
        balance_piece=balance.piece(about.get("balance")),
        sources_piece=sources.piece(about),
        diversity_piece=diversity.piece(about.get("diversity") or []),
    )


def _entry(entry: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    samples = list(entry["samples"])
    return {
        "code": entry["code"],
        "kind": entry["kind"],
        "severity": entry["severity"],
        "count": digits(int(entry["count"])),
        **{part: _said(entry[part]) for part in ("title", "body", "advice")},
        "samples": [_sample(sample, shown) for sample in samples[:MOST]],
        "more": max(0, len(samples) - MOST),
        "pairs": any("other" in sample for sample in samples[:1]),
        "price": _price(entry["price"]) if "price" in entry else None,
    }


def _price(price: Mapping[str, Any]) -> Words:
    """What leaving these samples out gains; shares in points."""
    share = bool(price["is_share"])
    scores = {key: score_text(price[key], share) for key in ("without", "random", "as_it_is")}
    gains = {key: points(price[key], share) for key in ("gain", "low", "high")}
    counts = {key: digits(int(price[key])) for key in ("removed", "seeds", "n")}
    verdict = both(f"verdict.{str(price['verdict']).replace(' ', '_')}")
    return both(
        "audit_page.priced", metric=named("metric", price["metric"]), verdict=verdict, **scores, **gains, **counts
    )


def _sample(sample: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """The names and pictures of a sample, with what else is known of it."""
    names = [str(sample[key]) for key in ("path", "other") if key in sample]
    more = {str(key): value for key, value in sample.items() if key not in ("path", "other")}
    return {"cells": [(clean(name), shown.get(name)) for name in names], "more": more}


def _said(words: Mapping[str, str]) -> Words:
    return Words(*(escape(printable(words.get(lang, ""), 2000)) for lang in ("en", "zh")))
