"""Signatures estimate similarity, and the bands find nearly all pairs that matter."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.stats.minhash import HASHES, jaccard, joined, near_pairs, shingles, signatures

RNG = np.random.default_rng(0)


def changed(words: np.ndarray, share: float) -> np.ndarray:
    """A copy with one run of its words replaced."""
    copy = words.copy()
    count = int(share * len(words))
    copy[:count] = RNG.integers(100_000, 200_000, count)
    return copy


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_signature_estimates_the_similarity(share: float) -> None:
    texts = [RNG.integers(0, 5000, 200) for _ in range(100)]
    others = [changed(text, share) for text in texts]
    a, b = signatures(texts, 4), signatures(others, 4)
    exact = np.array([jaccard(x, y, 4) for x, y in zip(texts, others, strict=True)])
    assert a.shape == (100, HASHES)
    assert abs((a == b).mean(1) - exact).mean() < 0.06
    assert abs((a == b).mean() - exact.mean()) < 0.02


def test_near_copies_among_many_are_found_and_few_others_are_looked_at() -> None:
    texts = [RNG.integers(0, 5000, 150) for _ in range(1000)]
    copies = [changed(text, 0.1) for text in texts[:100]]
    pairs = set(near_pairs(signatures(texts + copies, 4)))
    assert sum((i, 1000 + i) in pairs for i in range(100)) >= 98
    assert len(pairs) < 300


def test_text_that_is_copied_many_hundred_times_is_not_overlooked() -> None:
    text = RNG.integers(0, 5000, 100)
    pairs = near_pairs(signatures([text] * 500 + [RNG.integers(0, 5000, 100) for _ in range(20)], 4))
    assert joined(pairs) == [list(range(500))]


def test_short_texts_have_one_shingle_and_equal_texts_are_equal() -> None:
    assert len(shingles(np.array([3, 4]), 4)) == 1
    assert jaccard(np.array([3, 4]), np.array([3, 4]), 4) == 1.0
    assert jaccard(np.array([3, 4]), np.array([4, 3]), 4) == 0.0
    assert len(shingles(np.empty(0, np.int64), 4)) == 0
