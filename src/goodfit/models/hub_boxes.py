"""Detectors of transformers: end-to-end ones that need no suppression of doubles, behind our form of inputs.

Sources: Carion et al. 2020, arXiv:2005.12872 (a set of boxes matched to what is there); Zhao et al. 2023, "RT-DETR",
arXiv:2304.08069; Lv et al. 2024, "RT-DETRv2", arXiv:2407.17140; Peng et al. 2024, "D-FINE", arXiv:2410.13842; the
library's code and these models' published weights are under Apache-2.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..core.errors import RecipeError
from .found import MOST
from .hub import PREFIX, find, folder_of, network

KINDS = ("rt_detr", "rt_detr_v2", "d_fine")  # model types whose every query scores every class by itself
RECIPE = {"lr": 1e-4, "backbone_lr": 0.1, "weight_decay": 1e-4, "clip": 0.1}  # AdamW's of all three papers
WORK = {"transformers/rt_detr_r18": 16.0}  # training on one picture of 320 pixels against det_xs, one core
_BACKBONE = {  # ResNet-18 in the library's words
    "model_type": "rt_detr_resnet",
    "layer_type": "basic",
    "depths": [2, 2, 2, 2],
    "hidden_sizes": [64, 128, 256, 512],
    "out_features": ["stage2", "stage3", "stage4"],
}
HUB_DETECTORS: Mapping[str, Mapping[str, Any]] = {  # name -> configuration of what can be trained from scratch
    "transformers/rt_detr_r18": {
        "model_type": "rt_detr",
        "backbone_config": _BACKBONE,
        "encoder_in_channels": [128, 256, 512],
        "hidden_expansion": 0.5,
        "decoder_layers": 3,
        "freeze_backbone_batch_norms": False,  # frozen norms suit pretrained weights alone
    }
}


class HubDetector(nn.Module):
    """One of transformers' detectors.

    Args:
        net: takes `pixel_values` and, in training, `labels`.
    Shape: a mapping with `pixels` (B, 3, S, S) and, in training, `target` (B, M, 6)
        -> (B,) losses in training, else (B, MOST, 6) class, score and corners in input pixels.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """See the class; bare pixels are answered as pictures without a box."""
        if isinstance(inputs, Tensor):
            inputs = {"pixels": inputs, "target": torch.zeros(len(inputs), 0, 6, device=inputs.device)}
        pixels = inputs["pixels"].float()
        side = pixels.shape[-1]
        if self.training:
            labels = [_wanted(rows, side) for rows in inputs["target"]]
            loss: Tensor = self.net(pixel_values=pixels, labels=labels).loss
            return loss.float().expand(len(pixels))
        with torch.inference_mode(False), torch.no_grad():  # the library keeps anchors, which training shares
            found = self.net(pixel_values=pixels)
        return _answers(found.logits.float(), found.pred_boxes.float(), side)

    def roles(self) -> dict[str, list[nn.Parameter]]:
        """Backbone (kernels, offsets), which moves at its own rate, and everything after it (head)."""
        roles: dict[str, list[nn.Parameter]] = {"head": [], "kernels": [], "offsets": []}
        for name, p in self.net.named_parameters():
            if p.requires_grad:
                inner = ".backbone." in f".{name}"
                roles["head" if not inner else "kernels" if p.ndim >= 2 else "offsets"].append(p)
        return roles


def is_hub_name(name: str) -> bool:
    """Whether model.name asks for a detector of transformers."""
    return name.startswith(PREFIX)


def is_hub_folder(reference: str) -> bool:
    """Whether model.weights names one of these detectors. Raises: RecipeError if the hub does not answer."""
    try:
        config = json.loads((folder_of(reference) / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") in KINDS


def config_of(name: str, weights: str | None) -> Mapping[str, Any]:
    """Configuration behind `model.name` or `model.weights`.

    Raises: RecipeError if there is none, or one of another kind.
    """
    if weights is None and name in HUB_DETECTORS:
        return HUB_DETECTORS[name]
    source = find(weights, weights=True) if weights is not None else find(name.removeprefix(PREFIX), weights=False)
    if source.config.get("model_type") not in KINDS:
        raise RecipeError(
            "this is no detector that can be trained here",
            got=source.config.get("model_type"),
            allowed=", ".join(KINDS),
            do="name a folder of one of these, or leave model.name=auto",
            where="model.weights" if weights is not None else "model.name",
        )
    return source.config


def pixel_range(weights: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std that a folder's preprocessor_config.json asks for; (0, 1) where it asks for none or is absent.

    Raises: RecipeError if it is there and makes no sense.
    """
    path = folder_of(weights) / "preprocessor_config.json"
    plain = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if not path.is_file():
        return plain
    try:
        said = json.loads(path.read_text("utf-8"))
        if not said.get("do_normalize"):
            return plain
        mean, std = tuple(map(float, said["image_mean"])), tuple(map(float, said["image_std"]))
        if len(mean) != 3 or len(std) != 3 or not min(std) > 0:
            raise ValueError(f"image_mean {mean}, image_std {std}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecipeError(
            "preprocessor_config.json does not say how pixels are scaled",
            got=error,
            allowed="image_mean and image_std of three numbers each, or do_normalize false",
            do="copy the model's own file",
            where=path,
        ) from None
    return mean, std


def build_hub_detector(config: Mapping[str, Any], weights: str | None, classes: int) -> tuple[HubDetector, str]:
    """(detector, family).

    Args:
        config: as config.json says.
        weights: folder or pinned hub name; its class heads are left out where it knows other classes. None = random.
        classes: K.
    Raises: RecipeError if it cannot be built or the weights are another's; MissingExtra.
    """
    kept = {key: value for key, value in config.items() if key not in ("id2label", "label2id")}
    source = find(weights) if weights is not None else None
    net = network(
        "AutoModelForObjectDetection",
        {**kept, "num_labels": classes},
        source,
        what="detector",
        new="class",
        ignore_mismatched_sizes=True,
    )
    return HubDetector(net), str(config.get("model_type"))


def _wanted(rows: Tensor, side: int) -> dict[str, Tensor]:
    """The library's form of the boxes of one picture: centre and size as shares of the side."""
    real = rows[(rows[:, 0] >= 0) & (rows[:, 5] == 0)]
    centre, size = (real[:, 1:3] + real[:, 3:5]) / 2, real[:, 3:5] - real[:, 1:3]
    return {"class_labels": real[:, 0].long(), "boxes": torch.cat([centre, size], dim=1).float() / side}


def _answers(logits: Tensor, boxes: Tensor, side: int) -> Tensor:
    """(B, Q, K) and (B, Q, 4) -> (B, MOST, 6): the surest pairs of query and class, no suppression."""
    batch, _, classes = logits.shape
    scores, places = logits.sigmoid().flatten(1).topk(min(MOST, logits[0].numel()), dim=1)
    query, label = places // classes, places % classes
    chosen = boxes.gather(1, query[..., None].expand(-1, -1, 4)) * side
    corners = torch.cat([chosen[..., :2] - chosen[..., 2:] / 2, chosen[..., :2] + chosen[..., 2:] / 2], dim=2)
    answers = logits.new_full((batch, MOST, 6), -1.0)
    answers[:, : scores.shape[1]] = torch.cat([label[..., None].float(), scores[..., None], corners], dim=2)
    return answers
