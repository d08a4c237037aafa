"""What a text says, as words: markup out, lower case, one token a word, a Chinese character or a sign.

Sources: Unicode blocks of Han, kana and hangul; the HTML Living Standard for tags and entities. Characters as tokens
with n-grams over them do as well as segmented words on Chinese: Li et al. 2019, arXiv:1905.05526.
"""

from __future__ import annotations

import html
import re

_EAST = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
_TOKEN = re.compile(rf"[^\W_{_EAST}]+(?:['’][^\W_{_EAST}]+)?|[{_EAST}]|[^\w\s]")
_IS_EAST = re.compile(rf"[{_EAST}]")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>|<!--.{0,2000}?-->", re.S)
_BREAK = re.compile(r"<(?:br|p|/p|div|/div|li|/li|tr|/tr)\b[^<>]{0,200}>", re.I)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,31}|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_BLANKS = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """The text without markup, control characters and runs of blanks; line breaks stay."""
    if "<" in text:
        text = _TAG.sub(" ", _BREAK.sub("\n", text))
    if "&" in text:
        text = html.unescape(text)
    return _BLANKS.sub(" ", text.replace("\0", "")).strip()


def has_markup(text: str) -> bool:
    """Whether tags or entities of HTML stand in it."""
    return ("<" in text and _TAG.search(text) is not None) or ("&" in text and _ENTITY.search(text) is not None)


def words(text: str) -> list[str]:
    """Tokens of a clean text."""
    return _TOKEN.findall(text.lower())


def east_share(text: str) -> float:
    """Share of its characters, blanks apart, that are Han, kana or hangul; 0 for an empty text."""
    visible = len(text) - text.count(" ") - text.count("\n")
    return len(_IS_EAST.findall(text)) / visible if visible else 0.0
