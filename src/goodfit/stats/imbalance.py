"""Uneven classes in numbers: how uneven they are, and what each class weighs under the usual remedies.

Sources: King and Zeng 2001 (weights by inverse share); Cui et al. 2019, arXiv:1901.05555 (effective number of samples);
Menon et al. 2021, arXiv:2007.07314 (logit adjustment by the log prior).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

UNEVEN = 10.0  # largest class to smallest from which rebalancing pays; Buda et al. 2018, arXiv:1710.05381, figure 4
BETA = 0.999  # of the effective number: samples beyond about 1 / (1 - beta) of a class add little; Cui et al., table 2
_UNSEEN = 0.5  # samples that a class without any is taken to have, so that its prior has a logarithm


def unevenness(counts: Sequence[int] | np.ndarray) -> float:
    """Largest class over the smallest that has samples; 1 = balanced, also where there is nothing to compare.

    Args:
        counts: (K,) samples of each class.
    """
    present = np.asarray(counts, dtype=np.float64)
    present = present[present > 0]
    return float(present.max() / present.min()) if len(present) else 1.0


def inverse_share(counts: Sequence[int] | np.ndarray) -> np.ndarray:
    """(K,) 1 / share of each class: 0.1 -> 10, 0.9 -> 1.11; 0 for a class without samples.

    Args:
        counts: (K,) samples of each class, not all zero.
    """
    n = np.asarray(counts, dtype=np.float64)
    return np.divide(n.sum(), n, out=np.zeros_like(n), where=n > 0)


def effective_weight(counts: Sequence[int] | np.ndarray, beta: float = BETA) -> np.ndarray:
    """(K,) (1 - beta) / (1 - beta^n): the inverse of a class's effective number of samples; 0 without samples.

    Args:
        counts: (K,) samples of each class.
        beta: in [0, 1): 0 = all classes alike, towards 1 = by inverse count.
    """
    n = np.asarray(counts, dtype=np.float64)
    return np.divide(1 - beta, 1 - beta**n, out=np.zeros_like(n), where=n > 0)


def log_prior(counts: Sequence[int] | np.ndarray) -> np.ndarray:
    """(K,) logarithm of each class's share; a class without samples counts as half a one.

    Args:
        counts: (K,) samples of each class, not all zero.
    """
    n = np.maximum(np.asarray(counts, dtype=np.float64), _UNSEEN)
    return np.asarray(np.log(n / n.sum()))
