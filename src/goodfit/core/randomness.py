"""Counter-based random numbers: a pure function of (seed, epoch, position), so that neither workers nor cuts matter.

Source: the SplitMix64 finaliser, Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
"""

from __future__ import annotations

import numpy as np

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF


def _mix(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def key(*parts: int) -> int:
    """One 64-bit key from whole numbers; order matters."""
    state = 0
    for part in parts:
        with np.errstate(over="ignore"):
            state = int(_mix(np.array([(state + _GOLDEN + (part & _MASK)) & _MASK], dtype=np.uint64))[0])
    return state


def uniform(seed: int, epoch: int, positions: np.ndarray, draws: int, stream: int = 0) -> np.ndarray:
    """Uniform numbers in [0, 1) for each position of an epoch.

    Args:
        seed: the recipe's seed.
        epoch: epoch number from 0.
        positions: (N,) positions within the epoch, from 0.
        draws: numbers wanted for each position.
        stream: keeps independent uses apart (shuffle, geometry, colour).
    Returns: (N, draws) float64.
    """
    base = np.uint64(key(seed, epoch, stream))
    with np.errstate(over="ignore"):
        counter = np.asarray(positions, dtype=np.uint64)[:, None] * np.uint64(draws) + np.arange(draws, dtype=np.uint64)
        bits = _mix(_mix(counter * np.uint64(_GOLDEN) + base) + base)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(seed: int, epoch: int, n: int, stream: int = 0) -> np.ndarray:
    """(n,) int64, a shuffle of range(n) that depends on (seed, epoch, stream) alone."""
    return np.argsort(uniform(seed, epoch, np.arange(n), 1, stream)[:, 0], kind="stable")


def generator(*parts: int) -> np.random.Generator:
    """A numpy generator keyed by whole numbers."""
    return np.random.Generator(np.random.Philox(key(*parts)))
