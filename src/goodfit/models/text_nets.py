"""Small text networks that are trained from scratch: convolutions over words, a recurrent net, an encoder.

Each takes {"ids": (B, L) int64, "mask": (B, L) bool} and gives (B, K).

Sources: Kim 2014, arXiv:1408.5882 (convolutions of three widths, largest value over time); Cho et al. 2014,
arXiv:1406.1078 (GRU) and Hochreiter and Schmidhuber 1997 (LSTM); Vaswani et al. 2017, arXiv:1706.03762, with norms
before each block as in Xiong et al. 2020, arXiv:2002.04745; mean and largest value over time as in Howard and Ruder
2018, arXiv:1801.06146.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import RecipeError
from .hash_words import HashEmbedding

WIDTHS = (3, 4, 5)  # words that a convolution sees; Kim 2014
POSITIONS = 2048  # longest text of our own encoder, in words
NAMES = ("textcnn", "gru", "lstm", "text_transformer")


def build_text_net(name: str, outputs: int, width: int, depth: int, dropout: float) -> nn.Module:
    """One of NAMES.

    Args:
        name: of the network.
        outputs: K.
        width: of a word's vector, and of what follows.
        depth: layers, where the family has them.
        dropout: share of features dropped before the head.
    Raises: RecipeError for another name.
    """
    if name == "textcnn":
        return TextCNN(outputs, width, dropout)
    if name in ("gru", "lstm"):
        if width % 2:
            raise RecipeError(
                "a net that reads in both directions needs an even width",
                got=width,
                do=f"set {width + 1}",
                where="model.width",
            )
        return TextRNN(name, outputs, width, depth, dropout)
    if name == "text_transformer":
        return TextTransformer(outputs, width, depth, dropout)
    raise RecipeError(
        "no such text network", got=name, allowed=", ".join(NAMES), do="choose one of these", where="model.name"
    )


class TextCNN(nn.Module):
    """Convolutions of three widths over word vectors; the largest value of each feature over the text."""

    def __init__(self, outputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.embed = HashEmbedding(width)
        self.convs = nn.ModuleList(nn.Conv1d(width, width, k, padding=k // 2) for k in WIDTHS)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(width * len(WIDTHS), outputs)

    def forward(self, inputs: Mapping[str, Any]) -> Tensor:
        """See the module."""
        mask = inputs["mask"]
        x = (self.embed(inputs["ids"]) * mask[..., None]).transpose(1, 2)
        found = [_largest(F.relu(conv(x))[:, :, : mask.shape[1]], mask) for conv in self.convs]
        return torch.as_tensor(self.head(self.drop(torch.cat(found, 1))))


class TextRNN(nn.Module):
    """A recurrent net in both directions; mean and largest value over the text."""

    def __init__(self, cell: str, outputs: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.embed = HashEmbedding(width)
        kind = nn.GRU if cell == "gru" else nn.LSTM
        self.rnn = kind(width, width // 2, num_layers=depth, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width, outputs)

    def forward(self, inputs: Mapping[str, Any]) -> Tensor:
        """See the module."""
        mask = inputs["mask"]
        x = self.drop(self.embed(inputs["ids"]))
        found = self.rnn(x)[0]  # texts of a batch are of about one length, so nothing is packed
        both = torch.cat([_mean(found, mask), _largest(found.transpose(1, 2), mask)], 1)
        return torch.as_tensor(self.head(self.drop(both)))


class TextTransformer(nn.Module):
    """An encoder of `depth` blocks with learnt positions; mean over the text."""

    def __init__(self, outputs: int, width: int, depth: int, dropout: float, longest: int = POSITIONS) -> None:
        super().__init__()
        self.embed = HashEmbedding(width)
        self.place = nn.Parameter(torch.randn(longest, width) * 0.02)
        heads = next(h for h in range(max(1, width // 64), 0, -1) if width % h == 0)
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)

    def forward(self, inputs: Mapping[str, Any]) -> Tensor:
        """See the module."""
        mask = inputs["mask"]
        x = self.drop(self.embed(inputs["ids"]) + self.place[: mask.shape[1]])
        allowed = None if not inputs.get("padded", True) else mask[:, None, None, :]
        for block in self.blocks:
            x = block(x, allowed)
        return torch.as_tensor(self.head(self.drop(_mean(self.norm(x), mask))))


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.drop = heads, nn.Dropout(dropout)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, allowed: Tensor | None) -> Tensor:
        b, length, width = x.shape
        parts = self.qkv(self.norm1(x)).view(b, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=allowed)
        x = x + self.drop(self.out(seen.transpose(1, 2).reshape(b, length, width)))
        return torch.as_tensor(x + self.drop(self.down(F.gelu(self.up(self.norm2(x))))))


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    """(B, L, D) -> (B, D) mean where the mask is true."""
    weight = mask[..., None].to(x.dtype)
    return (x * weight).sum(1) / weight.sum(1).clamp_min(1)


def _largest(x: Tensor, mask: Tensor) -> Tensor:
    """(B, D, L) -> (B, D) largest where the mask is true."""
    return x.masked_fill(~mask[:, None, :], -math.inf).amax(2)
