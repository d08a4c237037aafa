"""N-grams against a plain count by hand, and what a vocabulary leaves out."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goodfit.models.ngrams import fit_ngrams

TEXTS = st.lists(st.lists(st.sampled_from("abcd"), max_size=8), min_size=1, max_size=12)


def by_hand(texts: list[list[str]], order: int, least: int) -> list[dict[str, int]]:
    often = {w for w in "abcd" if sum(w in t for t in texts) >= least}
    found = []
    for text in texts:
        grams = set()
        for n in range(1, order + 1):
            for i in range(len(text) - n + 1):
                if all(w in often for w in text[i : i + n]):
                    grams.add(" ".join(text[i : i + n]))
        found.append(grams)
    counts: dict[str, int] = {}
    for grams in found:
        for gram in grams:
            counts[gram] = counts.get(gram, 0) + 1
    return [{gram: 1 for gram in grams if counts[gram] >= least} for grams in found]


@given(TEXTS, st.integers(1, 3), st.integers(1, 3))
def test_rows_are_what_a_count_by_hand_gives(texts: list[list[str]], order: int, least: int) -> None:
    ngrams, rows = fit_ngrams(texts, order, least)
    named = [{ngrams.name(int(c)): 1 for c in rows[i].indices} for i in range(len(texts))]
    assert named == by_hand(texts, order, least)
    assert (ngrams.rows(texts) != rows).nnz == 0
    assert set(np.unique(rows.data)) <= {1.0}


def test_unknown_words_break_ngrams_and_unseen_ones_are_left_out() -> None:
    ngrams, _ = fit_ngrams([["a", "b"], ["a", "b"]], 2, 1)
    row = ngrams.rows([["a", "x", "b"], ["b", "a"], []])
    assert [sorted(ngrams.name(int(c)) for c in row[i].indices) for i in range(3)] == [["a", "b"], ["a", "b"], []]
    assert row.shape == (3, 3)
