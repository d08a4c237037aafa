"""The door to torchvision's detectors: built without a download, trained by their own losses, answering as ours.

Sources: Liu et al. 2016, "SSD", arXiv:1512.02325, and Sandler et al. 2018, arXiv:1801.04381 (SSDLite); Tian et al.
2019, "FCOS", arXiv:1904.01355; Ren et al. 2015, "Faster R-CNN", arXiv:1506.01497; as torchvision.models.detection
has them (BSD-3-Clause).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..core.errors import MissingExtra, RecipeError
from .found import MOST
from .weights import fill, locate, read_tensors

WORK = {  # training on one picture of 320 pixels against det_xs, one core
    "torchvision/ssdlite320_mobilenet_v3_large": 6.0,
    "torchvision/fasterrcnn_mobilenet_v3_large_320_fpn": 30.0,
    "torchvision/fcos_resnet50_fpn": 30.0,
}
TORCH_DETECTORS: dict[str, str] = {  # name -> family, cheap ones first
    "torchvision/ssdlite320_mobilenet_v3_large": "ssd",
    "torchvision/fasterrcnn_mobilenet_v3_large_320_fpn": "faster_rcnn",
    "torchvision/fcos_resnet50_fpn": "fcos_resnet",
}


class TorchDetector(nn.Module):
    """One of torchvision's detectors behind our form of inputs.

    Args:
        net: takes lists of pictures and of targets.
        background: classes of its own that stand before ours.
    Shape: a mapping with `pixels` (B, 3, S, S) and, in training, `target` (B, M, 6)
        -> (B,) losses in training, else (B, MOST, 6) class, score and corners in input pixels.
    """

    def __init__(self, net: nn.Module, background: int) -> None:
        super().__init__()
        self.net, self.background = net, background

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """See the class; bare pixels are answered as pictures without a box."""
        if isinstance(inputs, Tensor):
            none = torch.zeros(len(inputs), 0, 6, device=inputs.device)
            inputs = {"pixels": inputs, "target": none}
        pictures = list(inputs["pixels"].float())
        if self.training:
            targets = [self._target(rows) for rows in inputs["target"]]
            losses: dict[str, Tensor] = self.net(pictures, targets)
            return torch.stack(list(losses.values())).sum().expand(len(pictures))
        return torch.stack([self._answer(found) for found in self.net(pictures)])

    def _target(self, rows: Tensor) -> dict[str, Tensor]:
        real = rows[(rows[:, 0] >= 0) & (rows[:, 5] == 0)]
        return {"boxes": real[:, 1:5], "labels": real[:, 0].long() + self.background}

    def _answer(self, found: Mapping[str, Tensor]) -> Tensor:
        rows = torch.cat(
            [
                (found["labels"] - self.background)[:, None].float(),
                found["scores"][:, None].float(),
                found["boxes"].float(),
            ],
            dim=1,
        )
        rows = rows[rows[:, 1].argsort(descending=True)][:MOST]
        answer = rows.new_full((MOST, 6), -1.0)
        answer[: len(rows)] = rows
        return answer


def build_torch_detector(name: str, classes: int, side: int, weights: str | None = None) -> tuple[TorchDetector, str]:
    """(detector, family), made for inputs that are resized and normalised already.

    Args:
        name: key of TORCH_DETECTORS.
        classes: K.
        side: of the square input in pixels.
        weights: local file of the backbone's or the whole detector's tensors; None = from scratch.
    Raises: RecipeError for weights that do not fit.
    """
    try:
        from torchvision.models import detection
    except ImportError:
        raise MissingExtra("torchvision is not installed", do="pip install torchvision") from None
    bare, family = name.partition("/")[2], TORCH_DETECTORS[name]
    background = 0 if family == "fcos_resnet" else 1
    sizes: dict[str, Any] = {} if family == "ssd" else {"min_size": side, "max_size": side}
    net = detection.__dict__[bare](
        weights=None,
        weights_backbone=None,
        num_classes=classes + background,
        **({} if family == "ssd" else {"trainable_backbone_layers": None}),
        image_mean=[0.0, 0.0, 0.0],
        image_std=[1.0, 1.0, 1.0],
        **sizes,
    )
    if family == "ssd":
        net.transform.min_size, net.transform.max_size, net.transform.fixed_size = (side,), side, (side, side)
    if weights is not None:
        _fill(net, weights, name)
    return TorchDetector(net, background), family


def _fill(net: nn.Module, weights: str, name: str) -> None:
    """The detector's tensors of equal name and shape; at least the backbone's must be there."""
    given = read_tensors(locate(weights))
    own = net.state_dict()
    fitting = {key: value for key, value in given.items() if key in own and own[key].shape == value.shape}
    if not any(key.startswith("backbone.") for key in fitting):
        raise RecipeError(
            f"these weights are not of {name}",
            got=", ".join(list(given)[:3]),
            allowed=", ".join(list(own)[:3]),
            do="give the detector's own weights, or a classifier's with model.name=auto",
            where="model.weights",
        )
    fill(net, {**own, **fitting}, skip=None, what=name)
