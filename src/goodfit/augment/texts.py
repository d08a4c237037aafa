"""Replace, swap and drop tokens of training texts by chance.

Every random number is a function of (seed, epoch, place of the text, place in it), so that batches and cuts change
nothing. A text keeps its marks (beginning, end) where they are, and at least one token beside them.
Sources: Wei and Zou 2019, arXiv:1901.11196 (swap and drop); Xie et al. 2020, arXiv:1904.12848 (which tokens are
replaced: those of low tf-idf); Xie et al. 2017, arXiv:1703.02573 (by which: drawn as often as the training texts have
them).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ..core import randomness
from .text_options import TextAugment

TEXT = 10  # stream of core.randomness
_LONGEST = 1 << 24  # tokens of a text at most, so that no two texts share their numbers


@dataclass(frozen=True, kw_only=True)
class Words:
    """What the training texts say of their tokens.

    Attributes:
        tokens: (V,) int64, sorted.
        often: (V,) share of all tokens up to and with this one; the last is 1.
        rare: (V,) log of texts over texts that hold it; 0 = in every text.
        unknown: `rare` of a token that none of them holds.
    """

    tokens: np.ndarray
    often: np.ndarray
    rare: np.ndarray
    unknown: float

    def rarity(self, ids: np.ndarray) -> np.ndarray:
        """(T,) `rare` of some tokens."""
        place = np.searchsorted(self.tokens, ids).clip(max=len(self.tokens) - 1)
        found: np.ndarray = np.where(self.tokens[place] == ids, self.rare[place], self.unknown)
        return found

    def drawn(self, chance: np.ndarray) -> np.ndarray:
        """(T,) tokens, each as often as the texts have it, for numbers in [0, 1)."""
        picked: np.ndarray = self.tokens[np.searchsorted(self.often, chance, side="right")]
        return picked


def count_words(texts: Sequence[np.ndarray], marks: Collection[int] = ()) -> Words | None:
    """Count the tokens of some texts; None where there are none but marks.

    Args:
        texts: token numbers of each.
        marks: tokens that are no words.
    """
    row, ids = _joined(texts)
    words = ~np.isin(ids, list(marks))
    if not words.any():
        return None
    tokens, place, counts = np.unique(ids[words], return_inverse=True, return_counts=True)
    held = np.unique(row[words] * np.int64(len(tokens)) + place) % len(tokens)
    share = np.cumsum(counts) / counts.sum()
    share[-1] = 1.0
    return Words(
        tokens=tokens,
        often=share,
        rare=np.log(len(texts) / np.bincount(held, minlength=len(tokens))),
        unknown=float(np.log(len(texts))),
    )


@dataclass(frozen=True, kw_only=True)
class TextAlterer:
    """Training texts in, altered ones out; called by the loader.

    Attributes:
        options: how far chance may go.
        seed: the recipe's seed.
        marks: tokens that stay what and where they are.
        words: of the training texts; None = nothing is replaced.
    """

    options: TextAugment
    seed: int
    marks: frozenset[int] = frozenset()
    words: Words | None = None

    def __call__(self, texts: Sequence[np.ndarray], epoch: int, places: np.ndarray) -> list[np.ndarray]:
        """One batch.

        Args:
            texts: B arrays of token numbers.
            epoch: number of the epoch.
            places: (B,) what tells the texts of an epoch apart.
        Returns: B arrays, none empty that was not.
        """
        row, ids = _joined(texts)
        start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(texts)))])
        within = np.arange(len(ids)) - start[row]
        draws = randomness.uniform(self.seed, epoch, np.asarray(places)[row] * _LONGEST + within, 5, TEXT).T
        free = ~np.isin(ids, list(self.marks))
        if self.options.replace and self.words is not None:
            hit = free & (draws[0] < self._chances(row, ids, free))
            ids = np.where(hit, self.words.drawn(draws[1]), ids)
        if self.options.swap:
            ids = _swapped(ids, row, free & (draws[2] < self.options.swap), draws[3])
        if self.options.drop:
            kept = ~free | (draws[4] >= self.options.drop)
            kept[_last_ones(row, free, kept, draws[4])] = True
            row, ids = row[kept], ids[kept]
        return np.split(ids, np.cumsum(np.bincount(row, minlength=len(texts)))[:-1])

    def _chances(self, row: np.ndarray, ids: np.ndarray, free: np.ndarray) -> np.ndarray:
        """(T,) chance of being replaced: in proportion to how far a token's tf-idf lies below its text's highest."""
        assert self.words is not None
        _, same, times = np.unique(np.stack([row, ids]), axis=1, return_inverse=True, return_counts=True)
        weight = np.where(free, times[same.reshape(-1)] * self.words.rarity(ids), 0.0)  # the length cancels out
        highest = np.zeros(row.max() + 1)
        np.maximum.at(highest, row, weight)
        below = np.where(free, highest[row] - weight, 0.0)
        mean = np.bincount(row, below) / np.maximum(np.bincount(row, free), 1)
        even = mean[row] <= 0  # all tokens tell the same
        chance: np.ndarray = np.where(even, 1.0, below / np.where(even, 1.0, mean[row])) * self.options.replace
        return chance


def _joined(texts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(T,) number of its text, and the token, of all tokens."""
    row = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    return row, np.concatenate([*texts, np.empty(0, np.int64)])


def _swapped(ids: np.ndarray, row: np.ndarray, chosen: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The chosen tokens of each text in another order."""
    at = np.flatnonzero(chosen)
    swapped = ids.copy()
    swapped[at] = ids[at[np.lexsort((keys[at], row[at]))]]
    return swapped


def _last_ones(row: np.ndarray, free: np.ndarray, kept: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """One token of each text that would lose all of its own: the one nearest to being kept."""
    n = int(row.max(initial=-1)) + 1
    left = np.bincount(row[free & kept], minlength=n)
    at = np.flatnonzero(free & (left[row] == 0))
    best = at[np.lexsort((-keys[at], row[at]))]
    first = np.unique(row[best], return_index=True)[1]
    return best[first]
