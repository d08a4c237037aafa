"""Look at every text once: what it says, how long it is, and its words as numbers for the checks between texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .scanned import Progress, Scan
from .texts import Texts, digest
from .words import clean, east_share, has_markup, words

CHUNK = 500  # texts between two words of progress


@dataclass(frozen=True, kw_only=True)
class TextScan(Scan):
    """What is in each text.

    Attributes:
        length: (N,) int64, words.
        chars: (N,) int64, characters as stored.
        markup: (N,) bool, whether tags or entities stand in it.
        east: (N,) float32, share of Han, kana and hangul among its characters.
        words: (T,) int32, the words of all texts, one after the other, as places in `vocabulary`.
        ends: (N,) int64, where the words of each text end.
        vocabulary: the words.
    """

    length: np.ndarray
    chars: np.ndarray
    markup: np.ndarray
    east: np.ndarray
    words: np.ndarray
    ends: np.ndarray
    vocabulary: tuple[str, ...]

    def of(self, i: int) -> np.ndarray:
        """Words of text i."""
        return self.words[self.ends[i] - self.length[i] : self.ends[i]]


def scan_texts(dataset: Texts, cache: Path, workers: int | None = None, progress: Progress | None = None) -> TextScan:
    """What each text holds; one without a word is `empty`. Nothing is kept for the next time, at 0.2 ms a text."""
    n = len(dataset)
    place: dict[str, int] = {}
    chars, markup, east = np.zeros(n, np.int64), np.zeros(n, bool), np.zeros(n, np.float32)
    seen = np.full(n, "", dtype=object)
    found: list[np.ndarray] = []
    for i, text in _watched(dataset, progress):
        plain = clean(text)
        tokens = words(plain)
        chars[i], markup[i], east[i] = len(text), has_markup(text), east_share(plain)
        found.append(np.array([place.setdefault(token, len(place)) for token in tokens], dtype=np.int32))
        seen[i] = digest(_spoken(plain)) if tokens else ""
    length = np.array([len(tokens) for tokens in found], dtype=np.int64)
    return TextScan(
        ok=length > 0,
        fault=np.array([*("" if k else "empty" for k in length), None], dtype=object)[:-1],
        content=dataset.contents,
        seen=seen,
        length=length,
        chars=chars,
        markup=markup,
        east=east,
        words=np.concatenate([*found, np.empty(0, np.int32)]),
        ends=np.cumsum(length),
        vocabulary=tuple(place),
    )


def _watched(dataset: Texts, progress: Progress | None) -> Iterator[tuple[int, str]]:
    n = len(dataset)
    for i in range(n):
        yield i, dataset[i]
        if progress is not None and ((i + 1) % CHUNK == 0 or i + 1 == n):
            progress(i + 1, n)


def _spoken(text: str) -> str:
    """What remains of a text where case, width of characters and blanks do not count."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())
