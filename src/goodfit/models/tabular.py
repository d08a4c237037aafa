"""Networks for rows of a table: an MLP and a transformer over features, numbers embedded piecewise-linearly.

Sources: Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning", arXiv:2203.05556
(piecewise-linear encoding over quantile bins, then a linear layer a feature); Gorishniy et al. 2021, "Revisiting Deep
Learning Models for Tabular Data", arXiv:2106.11959 (FT-Transformer: a token a feature, pre-norm, ReGLU, head on CLS).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .tabular_inputs import Inputs

NETS = ("mlp", "ft_transformer")
MLP_WIDTH, MLP_DEPTH, MLP_DROPOUT = 256, 3, 0.1
MLP_NUMBER, MLP_CATEGORY = 16, 16  # features of an embedded number, and of a category at most
FT_WIDTH, FT_DEPTH, FT_HEADS = 64, 3, 8  # the paper's default is 192 wide; a third of it is what CPU minutes can buy
FT_FEED_FORWARD = 4 / 3  # width of the ReGLU layer over that of a token, as in the paper
FT_ATTENTION_DROPOUT, FT_FEED_DROPOUT = 0.2, 0.1  # as in the paper


def build_tabular(name: str, inputs: Inputs, outputs: int, width: int, depth: int, dropout: float) -> nn.Module:
    """One of NETS.

    Args:
        name: mlp or ft_transformer.
        inputs: of the table.
        outputs: classes, or 1 for a number.
        width: of the hidden layers, or of a token.
        depth: hidden layers, or blocks.
        dropout: share of features dropped in each layer, besides the net's own.
    """
    if name == "mlp":
        return TableMLP(inputs, outputs, width, depth, max(dropout, MLP_DROPOUT))
    return FeatureTransformer(inputs, outputs, width, depth, dropout)


class PiecewiseLinear(nn.Module):
    """(B, F) scaled numbers -> (B, F, features): how far each lies in every quantile bin, then a linear layer each.

    Args:
        knots: rising ends of the bins of each number.
        features: width of an embedded number.
    """

    low: Tensor
    span: Tensor

    def __init__(self, knots: Sequence[np.ndarray], features: int) -> None:
        super().__init__()
        most = max(len(ends) for ends in knots) - 1
        low, span = torch.zeros(len(knots), most), torch.full((len(knots), most), math.inf)
        for i, ends in enumerate(knots):
            bins = len(ends) - 1
            low[i, :bins] = torch.as_tensor(ends[:-1], dtype=torch.float32)
            span[i, :bins] = torch.as_tensor(np.diff(ends), dtype=torch.float32)
        self.register_buffer("low", low, persistent=False)  # they stand in the model's own description
        self.register_buffer("span", span, persistent=False)
        bound = most**-0.5
        self.weight = nn.Parameter(torch.empty(len(knots), most, features).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(len(knots), features).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """(B, F) -> (B, F, features)."""
        part = (x[:, :, None].float() - self.low) / self.span  # (B, F, bins), 0 where a number has fewer bins
        part = part.clamp(0, 1)  # beyond the ends, of which nothing is known, the answer stays as it is there
        return torch.einsum("bft,ftd->bfd", part, self.weight) + self.bias


class _Parted(nn.Module):
    """Cuts packed rows into scaled numbers, marks and codes."""

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        self.sizes = (len(inputs.numbers), len(inputs.marked), len(inputs.categories))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, width) -> (B, F), (B, M), (B, C) int64."""
        numbers, marks, codes = x.split(self.sizes, 1)
        return numbers, marks, codes.long()


