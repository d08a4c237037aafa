"""Tokens replaced, swapped and dropped: as many as asked for, the same wherever a batch is cut, marks untouched."""

import numpy as np
import pytest

from goodfit.augment.text_options import TextAugment
from goodfit.augment.texts import TextAlterer, count_words

FIRST, LAST = 1, 2
MARKS = frozenset({FIRST, LAST})
RNG = np.random.default_rng(0)
TEXTS = [np.concatenate([[FIRST], RNG.integers(10, 60, 50), [LAST]]) for _ in range(60)]
PLACES = np.arange(60)


def alterer(**options: float) -> TextAlterer:
    words = count_words(TEXTS, MARKS)
    return TextAlterer(options=TextAugment(**options), seed=5, marks=MARKS, words=words)


def test_words_are_counted_by_hand() -> None:
    words = count_words([np.array([7, 8, 8]), np.array([8, 9, 1])], {1})
    assert words is not None
    assert words.tokens.tolist() == [7, 8, 9]
    assert words.often == pytest.approx([0.2, 0.8, 1.0])
    assert words.rare == pytest.approx([np.log(2), 0.0, np.log(2)])
    assert words.drawn(np.array([0.0, 0.19, 0.21, 0.79, 0.99])).tolist() == [7, 7, 8, 8, 9]
    assert words.rarity(np.array([8, 5])) == pytest.approx([0.0, np.log(2)])
    assert count_words([np.array([1])], {1}) is None


@pytest.mark.parametrize("options", [{"replace": 0.2}, {"swap": 0.3}, {"drop": 0.2}, {"replace": 0.1, "drop": 0.3}])
def test_a_text_depends_on_its_place_and_epoch_and_not_on_its_company(options: dict[str, float]) -> None:
    alter = alterer(**options)
    whole, later = alter(TEXTS, 0, PLACES), alter(TEXTS, 1, PLACES)
    some = np.array([7, 41, 3])
    part = alter([TEXTS[i] for i in some], 0, PLACES[some])
    assert all((a == whole[i]).all() for a, i in zip(part, some, strict=True))
    assert any(len(a) != len(b) or (a != b).any() for a, b in zip(whole, later, strict=True))


@pytest.mark.parametrize("options", [{"replace": 0.9}, {"swap": 0.9}, {"drop": 0.9}])
def test_marks_stay_at_both_ends(options: dict[str, float]) -> None:
    for text in alterer(**options)(TEXTS, 0, PLACES):
        assert (text[0], text[-1]) == (FIRST, LAST)
        assert not np.isin(text[1:-1], list(MARKS)).any()
        assert len(text) >= 3


def test_a_fifth_is_dropped_in_order_and_a_text_of_one_word_keeps_it() -> None:
    altered = alterer(drop=0.2)(TEXTS, 0, PLACES)
    assert sum(map(len, altered)) / sum(map(len, TEXTS)) == pytest.approx(1 - 0.2 * 50 / 52, abs=0.02)
    numbered = [np.arange(100, 150)]
    assert (np.diff(alterer(drop=0.5)(numbered, 0, np.array([0]))[0]) > 0).all()
    single = alterer(drop=0.99)([np.array([FIRST, 30, LAST])] * 20, 0, np.arange(20))
    assert all(text.tolist() == [FIRST, 30, LAST] for text in single)


def test_swapped_texts_hold_the_same_tokens_and_about_the_share_asked_for_has_moved() -> None:
    numbered = [np.arange(100, 200) for _ in range(40)]
    altered = alterer(swap=0.3)(numbered, 0, np.arange(40))
    assert all(sorted(text.tolist()) == list(range(100, 200)) for text in altered)
    moved = np.mean([(a != b).mean() for a, b in zip(altered, numbered, strict=True)])
    assert moved == pytest.approx(0.3, abs=0.03)  # one of a text's chosen tokens stays, on average


def test_words_that_tell_much_are_replaced_less_often_than_common_ones() -> None:
    common, telling = 10, 500
    texts = [np.array([common] * 9 + [telling + i]) for i in range(300)]
    alter = TextAlterer(options=TextAugment(replace=0.2), seed=0, words=count_words(texts))
    altered = alter(texts, 0, np.arange(300))
    assert all(text[9] == telling + i for i, text in enumerate(altered))  # the highest tf-idf is never replaced
    hit = np.mean([(text[:9] != common).mean() for text in altered])
    assert hit == pytest.approx(0.2 * 10 / 9 * 0.1, abs=0.012)  # a tenth of the words drawn are not the common one


def test_a_text_whose_words_all_tell_the_same_is_replaced_evenly() -> None:
    texts = [np.arange(50)] * 200  # each word in every text: rarity 0
    altered = TextAlterer(options=TextAugment(replace=0.3), seed=0, words=count_words(texts))(texts, 0, np.arange(200))
    assert np.mean([(a != b).mean() for a, b in zip(altered, texts, strict=True)]) == pytest.approx(0.3, abs=0.02)
