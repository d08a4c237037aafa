"""Text from bytes of unknown encoding: marks first, then UTF-8, then GB 18030 where the bytes pair as Chinese does.

Sources: the Unicode byte order marks; GB 18030-2022, whose common characters are pairs of bytes from A1 up; WHATWG
Encoding Standard, which reads Latin-1 as windows-1252.
"""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_HIGH = re.compile(rb"[\x80-\xff]")
PAIRED = 0.9  # share of the bytes above 7F that stand in such pairs; accents of European texts stand alone


def decode(raw: bytes) -> tuple[str, str]:
    """Text and the name of its encoding: utf-8, utf-16, utf-32, gb18030 or latin-1, which takes anything."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, "replace"), encoding.removesuffix("-sig")
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    if _looks_chinese(raw):
        return raw.decode("gb18030", "replace"), "gb18030"
    return raw.decode("latin-1"), "latin-1"


def _looks_chinese(raw: bytes) -> bool:
    some = raw[: 1 << 16]
    high = len(_HIGH.findall(some))
    return high > 0 and 2 * len(_PAIR.findall(some)) >= PAIRED * high
