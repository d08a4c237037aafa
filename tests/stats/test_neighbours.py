"""Close pairs of vectors, exactly and by random planes."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.stats.neighbours import close_pairs


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def planted(count: int, pairs: int, spread: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 63))
    x[:pairs] = x[-pairs:] + spread * rng.normal(size=(pairs, 63))
    return unit(x)


def test_pairs_are_those_of_all_products() -> None:
    x = planted(300, 20, 0.3)
    i, j, cosine = close_pairs(x, x, 0.7, ordered=False)
    whole = np.triu(x @ x.T, 1)
    assert {*zip(i.tolist(), j.tolist(), strict=True)} == {*map(tuple, np.argwhere(whole >= 0.7).tolist())}
    np.testing.assert_allclose(cosine, whole[i, j], rtol=1e-5)
    a, b, _ = close_pairs(x, x, 0.7)
    assert len(a) == 2 * len(i)
    assert (a != b).all()


def test_of_each_row_the_closest_are_kept() -> None:
    x = unit(np.random.default_rng(0).normal(size=(50, 3)))
    i, j, cosine = close_pairs(x, x, -1.0, most=2)
    whole = x @ x.T - 9 * np.eye(50)
    assert len(i) == 100
    for row in range(50):
        assert set(j[i == row]) == set(np.argsort(-whole[row])[:2])
    assert cosine.min() > 0


@pytest.mark.parametrize(("spread", "recall"), [(0.2, 0.99), (0.45, 0.9)])
def test_random_planes_find_nearly_all(spread: float, recall: float) -> None:
    x = planted(3000, 200, spread)
    i, j, _ = close_pairs(x, x, 0.8, ordered=False, exact=0)
    found = {*zip(i.tolist(), j.tolist(), strict=True)}
    true = {(k, 2800 + k) for k in range(200) if x[k] @ x[2800 + k] >= 0.8}
    assert len(true) > 150
    assert len(true & found) >= recall * len(true)


def test_zeros_are_close_to_nothing() -> None:
    x = np.zeros((5, 63), dtype=np.float32)
    assert len(close_pairs(x, x, 0.5)[0]) == 0
