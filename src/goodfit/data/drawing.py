"""Which samples an epoch of training shows where classes are drawn anew; always as many as there are samples.

An epoch of n samples stays n samples long, so that passes cost and mean the same whatever is drawn. Each class goes
through shuffles of its own samples, so none is shown twice before all of it were shown once.

Sources: Buda et al. 2018, arXiv:1710.05381 (over- and undersampling); Kang et al. 2020, arXiv:1910.09217 (sampling
that is balanced over classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from ..core import randomness

Drawing = Literal["oversample", "undersample", "sampler"]
_ORDER, _CLASS, _SUBSET, _ROUND = 0, 61, 62, 63  # streams of core.randomness; 0 is the shuffle of an epoch


class Draw:
    """The samples of each epoch, drawn so that classes are seen equally often.

    Args:
        target: (n,) int64 classes of the samples that are drawn from.
        how: oversample = each class as often, the rare ones repeated, in random order; sampler = the same, and every K
            samples in a row hold each of the K classes once; undersample = of each class only as many samples as the
            rarest has, the same in every epoch, shown again and again.
        seed: the recipe's seed.
    """

    def __init__(self, target: np.ndarray, how: Drawing, seed: int) -> None:
        self.how, self.seed, self._n = how, seed, len(target)
        self._pools = [np.flatnonzero(target == k) for k in np.unique(target)]
        if how == "undersample":
            least = min(map(len, self._pools))
            self._pools = [
                pool[randomness.permutation(seed, k, len(pool), _SUBSET)[:least]] for k, pool in enumerate(self._pools)
            ]

    def __len__(self) -> int:
        return self._n

    def order(self, epoch: int) -> np.ndarray:
        """(n,) int64 places among the samples, in the order in which epoch number `epoch` shows them."""
        picks = [self._picks(k, epoch) for k in range(len(self._pools))]
        if self.how == "sampler":
            return self._interleaved(picks, epoch)
        return np.concatenate(picks)[randomness.permutation(self.seed, epoch, self._n, _ORDER)]

    def _picks(self, k: int, epoch: int) -> np.ndarray:
        """What the epoch shows of class k: a stretch of its endless sequence of shuffles."""
        pool, (first, last) = self._pools[k], (self._shown(k, epoch), self._shown(k, epoch + 1))
        rounds = range(first // len(pool), (last - 1) // len(pool) + 1)
        shuffles = [randomness.permutation(self.seed, turn, len(pool), _CLASS + (k << 8)) for turn in rounds]
        if not shuffles:
            return np.empty(0, dtype=np.int64)
        start = rounds[0] * len(pool)
        return np.asarray(pool[np.concatenate(shuffles)[first - start : last - start]])

    def _shown(self, k: int, epoch: int) -> int:
        """Samples of class k before this epoch; over all classes they sum to epoch x n (Hermite's identity)."""
        return (epoch * self._n + k) // len(self._pools)

    def _interleaved(self, picks: list[np.ndarray], epoch: int) -> np.ndarray:
        """Round after round each class once, in random order within the round."""
        chance = randomness.uniform(self.seed, epoch, np.arange(self._n), 1, _ROUND)[:, 0]
        turn = np.concatenate([np.arange(len(picked)) for picked in picks])
        return np.concatenate(picks)[np.lexsort((chance, turn))]


def repeated_share(counts: Sequence[int] | np.ndarray) -> np.ndarray:
    """(K,) share of each class's samples in an oversampled epoch that are repeats; 0 for a class that has enough.

    Args:
        counts: (K,) samples of each class.
    """
    n = np.asarray(counts, dtype=np.float64)
    shown = n.sum() / max(1, int((n > 0).sum()))
    return np.asarray(np.where(n > 0, np.maximum(0.0, 1 - n / shown), 0.0))


def draw_of(target: np.ndarray, how: str, seed: int) -> Draw | None:
    """The drawing that a recipe's `train.rebalance` names; None where it draws nothing.

    Args:
        target: (n,) classes of the training samples.
        how: of the recipe; `interpolate` draws as `oversample` does.
        seed: the recipe's seed.
    """
    drawings: dict[str, Drawing] = {
        "oversample": "oversample",
        "interpolate": "oversample",
        "undersample": "undersample",
        "sampler": "sampler",
    }
    return Draw(target, drawings[how], seed) if how in drawings else None
