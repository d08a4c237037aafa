"""Texts as short vectors without any training: rare words weigh more, and signs drawn at random mix them down.

Sources: Achlioptas 2003, "Database-friendly random projections", doi:10.1016/S0022-0000(03)00025-4; inverse document
frequency, Sparck Jones 1972.
"""

from __future__ import annotations

import numpy as np

DIRECTIONS = 64
_ROWS = 200_000  # words mixed at once


def projected_counts(words: np.ndarray, ends: np.ndarray, vocabulary: int, directions: int = DIRECTIONS) -> np.ndarray:
    """(N, directions) float64 vectors of deviation about 1 a direction; zeros for a text without words.

    Args:
        words: (T,) int, the words of all texts one after the other, places in a vocabulary.
        ends: (N,) where the words of each text end.
        vocabulary: size of it.
    """
    found = np.zeros((len(ends), directions))
    if not len(words):
        return found
    text = np.searchsorted(ends, np.arange(len(words)), side="right")
    pairs, counts = np.unique(text.astype(np.int64) * vocabulary + words, return_counts=True)
    text, word = np.divmod(pairs, vocabulary)
    rarity = np.log(len(ends) / np.maximum(np.bincount(word, minlength=vocabulary), 1))
    weight = (1 + np.log(counts)) * rarity[word]
    signs = np.random.default_rng(0).integers(0, 2, (vocabulary, directions), dtype=np.int8) * 2 - 1
    for start in range(0, len(text), _ROWS):
        here = slice(start, start + _ROWS)
        np.add.at(found, text[here], weight[here, None] * signs[word[here]])
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.maximum(length, 1e-9) * np.sqrt(directions))
