"""What a text says: markup out, words of any script, characters where no blanks part them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodfit.data.words import clean, east_share, has_markup, words


@pytest.mark.parametrize(
    ("stored", "plain"),
    [
        ("A fine film.<br /><br />Go &amp; see it", "A fine film.\n\nGo & see it"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
        ("<p class='a'>x</p><!-- no --><b>y</b>", "x\n y"),
        ("tab\t  blanks", "tab blanks"),
        ("a\0b", "ab"),
    ],
)
def test_markup_goes_and_what_only_looks_like_it_stays(stored: str, plain: str) -> None:
    assert clean(stored) == plain


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It's GOOD, really-good!", ["it's", "good", ",", "really", "-", "good", "!"]),
        ("中文ABC新闻2026", ["中", "文", "abc", "新", "闻", "2026"]),
        ("Über naïve Приме́р", ["über", "naïve", "приме", "́", "р"]),
        ("   ", []),
        ("snake_case", ["snake", "case"]),
    ],
)
def test_words_of_many_scripts(text: str, tokens: list[str]) -> None:
    assert words(text) == tokens


@given(st.text())
def test_any_text_has_words_or_none_and_cleaning_twice_changes_no_word(text: str) -> None:
    once = clean(text)
    assert all(word.strip() for word in words(once))
    assert 0 <= east_share(once) <= 1


def test_markup_is_told_from_signs() -> None:
    assert has_markup("a<br/>b")
    assert has_markup("&quot;a&quot;")
    assert not has_markup("a < b & c > d")


def test_share_of_chinese() -> None:
    assert east_share("中文 ab") == pytest.approx(0.5)
    assert east_share("") == 0
