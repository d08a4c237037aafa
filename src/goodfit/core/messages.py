"""Every sentence that a person reads in two languages, by key; texts are JSON files, one folder a language."""

from __future__ import annotations

import json
import locale
import os
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("en", "zh")


def say(message: str, lang: str = "en", /, **values: Any) -> str:
    """The sentence under a key, its placeholders filled.

    Args:
        message: key, for example "finding.GF-F001.title".
        lang: en or zh.
        values: placeholders; numbers may carry a format in the text ({gap:.1%}).
    Raises: KeyError if the key or a placeholder is missing; a test keeps both catalogues complete.
    """
    return texts(lang)[message].format(**values)


def has(message: str) -> bool:
    """Whether a key exists."""
    return message in texts("en")


@cache
def texts(lang: str) -> Mapping[str, str]:
    """All keys of one language."""
    merged: dict[str, str] = {}
    for file in sorted(resources.files(__package__).joinpath("texts", lang).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".json"):
            merged.update(json.loads(file.read_text("utf-8")))
    return merged


def locale_language() -> str:
    """zh where the locale is Chinese, else en."""
    name = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    if not name:
        name = locale.getlocale()[0] or ""
    return "zh" if name.lower().startswith(("zh", "chinese")) else "en"
