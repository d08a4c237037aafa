"""Bytes become text whatever their encoding; Chinese and accents are told apart without being told."""

from __future__ import annotations

import pytest

from goodfit.data.encodings import decode

CHINESE = "中华女子学院：本科层次仅1专业招男生，ABC 2026"
FRENCH = "Été à la plage, le garçon mangeait du gâteau près de l'hôtel. Noël!"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030", "gbk"])
def test_chinese_comes_back_from_each_of_its_encodings(encoding: str) -> None:
    text, named = decode(CHINESE.encode(encoding))
    assert text == CHINESE
    assert named == {"utf-8-sig": "utf-8", "gbk": "gb18030"}.get(encoding, encoding)


@pytest.mark.parametrize("text", [FRENCH, "é", "Übergrößenträger", "ñandú"])
def test_accents_stand_alone_and_are_no_chinese(text: str) -> None:
    assert decode(text.encode("latin-1")) == (text, "latin-1")


def test_any_bytes_are_some_text() -> None:
    raw = bytes(range(256)) * 3
    text, named = decode(raw)
    assert len(text) == len(raw)
    assert named == "latin-1"
    assert decode(b"") == ("", "utf-8")


def test_a_character_cut_in_two_does_not_spoil_the_rest() -> None:
    text, named = decode(CHINESE[:12].encode("gb18030")[:-1])
    assert named == "gb18030"
    assert text[:11] == CHINESE[:11]
