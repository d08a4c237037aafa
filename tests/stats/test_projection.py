"""Texts as short vectors: like texts close, unlike ones not, no words no direction."""

from __future__ import annotations

import numpy as np

from goodfit.stats.projection import projected_counts


def test_texts_that_share_rare_words_are_closer_than_those_that_share_none() -> None:
    texts = [[0, 1, 2, 3, 9], [0, 1, 2, 4, 9], [5, 6, 7, 8, 9], []]
    words = np.concatenate([np.array(t, dtype=np.int32) for t in texts])
    found = projected_counts(words, np.cumsum([len(t) for t in texts]), 10)
    unit = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
    assert unit[0] @ unit[1] > 0.4 > abs(unit[0] @ unit[2])
    assert not found[3].any()
    assert np.allclose(found[0] @ found[0], 64)
