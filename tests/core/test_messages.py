"""The catalogues of words: both languages hold the same keys with the same placeholders."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest

import goodfit.core.messages as messages
from goodfit.core.messages import has, locale_language, say, texts

TEXTS = Path(messages.__file__).parent / "texts"
AREAS = sorted(path.name for path in (TEXTS / "en").glob("*.json"))


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def load(lang: str, area: str) -> dict[str, str]:
    pairs = json.loads((TEXTS / lang / area).read_text("utf-8"), object_pairs_hook=list)
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key stands twice in {lang}/{area}"
    return dict(pairs)


def test_both_languages_have_the_same_areas() -> None:
    assert sorted(path.name for path in (TEXTS / "zh").glob("*.json")) == AREAS


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_have_the_same_keys_and_placeholders(area: str) -> None:
    en, zh = load("en", area), load("zh", area)
    assert en.keys() == zh.keys()
    assert {k: placeholders(v) for k, v in en.items()} == {k: placeholders(v) for k, v in zh.items()}


@pytest.mark.parametrize("area", AREAS)
def test_no_text_is_empty_and_no_placeholder_is_a_position(area: str) -> None:
    for lang in ("en", "zh"):
        for key, text in load(lang, area).items():
            assert text.strip(), f"{lang}: {key}"
            assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in placeholders(text)), f"{lang}: {key}"


def test_no_key_stands_in_two_areas() -> None:
    keys = [key for area in AREAS for key in load("en", area)]
    assert len(keys) == len(set(keys)), sorted({key for key in keys if keys.count(key) > 1})


def test_finding_texts_come_in_threes() -> None:
    codes = {key.split(".")[1] for key in texts("en") if key.startswith("finding.")}
    missing = [
        f"{code}.{part}" for code in codes for part in ("title", "body", "advice") if not has(f"finding.{code}.{part}")
    ]
    assert not missing


def test_every_finding_code_in_the_source_has_its_texts() -> None:
    source = TEXTS.parents[1]
    used = {
        code for path in source.rglob("*.py") for code in re.findall(r'"(GF-[DFSP]\d{3})"', path.read_text("utf-8"))
    }
    assert [code for code in sorted(used) if not has(f"finding.{code}.title")] == []


def test_say_fills_placeholders_and_formats() -> None:
    assert say("cli.interval", "en", low="1 %", high="2 %", n=3) == "95 % interval 1 % to 2 %, n 3"
    assert "区间" in say("cli.interval", "zh", low="1 %", high="2 %", n=3)


def test_unknown_key_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        say("no.such.key")


@pytest.mark.parametrize(
    ("name", "lang"), [("zh_CN.UTF-8", "zh"), ("zh_TW", "zh"), ("en_GB.UTF-8", "en"), ("C", "en"), ("de_DE", "en")]
)
def test_language_follows_the_locale(name: str, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", name)
    assert locale_language() == lang
