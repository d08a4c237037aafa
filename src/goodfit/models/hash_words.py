"""A tokenizer without a vocabulary: each word becomes a hash, so that nothing is fitted, stored or leaked.

Source: hash embeddings, Svenstrup et al. 2017, arXiv:1709.03933: two rows a word, so that two words seldom share both.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..data.text_loader import Encoded
from ..data.words import words

BUCKETS = 1 << 15  # rows of each table; two of them tell 2^30 words apart


class HashWords:
    """See `data.text_loader.Tokenizer`; a token is a 30-bit hash, 0 fills."""

    identity = "words crc32 1"
    pad = 0
    marks: frozenset[int] = frozenset()

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Hashes of the words of clean texts; a text without words is one token that means nothing."""
        known: dict[str, int] = {}
        rows = []
        for text in texts:
            found = words(text)
            for word in found:
                if word not in known:
                    known[word] = max(1, zlib.crc32(word.encode("utf-8", "surrogatepass")) & ((1 << 30) - 1))
            rows.append(np.array([known[word] for word in found] or [1], dtype=np.int64))
        return Encoded(ids=np.concatenate([*rows, np.empty(0, np.int64)]), ends=np.cumsum([len(row) for row in rows]))


class HashEmbedding(nn.Module):
    """Two rows a token, summed.

    Args:
        width: of a row.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.low, self.high = nn.Embedding(BUCKETS, width), nn.Embedding(BUCKETS, width)
        for table in (self.low, self.high):
            nn.init.normal_(table.weight, 0, (2 * width) ** -0.5)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, L) int64 hashes -> (B, L, width)."""
        return torch.as_tensor(self.low(ids & (BUCKETS - 1)) + self.high(ids >> 15))
