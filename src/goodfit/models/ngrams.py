"""Which n-grams of words or characters occur in a text: a vocabulary made from training texts, and sparse 0/1 rows.

An n-gram is up to three word numbers packed into one int64, so that a million of them are one sorted array.

Source: Wang and Manning 2012, "Baselines and Bigrams" (presence instead of counts); Mesnil et al. 2014,
arXiv:1412.5335 (trigrams).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

BITS = 21  # of one word number
MOST_WORDS = (1 << BITS) - 2


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Words of some texts as numbers.

    Attributes:
        ids: (T,) int64 word numbers from 1, 0 = unknown, one text after the other.
        owner: (T,) int64 text of each word.
        texts: how many texts.
    """

    ids: np.ndarray
    owner: np.ndarray
    texts: int


@dataclass(frozen=True, kw_only=True)
class Ngrams:
    """A vocabulary of n-grams.

    Attributes:
        words: word of number k + 1 at place k.
        keys: (F,) int64 sorted packed n-grams; the place of one is its column.
        order: longest n-gram.
    """

    words: tuple[str, ...]
    keys: np.ndarray
    order: int

    def __len__(self) -> int:
        return len(self.keys)

    def rows(self, texts: Sequence[Sequence[str]]) -> csr_matrix:
        """(N, F) float32 matrix, 1 where an n-gram occurs.

        Args:
            texts: words of N texts.
        """
        place = {word: number for number, word in enumerate(self.words, start=1)}
        tokens = numbered(texts, place)
        columns, owners = [], []
        for keys, owner in _packed(tokens, self.order):
            where, known = _places(self.keys, keys)
            columns.append(where[known])
            owners.append(owner[known])
        return _matrix(np.concatenate(owners), np.concatenate(columns), (tokens.texts, len(self.keys)))

    def name(self, column: int, joint: str = " ") -> str:
        """The n-gram of a column in words."""
        key, found = int(self.keys[column]), []
        while key:
            found.append(self.words[(key & ((1 << BITS) - 1)) - 1])
            key >>= BITS
        return joint.join(reversed(found))


def fit_ngrams(texts: Sequence[Sequence[str]], order: int = 3, least: int = 2) -> tuple[Ngrams, csr_matrix]:
    """The vocabulary of training texts, and their rows.

    Args:
        texts: words of N texts.
        order: longest n-gram, 1 to 3.
        least: texts that an n-gram must occur in.
    """
    place: dict[str, int] = {}
    for text in texts:
        for word in text:
            place.setdefault(word, len(place) + 1)
    tokens = numbered(texts, place)
    kept = _frequent(tokens, len(place), least)
    words = tuple(word for word, keep in zip(place, kept[1:], strict=True) if keep)
    renumbered = np.cumsum(kept) * kept
    tokens = Tokens(ids=renumbered[tokens.ids], owner=tokens.owner, texts=tokens.texts)
    keys, columns, owners, first = [], [], [], 0
    for packed, owner in _packed(tokens, order):
        found, counts = np.unique(packed, return_counts=True)
        found = found[counts >= least]  # occurs so often, if not yet in so many texts: most n-grams occur once
        column, known = _places(found, packed)
        pairs = np.unique(column[known] * tokens.texts + owner[known])
        column, owner = pairs // tokens.texts, pairs % tokens.texts
        often = np.bincount(column, minlength=len(found)) >= least
        new = np.cumsum(often) - 1 + first
        keep = often[column]
        keys.append(found[often])
        columns.append(new[column[keep]])
        owners.append(owner[keep])
        first += int(often.sum())
    order_of = np.argsort(np.concatenate(keys), kind="stable")
    rank = np.empty(len(order_of), dtype=np.int64)
    rank[order_of] = np.arange(len(order_of))
    every = np.concatenate(keys)[order_of]
    matrix = _matrix(np.concatenate(owners), rank[np.concatenate(columns)], (tokens.texts, len(every)))
    return Ngrams(words=words, keys=every, order=order), matrix


def numbered(texts: Sequence[Sequence[str]], place: dict[str, int]) -> Tokens:
    """Texts as word numbers, 0 for words that `place` does not hold."""
    counts = np.array([len(text) for text in texts], dtype=np.int64)
    ids = np.fromiter((place.get(word, 0) for text in texts for word in text), dtype=np.int64, count=int(counts.sum()))
    return Tokens(ids=ids, owner=np.repeat(np.arange(len(texts)), counts), texts=len(texts))


def _frequent(tokens: Tokens, words: int, least: int) -> np.ndarray:
    """(words + 1,) bool, whether a word occurs in enough texts; the commonest where there are too many."""
    pairs = np.unique(tokens.ids * tokens.texts + tokens.owner)
    often = np.bincount(pairs // max(1, tokens.texts), minlength=words + 1)
    often[0] = 0
    if (often >= least).sum() > MOST_WORDS:
        least = max(least, int(np.partition(often, -MOST_WORDS)[-MOST_WORDS]) + 1)
    return np.asarray(often >= least)


def _places(among: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(place of each key in a sorted array, whether it stands there)."""
    if not len(among):
        return np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=bool)
    where = np.minimum(np.searchsorted(among, keys), len(among) - 1)
    return where, among[where] == keys


def _packed(tokens: Tokens, order: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(packed n-grams, their texts) of each length; none crosses a text's end or an unknown word."""
    found = []
    for n in range(1, order + 1):
        last = max(0, len(tokens.ids) - n + 1)
        key, whole = np.zeros(last, dtype=np.int64), np.ones(last, dtype=bool)
        for k in range(n):
            ids = tokens.ids[k : k + last]
            key = (key << BITS) | ids
            whole &= ids > 0
        whole &= tokens.owner[:last] == tokens.owner[n - 1 : n - 1 + last]
        found.append((key[whole], tokens.owner[:last][whole]))
    return found


def _matrix(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    matrix = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
