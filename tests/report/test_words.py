"""Words in two languages: paired, escaped, and none missing."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
from markupsafe import Markup, escape

import goodfit.report
from goodfit.core.messages import texts
from goodfit.report import words

ROOM = Path(goodfit.report.__file__).parent


def test_words_show_two_spans_and_one_piece_where_the_languages_agree() -> None:
    assert escape(words.both("part.train")) == '<span lang="en">train</span><span lang="zh">训练集</span>'
    assert escape(words.both("metric.r2")) == "R²"


def test_placeholders_are_escaped_and_words_inside_words_keep_their_language() -> None:
    said = words.both("tried.kept", arm=words.both("tried.base"))
    assert said.en == "Kept: no change."
    assert "不作改变" in said.zh
    assert words.both("tried.kept", arm="<b>\n").en == "Kept: &lt;b&gt;\\n."
    assert words.both("tried.kept", arm=Markup("<b>")).en == "Kept: <b>."


def test_foreign_sentence_without_its_numbers_is_none() -> None:
    assert words.foreign("report.more", {"n": 3}) is not None
    assert words.foreign("report.more", {}) is None
    assert words.foreign("no.such.key", {}) is None


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (4.25, "4.2 s", "4.2 秒"),
        (59.7, "1 min", "1 分钟"),
        (723, "12 min 3 s", "12 分 3 秒"),
        (3840, "1 h 4 min", "1 小时 4 分"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, english: str, chinese: str) -> None:
    said = words.duration(seconds)
    assert (said.en, said.zh) == (english, chinese)


def test_numbers_are_short_and_units_are_named() -> None:
    assert words.percent(0.91349) == "91.3%"
    assert words.score_text(6.0234, is_share=False) == "6.023"
    assert words.points(-0.0123, is_share=True) == "−1.2"
    assert words.digits(1234567.0) == "1,234,567"
    assert words.size(4_680_000) == "4.68 MB"
    assert words.short_count(1_170_000) == words.Words(Markup("1.17 M"), Markup("117 万"))
    assert words.digits(float("nan")) == words.percent(None) == "–"


def test_any_json_value_has_words() -> None:
    assert words.value_text({"a<b": [1, None, True]}).en == "a&lt;b 1, none, yes"


def test_every_sentence_that_the_room_says_stands_in_both_catalogues() -> None:
    said = set()
    for file in ROOM.glob("*.py"):
        said |= set(re.findall(r'both\(\s*"([a-z_.0-9]+)"', file.read_text("utf-8")))
    said |= set(re.findall(r"t\('([a-z_.]+[a-z_])'", (ROOM / "template.html").read_text("utf-8")))
    assert len(said) > 80
    for lang in ("en", "zh"):
        assert {f"report.{key}" for key in said} <= texts(lang).keys()


def test_both_catalogues_have_the_same_keys_and_placeholders() -> None:
    fields = lambda text: {name for _, name, _, _ in Formatter().parse(text) if name}  # noqa: E731
    mine = {k: v for k, v in texts("en").items() if k.startswith("report.")}
    theirs = {k: v for k, v in texts("zh").items() if k.startswith("report.")}
    assert mine.keys() == theirs.keys()
    assert [k for k in mine if fields(mine[k]) != fields(theirs[k])] == []
