"""How different samples are: the effective number of unlike ones, those that others stand for, and clusters.

Sources: Friedman and Dieng 2023, "The Vendi Score", arXiv:2210.02410; Abbas et al. 2023, "SemDeDup", arXiv:2303.09540
(near copies in feature space); Lloyd 1982, and Arthur and Vassilvitskii 2007, "k-means++"; Wei, Iyer and Bilmes 2015,
"Submodularity in data subset selection and active learning" (facility location).
"""

from __future__ import annotations

import numpy as np

from .neighbours import close_pairs

_TURNS = 20  # of Lloyd's; the centres hardly move after ten
_ROWS = 2048
_PARTNERS = 64  # looked at of each sample: a larger crowd is undercounted rather than held in memory


def unit(x: np.ndarray) -> np.ndarray:
    """(N, D) float32 rows of length 1; zeros stay."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def vendi(rows: np.ndarray) -> float:
    """The effective number of unlike samples, 1 to N: exp of the entropy of the eigenvalues of their likeness.

    Args:
        rows: (N, D) of unit length; likeness is their cosine.
    """
    if not len(rows):
        return 0.0
    gram = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
    values = np.linalg.eigvalsh(gram.astype(np.float64) / len(rows))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def redundant(rows: np.ndarray, strata: np.ndarray, least: float) -> np.ndarray:
    """(N,) bool: samples that an earlier one that stays stands for, of the same stratum and so close.

    Args:
        rows: (N, D) unit float32.
        strata: (N,) int64 class.
        least: cosine.
    """
    i, j, _ = close_pairs(rows, rows, least, most=_PARTNERS, ordered=False)
    same = strata[i] == strata[j]
    i, j = i[same], j[same]
    order = np.lexsort((i, j))  # the later one of a pair decides, once all before it are decided
    gone = np.zeros(len(rows), dtype=bool)
    for a, b in zip(i[order].tolist(), j[order].tolist(), strict=True):
        if not gone[a]:
            gone[b] = True
    return gone


def clusters(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, D) centres of length 1 by k-means on the sphere.

    Args:
        rows: (N, D) unit.
        count: at most N.
        rng: for the first centres.
    """
    centres = [rows[rng.integers(len(rows))]]
    near = 1 - rows @ centres[0]
    for _ in range(count - 1):
        chance = np.maximum(near, 0).astype(np.float64)
        pick = rng.choice(len(rows), p=chance / chance.sum()) if chance.sum() > 0 else rng.integers(len(rows))
        centres.append(rows[pick])
        near = np.minimum(near, 1 - rows @ rows[pick])
    found = np.stack(centres)
    for _ in range(_TURNS):
        of = nearest(rows, found)[0]
        sums = np.stack([rows[of == k].sum(0) if (of == k).any() else found[k] for k in range(count)])
        found = unit(sums)
    return found


def nearest(rows: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(place of the closest of the others, its cosine) of each row."""
    place, cosine = np.zeros(len(rows), np.int64), np.full(len(rows), -1.0, np.float32)
    for start in range(0, len(rows), _ROWS) if len(others) else ():
        here = slice(start, start + _ROWS)
        alike = rows[here] @ others.T
        place[here] = alike.argmax(1)
        cosine[here] = alike.max(1)
    return place, cosine


def most_covering(rows: np.ndarray, covered: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(places, gains) of samples that together bring all of them closest to what is known, the best first.

    Args:
        rows: (N, D) unit, N a few thousand.
        covered: (N,) cosine of each to what is known already.
        count: wanted.
    Returns: gain = mean rise of the cosine over all samples.
    """
    alike, best = rows @ rows.T, covered.astype(np.float32).copy()
    places, gains = [], []
    for _ in range(min(count, len(rows))):
        gain = np.maximum(alike - best[None, :], 0).mean(1)
        pick = int(gain.argmax())
        places.append(pick)
        gains.append(float(gain[pick]))
        best = np.maximum(best, alike[pick])
    return np.array(places, dtype=np.int64), np.array(gains)
