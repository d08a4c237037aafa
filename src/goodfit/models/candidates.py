"""The networks that a plan considers, with what is known of each before anything is measured.

Source: parameters and multiply-accumulates as torchvision 0.29 states them for 1,000 classes; our own at 32 pixels, 10
classes; the three judgements are ours and coarse: they order candidates, they do not decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..core.catalog import Catalog

Grade = Literal["low", "medium", "high"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One network, before measurement.

    Attributes:
        name: as `model.name` takes it.
        family: of the architecture.
        parameters: count with its own head.
        gmacs: billions of multiply-accumulates of one sample at `size`.
        size: input side that it is made for, pixels.
        least: smallest input side that it accepts.
        small_data: how well it learns from some hundreds of pictures from scratch.
        transferability: how well pretrained weights of its kind carry over to small sets.
        interpretability: how readily its last map shows where it looked.
        augmentation: which augmentations it bears: geometry and colour always; mix = also mixup and cutmix.
        pretrained: whether weights for it are published as safetensors by timm or torchvision's authors.
        drop_path: whether it has residual blocks that can be skipped.
    """

    name: str
    family: str
    parameters: int
    gmacs: float
    size: int
    least: int
    small_data: Grade
    transferability: Grade
    interpretability: Grade
    augmentation: tuple[str, ...] = ("geometry", "colour", "mix")
    pretrained: bool = True
    drop_path: bool = True


def _own(name: str, parameters: int, gmacs: float, small_data: Grade) -> Candidate:
    return Candidate(
        name=name,
        family="resnet",
        parameters=parameters,
        gmacs=gmacs,
        size=32,
        least=8,
        small_data=small_data,
        transferability="low",
        interpretability="medium",
        pretrained=False,
    )


def _known(
    name: str,
    family: str,
    millions: float,
    gmacs: float,
    grades: tuple[Grade, Grade, Grade],
    *,
    size: int = 224,
    least: int = 32,
    drop_path: bool = True,
) -> Candidate:
    return Candidate(
        name=f"torchvision/{name}",
        family=family,
        parameters=round(millions * 1e6),
        gmacs=gmacs,
        size=size,
        least=least,
        small_data=grades[0],
        transferability=grades[1],
        interpretability=grades[2],
        drop_path=drop_path,
    )


_LISTED = (  # (small data, transferability, interpretability)
    _own("small_xs", 76_280, 0.007, "high"),
    _own("small_s", 498_104, 0.033, "high"),
    _own("small_m", 1_972_792, 0.118, "medium"),
    _own("small_l", 4_606_520, 0.302, "medium"),
    _own("small_xl", 7_852_856, 0.445, "medium"),
    _known("squeezenet1_1", "squeezenet", 1.24, 0.35, ("medium", "medium", "medium"), drop_path=False),
    _known("mobilenet_v2", "mobilenet", 3.50, 0.30, ("medium", "high", "medium")),
    _known("mobilenet_v3_small", "mobilenet", 2.54, 0.06, ("medium", "high", "medium")),
    _known("regnet_y_400mf", "regnet", 4.34, 0.40, ("medium", "high", "medium")),
    _known("efficientnet_b0", "efficientnet", 5.29, 0.39, ("low", "high", "medium")),
    _known("resnet18", "resnet", 11.69, 1.81, ("medium", "high", "high")),
    _known("resnet50", "resnet", 25.56, 4.09, ("low", "high", "high")),
    _known("inception_v3", "inception", 27.16, 5.71, ("low", "high", "medium"), size=299, least=75, drop_path=False),
    _known("convnext_tiny", "convnext", 28.59, 4.46, ("low", "high", "medium")),
    _known("vgg11", "vgg", 132.86, 7.61, ("low", "medium", "high"), drop_path=False),
    _known("vit_b_16", "vit", 86.57, 17.56, ("low", "high", "low")),
)
CANDIDATES: Catalog[Candidate] = Catalog("candidate", {c.name: c for c in _LISTED})


def too_large(
    measured: Mapping[str, float],
    *,
    latency_ms: float | None = None,
    size_mb: float | None = None,
    memory_mb: float | None = None,
) -> dict[str, tuple[float, float]]:
    """Which targets a network misses.

    Args:
        measured: latency_ms, size_bytes and memory_mb as `profile` gives them.
        latency_ms: largest time for one sample; None = no limit.
        size_mb: largest model file in MB of 10^6 bytes.
        memory_mb: largest memory while training in MB of 10^6 bytes.
    Returns: target key -> (what it needs, what is allowed); empty = it passes.
    """
    limits = {
        "target.latency_ms": (measured.get("latency_ms", 0.0), latency_ms),
        "target.size_mb": (measured.get("size_bytes", 0.0) / 1e6, size_mb),
        "target.memory_mb": (measured.get("memory_mb", 0.0), memory_mb),
    }
    return {key: (needs, limit) for key, (needs, limit) in limits.items() if limit is not None and not needs <= limit}
