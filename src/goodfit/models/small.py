"""Small, fast residual networks of our own for pictures of 8 to some 300 pixels: rungs that need no download.

Source: the plain network of Keller Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds", arXiv:2404.00498 (whitened frozen
stem, offset-only norms, partial-identity start, scaled head), with an identity sum in every stage as in He et al. 2015,
arXiv:1512.03385.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from ..core.catalog import Catalog
from ..core.errors import RecipeError

Residual = Literal["after", "before"]

SMALL: Catalog[tuple[int, ...]] = Catalog(  # widths of the stages, thinnest net first
    "small network",
    {
        "small_xs": (16, 32, 64),
        "small_s": (32, 128, 128),
        "small_m": (64, 256, 256),
        "small_l": (128, 384, 384),
        "small_xl": (128, 512, 512),
    },
)
_EMPTY = 1e-8  # share of the largest variance below which a direction holds rounding only; CIFAR-10 goes to 1e-5
_LEAST_SIDE = 3  # a map of fewer pixels leaves nothing to take a maximum over
_MOST_SIDE = 72  # largest map that reaches the first stage: 224 / 4 = 56 and 288 / 4 = 72 pass


@dataclass(frozen=True)
class Shape:
    """How a net is cut to an input side.

    Attributes:
        kernel: side of the stem's patches.
        stride: step of the stem.
        shrink: factor of the pooling behind the stem, 1 = none.
        pools: for each stage whether it halves its map.
    """

    kernel: int
    stride: int
    shrink: int
    pools: tuple[bool, ...]


def build_small(
    name: str,
    outputs: int,
    side: int = 32,
    *,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    width: int | None = None,
    depth: int | None = None,
    residual: Residual = "after",
) -> SmallNet:
    """The named member of the family, cut to an input side.

    Args:
        name: key of SMALL.
        outputs: K, the network's outputs.
        side: planned input side in pixels, 8 or more; other sides near it work too.
        dropout: share of features dropped before the head.
        drop_path: share of samples that skip the last block; grows linearly from 0 at the first.
        width: channels of the widest stage; the others scale along. None = the family's.
        depth: convolutions a stage, 2 or more. None = 2.
        residual: see `SmallNet`.
    Raises: UsageError for an unknown name; RecipeError for a side, width or depth that cannot be built.
    """
    widths = scaled_widths(SMALL[name], width)
    return SmallNet(widths, outputs, side, depth=depth or 2, dropout=dropout, drop_path=drop_path, residual=residual)


def scaled_widths(widths: tuple[int, ...], widest: int | None) -> tuple[int, ...]:
    """Widths in the same proportion with another widest one, in steps of 8 (vector units like these)."""
    if widest is None:
        return widths
    if widest < 8:
        raise RecipeError(
            "the network would be too narrow", got=widest, allowed="8 or more", do="raise it", where="model.width"
        )
    return tuple(max(8, round(w * widest / max(widths) / 8) * 8) for w in widths)


def shape_for(side: int, stages: int) -> Shape:
    """Stem and pooling for an input side: 1-pixel steps up to 47 pixels, wider ones above, small maps are not halved.

    Raises: RecipeError below 8 pixels.
    """
    if side < 8:
        raise RecipeError(
            "the input is too small for this family", got=side, allowed="8 or more", do="raise it", where="model.size"
        )
    stride = 1 if side < 48 else min(4, max(2, round(side / 32)))
    kernel = max(2, stride)
    here, shrink = (side - kernel) // stride + 1, 1
    while here // shrink > _MOST_SIDE:
        shrink *= 2
    here //= shrink
    pools = []
    for _ in range(stages):
        pools.append(here // 2 >= _LEAST_SIDE)
        here = here // 2 if pools[-1] else here
    return Shape(kernel, stride, shrink, tuple(pools))


class SmallNet(nn.Module):
    """Whitened stem, stages of convolution, pooling and residual blocks, global maximum, scaled linear head.

    Args:
        widths: channels of each stage.
        outputs: K.
        side: planned input side in pixels.
        depth: convolutions a stage; all but the first carry an identity sum.
        dropout: share of features dropped before the head.
        drop_path: share of samples that skip the last block.
        residual: after = x + act(norm(conv(x))); before = act(x + norm(conv(x))).
        in_channels: 3 for RGB.
    Shape: (B, in_channels, H, W) -> (B, K) float32.
    """

    family = "resnet"

    def __init__(
        self,
        widths: tuple[int, ...],
        outputs: int,
        side: int = 32,
        *,
        depth: int = 2,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        residual: Residual = "after",
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        if depth < 2:
            wrong = "each stage needs one plain and one residual convolution"
            raise RecipeError(wrong, got=depth, allowed="2 or more", do="raise it", where="model.depth")
        self.shape = shape_for(side, len(widths))
        first = 2 * in_channels * self.shape.kernel**2
        self.stem = nn.Conv2d(in_channels, first, self.shape.kernel, stride=self.shape.stride)
        self.stem.weight.requires_grad_(False)
        nn.init.zeros_(self.stem.bias)  # type: ignore[arg-type]
        rates = _rising(drop_path, len(widths) * (depth - 1))
        self.stages = nn.Sequential(
            *[
                Stage(cin, cout, depth, pool, rates[i * (depth - 1) : (i + 1) * (depth - 1)], residual)
                for i, (cin, cout, pool) in enumerate(zip((first, *widths), widths, self.shape.pools, strict=False))
            ]
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], outputs, bias=False)
        nn.init.uniform_(self.head.weight, -(3**0.5), 3**0.5)  # unit deviation, undone by `scale`
        self.scale = 1 / widths[-1]

    @torch.no_grad()
    def whiten(self, x: torch.Tensor, eps: float = 5e-4) -> None:
        """Set the stem to the scaled principal directions of the data's patches, and their negatives.

        Args:
            x: (B, C, H, W) float, normalised training pictures; some thousands are plenty.
            eps: added to each variance; larger treats faint directions more gently.
        Source: Jordan 2024, arXiv:2404.00498, section 3.1.
        """
        k, stride = self.shape.kernel, self.shape.stride
        moment, count = torch.zeros((x.shape[1] * k * k,) * 2, dtype=torch.float64), 0
        for part in x.cpu().split(256):
            patches = part.double().unfold(2, k, stride).unfold(3, k, stride)  # (B, C, h, w, k, k)
            patches = patches.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2)  # (B h w, C k k)
            moment += patches.T @ patches
            count += len(patches)
        variance, directions = torch.linalg.eigh(moment / count)
        gain = (variance.clamp(min=0) + eps).rsqrt()
        filters = (directions * gain).T.reshape(-1, x.shape[1], k, k).flip(0)
        # grey pictures: empty directions repeat the others; a channel that never varies would blow up behind its norm
        held = int((variance > _EMPTY * variance.max()).sum())
        filters = filters[torch.arange(len(filters)) % max(1, held)]
        self.stem.weight.copy_(torch.cat([filters, -filters]))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, widths[-1]), what the head sees."""
        x = F.gelu(self.stem(x))
        if self.shape.shrink > 1:
            x = F.max_pool2d(x, self.shape.shrink)
        return torch.as_tensor(self.stages(x).amax((2, 3)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, K) float32."""
        return torch.as_tensor(self.head(self.dropout(self.features(x))).float() * self.scale)

    def roles(self) -> dict[str, list[nn.Parameter]]:
        """Trainable parameters by what an optimiser does with them; the frozen stem filters are in none."""
        return {
            "kernels": [p for p in self.stages.parameters() if p.ndim == 4],
            "offsets": [p for p in self.stages.parameters() if p.ndim == 1 and p.requires_grad],
            "stem_bias": [p for p in self.stem.parameters() if p.ndim == 1],
            "head": list(self.head.parameters()),
        }


class Stage(nn.Module):
    """Convolution to the new width, pooling, norm, activation; then residual blocks of one convolution each."""

    def __init__(
        self, cin: int, cout: int, depth: int, pool: bool, rates: list[float], residual: Residual = "after"
    ) -> None:
        super().__init__()
        self.pool, self.rates, self.residual = pool, rates, residual
        self.convs = nn.ModuleList([_conv3(cin if i == 0 else cout, cout) for i in range(depth)])
        self.norms = nn.ModuleList([OffsetNorm(cout) for _ in range(depth)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, cin, H, W) -> (B, cout, H / 2 or H, W / 2 or W)."""
        x = self.convs[0](x)
        x = F.gelu(self.norms[0](F.max_pool2d(x, 2) if self.pool and min(x.shape[2:]) > 1 else x))
        for conv, norm, rate in zip(list(self.convs)[1:], list(self.norms)[1:], self.rates, strict=True):
            if self.residual == "after":
                x = x + drop_path(F.gelu(norm(conv(x))), rate, self.training)
            else:
                x = F.gelu(x + drop_path(norm(conv(x)), rate, self.training))
        return x


class OffsetNorm(nn.BatchNorm2d):
    """Batch norm with a learned offset only and fast running statistics, for runs of a few thousand steps.

    Source: Jordan 2024, arXiv:2404.00498 (momentum 0.6 there counts the other way: 0.4 here).
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-5, momentum=0.4)
        self.weight.requires_grad_(False)


def drop_path(branch: torch.Tensor, rate: float, training: bool) -> torch.Tensor:
    """Zero the branch for a share of the samples and scale up the rest, so that its mean stays.

    Args:
        branch: (B, ...).
        rate: share of samples, in [0, 1).
        training: identity when false.
    Source: Huang et al. 2016, "Deep Networks with Stochastic Depth", arXiv:1603.09382.
    """
    if rate == 0 or not training:
        return branch
    kept = torch.rand((len(branch),) + (1,) * (branch.ndim - 1), device=branch.device) >= rate
    return branch * (kept / (1 - rate)).to(branch.dtype)


def _conv3(cin: int, cout: int) -> nn.Conv2d:
    conv = nn.Conv2d(cin, cout, 3, padding=1, bias=False)
    nn.init.dirac_(conv.weight[: min(cin, cout)].detach())  # starts as a partial identity
    return conv


def _rising(last: float, blocks: int) -> list[float]:
    return [last * i / max(1, blocks - 1) for i in range(blocks)] if blocks > 1 else [last]
