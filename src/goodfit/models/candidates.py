"""What is known of a network before it is measured: how it suits small data, transfer, explanation, augmentation.

Source: the grades are ours and coarse; they inform the reader of a plan and decide nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..core.catalog import Catalog

Grade = Literal["low", "medium", "high"]


@dataclass(frozen=True)
class Traits:
    """One network's traits.

    Attributes:
        small_data: how well it learns from some hundreds of pictures from scratch.
        transferability: how well pretrained weights of its kind carry over to small sets.
        interpretability: how readily its last map shows where it looked.
        augmentation: which augmentations it bears; mix = also mixup and cutmix.
    """

    small_data: Grade
    transferability: Grade
    interpretability: Grade
    augmentation: tuple[str, ...] = ("geometry", "colour", "mix")


CANDIDATES: Catalog[Traits] = Catalog(
    "candidate",
    {
        "small_xs": Traits("high", "low", "medium"),
        "small_s": Traits("high", "low", "medium"),
        "small_m": Traits("medium", "low", "medium"),
        "small_l": Traits("medium", "low", "medium"),
        "small_xl": Traits("medium", "low", "medium"),
        "torchvision/squeezenet1_1": Traits("medium", "medium", "medium"),
        "torchvision/mobilenet_v2": Traits("medium", "high", "medium"),
        "torchvision/mobilenet_v3_small": Traits("medium", "high", "medium"),
        "torchvision/regnet_y_400mf": Traits("medium", "high", "medium"),
        "torchvision/efficientnet_b0": Traits("low", "high", "medium"),
        "torchvision/resnet18": Traits("medium", "high", "high"),
        "torchvision/resnet50": Traits("low", "high", "high"),
        "torchvision/inception_v3": Traits("low", "high", "medium"),
        "torchvision/convnext_tiny": Traits("low", "high", "medium"),
        "torchvision/vgg11": Traits("low", "medium", "high"),
        "torchvision/vit_b_16": Traits("low", "high", "low"),
    },
)


def traits_of(name: str) -> dict[str, Any]:
    """The traits of a network as JSON values; empty where it is not listed."""
    return asdict(CANDIDATES[name]) if name in CANDIDATES else {}
