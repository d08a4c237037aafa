"""A small single-stage detector of our own: backbone, top-down neck, one head shared by all levels, no anchors.

Sources: Tian et al. 2019, "FCOS", arXiv:1904.01355 (a point predicts its distances to four sides); Lin et al. 2017,
arXiv:1612.03144 (feature pyramid); He et al. 2015, arXiv:1512.03385 (residual blocks); Lin et al. 2017,
arXiv:1708.02002 (a start at which nothing is an object).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.catalog import Catalog
from ..core.errors import RecipeError
from .vision import build as build_vision
from .vision import full_name

STRIDES = (8, 16, 32)
ON = "det/"  # before the name of an image network: our neck and head on its feature maps
PRIOR = 0.01  # chance of an object at a point before anything is learnt, Lin et al. 2017
_GROUPS = 8  # of the head's norms; batch statistics would mix the levels
_LARGEST = 8.0  # exponent of a distance: e^8 strides are wider than any picture

DETECTORS: Catalog[tuple[tuple[int, ...], int]] = Catalog(  # (widths at strides 2, 4, 8, 16, 32; width of the head)
    "detector",
    {
        "det_xs": ((16, 32, 48, 96, 128), 48),
        "det_s": ((24, 48, 96, 160, 224), 64),
        "det_m": ((32, 64, 128, 256, 384), 96),
    },
)


class Detector(nn.Module):
    """Boxes and class logits at every point of three levels.

    Args:
        backbone: pictures -> maps at strides 8, 16 and 32, fine ones first.
        channels: of those maps.
        classes: K.
        width: channels of neck and head.
    Shape: (B, 3, S, S), or a mapping that holds it under `pixels`; S a multiple of 32
        -> (B, A, 4 + K) float32: corners in input pixels, then logits; A points, see `points`.
    """

    def __init__(self, backbone: nn.Module, channels: Sequence[int], classes: int, width: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = Head(channels, classes, width)

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """See the class."""
        pixels = inputs if isinstance(inputs, Tensor) else inputs["pixels"]
        outputs: Tensor = self.head(self.backbone(pixels))
        return outputs


class Head(nn.Module):
    """Neck and predictions: what is learnt anew on a pretrained backbone."""

    def __init__(self, channels: Sequence[int], classes: int, width: int) -> None:
        super().__init__()
        self.inlets = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.smooth = nn.ModuleList(_tower(width, 1) for _ in channels)
        self.class_tower, self.box_tower = _tower(width, 2), _tower(width, 2)
        self.outs = nn.ModuleList([nn.Conv2d(width, classes, 3, padding=1), nn.Conv2d(width, 4, 3, padding=1)])
        self.scale = nn.Parameter(torch.ones(len(channels)))
        for out, bias in zip(self.outs, (-math.log((1 - PRIOR) / PRIOR), math.log(2.0)), strict=True):
            assert isinstance(out, nn.Conv2d) and out.bias is not None
            nn.init.normal_(out.weight, 0, 0.01)
            nn.init.constant_(out.bias, bias)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps, fine ones first -> (B, A, 4 + K)."""
        levels = [inlet(x) for inlet, x in zip(self.inlets, maps, strict=True)]
        for i in range(len(levels) - 2, -1, -1):
            levels[i] = levels[i] + F.interpolate(levels[i + 1], size=levels[i].shape[2:], mode="nearest")
        side = maps[0].shape[-1] * STRIDES[0]
        places, strides = points(side, str(maps[0].device))
        distances, logits = [], []
        for i, smooth in enumerate(self.smooth):
            x = smooth(levels[i])
            distances.append((self.outs[1](self.box_tower(x)).float() * self.scale[i]).flatten(2))
            logits.append(self.outs[0](self.class_tower(x)).float().flatten(2))
        reach = torch.cat(distances, dim=2).transpose(1, 2).clamp(max=_LARGEST).exp() * strides[:, None]  # (B, A, 4)
        corners = torch.cat([places - reach[..., :2], places + reach[..., 2:]], dim=2)
        return torch.cat([corners, torch.cat(logits, dim=2).transpose(1, 2)], dim=2)