class TableMLP(nn.Module):
    """Embedded numbers, marks and embedded categories side by side, then layers of ReLU and dropout."""

    family = "mlp"

    def __init__(self, inputs: Inputs, outputs: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.parts = _Parted(inputs)
        self.numbers = PiecewiseLinear(inputs.knots(), MLP_NUMBER) if inputs.numbers else None
        sizes = [min(MLP_CATEGORY, math.ceil(count**0.5)) for count in inputs.cardinalities]
        self.categories = nn.ModuleList(nn.Embedding(n, d) for n, d in zip(inputs.cardinalities, sizes, strict=True))
        for table in self.categories:
            nn.init.normal_(table.weight, 0, 0.1)  # type: ignore[arg-type]
        wide = len(inputs.numbers) * MLP_NUMBER + len(inputs.marked) + sum(sizes)
        layers: list[nn.Module] = []
        for k in range(depth):
            layers += [nn.Linear(wide if k == 0 else width, width), nn.ReLU(), nn.Dropout(dropout)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width of the inputs) -> (B, outputs)."""
        numbers, marks, codes = self.parts(x)
        found = [marks, *(table(codes[:, k]) for k, table in enumerate(self.categories))]
        if self.numbers is not None:
            found.insert(0, F.relu(self.numbers(numbers)).flatten(1))
        return torch.as_tensor(self.head(self.body(torch.cat(found, 1))))


class FeatureTransformer(nn.Module):
    """A token a feature and one that gathers the answer; attention between them."""

    family = "transformer"

    def __init__(self, inputs: Inputs, outputs: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.parts = _Parted(inputs)
        self.numbers = PiecewiseLinear(inputs.knots(), width) if inputs.numbers else None
        self.categories = nn.ModuleList(nn.Embedding(n, width) for n in inputs.cardinalities)
        for table in self.categories:
            nn.init.uniform_(table.weight, -(width**-0.5), width**-0.5)  # type: ignore[arg-type]
        self.kind = nn.Parameter(torch.zeros(len(inputs.categories), width))
        self.missing = nn.Parameter(torch.zeros(len(inputs.marked), width))
        self.marked = inputs.marked
        self.cls = nn.Parameter(torch.zeros(1, 1, width).uniform_(-(width**-0.5), width**-0.5))
        self.blocks = nn.ModuleList(_Block(width, dropout, first=k == 0) for k in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width of the inputs) -> (B, outputs)."""
        numbers, marks, codes = self.parts(x)
        tokens = [self.cls.expand(len(x), -1, -1)]
        if self.numbers is not None:
            embedded = self.numbers(numbers)  # (B, F, D)
            if self.marked:
                embedded = embedded.index_add(
                    1, torch.tensor(self.marked, device=x.device), self._marks(marks, embedded)
                )
            tokens.append(embedded)
        if len(self.categories):
            tokens.append(torch.stack([table(codes[:, k]) for k, table in enumerate(self.categories)], 1) + self.kind)
        h = torch.cat(tokens, 1)  # (B, 1 + F + C, D)
        for block in self.blocks:
            h = block(h)
        return torch.as_tensor(self.head(F.relu(self.norm(h[:, 0]))))

    def _marks(self, marks: Tensor, like: Tensor) -> Tensor:
        return (marks[:, :, None] * self.missing).to(like.dtype)


class _Block(nn.Module):
    """Pre-norm attention and ReGLU; the first block's attention has no norm before it, as in the paper."""

    def __init__(self, width: int, dropout: float, first: bool) -> None:
        super().__init__()
        hidden = int(width * FT_FEED_FORWARD)
        self.before = nn.Identity() if first else nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.between = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * hidden)
        self.down = nn.Linear(hidden, width)
        self.heads = FT_HEADS if width % FT_HEADS == 0 else 1
        self.drop, self.feed_drop = nn.Dropout(dropout), nn.Dropout(FT_FEED_DROPOUT)

    def forward(self, h: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        b, t, d = h.shape
        q, k, v = self.mix(self.before(h)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        drop = FT_ATTENTION_DROPOUT if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=drop)
        h = h + self.drop(self.out(mixed.transpose(1, 2).reshape(b, t, d)))
        gate, value = self.up(self.between(h)).chunk(2, -1)
        return torch.as_tensor(h + self.drop(self.down(self.feed_drop(F.relu(gate) * value))))