class Residual(nn.Module):
    """Two 3x3 convolutions and what they leave unchanged."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = _conv(channels, channels), _conv(channels, channels, act=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return F.relu(x + self.second(self.first(x)))


class Plain(nn.Module):
    """Our own backbone: a strided convolution and a residual block a stage."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        before = 3
        for i, width in enumerate(widths):
            stages.append(nn.Sequential(_conv(before, width, stride=2), *([Residual(width)] if i else [])))
            before = width
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> maps at strides 8, 16, 32."""
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[-len(STRIDES) :]


class Taps(nn.Module):
    """An image network without its head, giving its last map of each stride.

    Args:
        blocks: its layers in order.
        ends: place of the last block of each stride.
    """

    def __init__(self, blocks: Sequence[nn.Module], ends: Sequence[int]) -> None:
        super().__init__()
        self.blocks, self.ends = nn.ModuleList(blocks), tuple(ends)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> maps at strides 8, 16, 32."""
        side, maps = x.shape[-1], list[Tensor]()
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.ends:
                maps.append(x)
        while len(maps) < len(STRIDES):  # SqueezeNet ends at stride 16
            maps.append(F.max_pool2d(maps[-1], 2, ceil_mode=True))
        return [_sized(m, math.ceil(side / stride)) for m, stride in zip(maps, STRIDES, strict=True)]


def build_detector(name: str, classes: int, weights: str | None = None) -> tuple[Detector, str]:
    """(detector, family).

    Args:
        name: key of DETECTORS, or `det/` and the name of an image network, for example det/mobilenet_v2.
        classes: K.
        weights: of the image network, as `models.vision.build` takes them; None = from scratch.
    Raises: UsageError for an unknown name; RecipeError for a network without maps at three strides.
    """
    if not name.startswith(ON):
        widths, width = DETECTORS[name]
        return Detector(Plain(widths), widths[-len(STRIDES) :], classes, width), "fcos"
    built = build_vision(full_name(name.removeprefix(ON)), None if weights else 1, weights)
    backbone, channels = _tapped(built.net, name)
    return Detector(backbone, channels, classes, 96), "fcos"


@lru_cache(maxsize=16)
def points(side: int, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """((A, 2) x and y of every point in input pixels, (A,) stride of its level) for an input of this side."""
    places, strides = [], []
    with torch.inference_mode(False):  # training may want what a prediction asked for first
        for stride in STRIDES:
            axis = (torch.arange(math.ceil(side / stride), device=device) + 0.5) * stride
            y, x = torch.meshgrid(axis, axis, indexing="ij")
            places.append(torch.stack([x, y], dim=2).reshape(-1, 2))
            strides.append(torch.full((len(axis) ** 2,), float(stride), device=device))
        return torch.cat(places), torch.cat(strides)


def side_of(count: int) -> int:
    """The input side that has so many points."""
    share = sum(1 / stride**2 for stride in STRIDES)
    return round(math.sqrt(count / share) / STRIDES[-1]) * STRIDES[-1]


def _conv(before: int, width: int, stride: int = 1, act: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if act else []))


def _tower(width: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.GroupNorm(_GROUPS, width),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def _tapped(net: nn.Module, name: str) -> tuple[Taps, list[int]]:
    """The feature part of an image network, cut at strides 8, 16 and 32 as a dry run shows them."""
    blocks = list(_blocks(net))
    x, side = torch.zeros(1, 3, 128, 128), 128
    ends: dict[int, tuple[int, int]] = {}
    net.eval()
    with torch.no_grad():
        for i, block in enumerate(blocks):
            try:
                x = block(x)
            except (RuntimeError, TypeError, AssertionError, ValueError):  # layers that do not simply follow each other
                raise _no_maps(name) from None
            if not isinstance(x, Tensor) or x.ndim != 4:
                raise _no_maps(name)
            ends[2 ** round(math.log2(side / x.shape[-1]))] = (i, x.shape[1])
    net.train()
    found = [ends[s] for s in STRIDES if s in ends]
    if len(found) < 2 or (len(found) < len(STRIDES) and STRIDES[-1] in ends):
        raise _no_maps(name)
    last = max(i for i, _ in found)
    channels = [c for _, c in found] + [found[-1][1]] * (len(STRIDES) - len(found))
    return Taps(blocks[: last + 1], [i for i, _ in found]), channels


def _blocks(net: nn.Module) -> Iterator[nn.Module]:
    """Top-level layers up to the head: those of `features`, or all before the pooling."""
    features = getattr(net, "features", None)
    if isinstance(features, nn.Sequential):
        yield from features
        return
    for child in net.children():
        if isinstance(child, nn.AdaptiveAvgPool2d | nn.Linear) or type(child).__name__ == "SelectAdaptivePool2d":
            return
        yield child


def _sized(x: Tensor, side: int) -> Tensor:
    """The map at the side that its stride promises; convolutions without padding leave a pixel less."""
    return x if x.shape[-1] == side else F.interpolate(x, size=(side, side), mode="bilinear")


def _no_maps(name: str) -> RecipeError:
    return RecipeError(
        "this network gives no feature maps at strides 8, 16 and 32",
        got=name,
        allowed="det/mobilenet_v2, det/resnet18, det/squeezenet1_1 and others built of stages",
        do="choose another one",
        where="model.name",
    )
