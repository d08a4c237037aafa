"""The one door to image networks: ours, torchvision's and timm's, by name, from scratch or with pretrained weights.

Source: torchvision.models (Marcel and Rodriguez 2010) and timm (Wightman 2019).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..core.errors import MissingExtra, RecipeError, UsageError, did_you_mean
from .cifar_resnet import build_cifar_resnet
from .heads import features, head_name, head_of, new_head, silence
from .small import SMALL, build_small, drop_path
from .weights import WeightsInfo, fill, inspect_weights, locate, read_tensors

__all__ = [
    "Built",
    "WeightsInfo",
    "build",
    "family_of",
    "features",
    "full_name",
    "head_name",
    "head_of",
    "inspect_weights",
]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # torchvision's reference training
_FAMILIES = (  # first match in the bare name decides
    (r"^small_|^cifar_resnet", "resnet"),
    (r"squeezenet", "squeezenet"),
    (r"inception|googlenet|xception", "inception"),
    (r"vgg", "vgg"),
    (r"efficientnet", "efficientnet"),
    (r"mobilenet|mnasnet", "mobilenet"),
    (r"regnet", "regnet"),
    (r"convnext", "convnext"),
    (r"densenet", "densenet"),
    (r"shufflenet", "shufflenet"),
    (r"swin", "swin"),
    (r"vit|deit|beit", "vit"),
    (r"resne[xs]?t", "resnet"),
)
_BRANCH = {  # torchvision blocks without stochastic depth: where their residual branch ends
    "BasicBlock": "bn2",
    "Bottleneck": "bn3",
    "ResBottleneckBlock": "f",
    "InvertedResidual": "conv|block",
    "EncoderBlock": "dropout|mlp",
}


@dataclass(frozen=True, kw_only=True)
class Built:
    """A network and what must be known to feed it.

    Attributes:
        net: on the CPU, in fp32.
        name: full name, for example torchvision/mobilenet_v2.
        family: resnet, inception, vgg, efficientnet, mobilenet, regnet, vit, convnext, squeezenet, densenet, ...
        mean: of each channel on a scale of 0 to 1 as the weights expect; None = from scratch, the data's own are best.
        std: likewise.
        size: input side that the weights or the architecture expect; None = any.
        source: where the weights come from; "" = from scratch.
    """

    net: nn.Module
    name: str
    family: str
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    size: int | None
    source: str


def build(
    name: str,
    outputs: int | None,
    weights: str | None = None,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    *,
    size: int | None = None,
    width: int | None = None,
    depth: int | None = None,
) -> Built:
    """The named network, its head made new for `outputs`.

    Args:
        name: `small_m`, `cifar_resnet20`, `torchvision/resnet18`, `timm/vit_tiny_patch16_224`, a bare name that either
            library knows, or `auto` where the weights name their architecture.
        outputs: K; None keeps the weights' own head.
        weights: local safetensors file or `hub:owner/name@commit`; None = from scratch.
        dropout: share of features dropped before the head; replaces the library's own defaults.
        drop_path: share of samples that skip the last residual block, rising linearly from 0.
        size: input side in pixels; matters for nets that are cut to one (ours, transformers).
        width: of the widest layer, our own nets only.
        depth: convolutions a stage, our own nets only.
    Raises: UsageError for an unknown name; RecipeError for weights that do not fit and for keys that this net has not.
    """
    info = inspect_weights(locate(weights)) if weights else None
    full = full_name(name, info)
    kept = outputs if outputs is not None else (info.outputs if info else 0)
    if kept < 1:
        raise RecipeError("the number of outputs is not known", got=outputs, do="give outputs", where="model")
    family = family_of(full)
    net = _bare(full, kept, size or (info.size if info else None), dropout, drop_path, width, depth)
    if info:
        fill(net, read_tensors(info.path), skip=None if outputs is None else head_name(net), what=full)
    mean, std = (info.mean or IMAGENET_MEAN, info.std or IMAGENET_STD) if info else (None, None)
    return Built(
        net=net,
        name=full,
        family=family,
        mean=mean,
        std=std,
        size=(info.size if info else None) or _expected_size(net, full),
        source=weights or "",
    )


def full_name(name: str, info: WeightsInfo | None = None) -> str:
    """The name with its library; `auto` becomes what the weights say.

    Raises: UsageError if no library knows it, with the nearest name; RecipeError if `auto` has nothing to go by.
    """
    if name in ("auto", ""):
        if info is None or not info.architecture:
            raise RecipeError(
                "the weights do not name their architecture",
                got=info.path if info else None,
                do="add model.name=, for example torchvision/resnet18",
                where="model.weights",
            )
        return full_name(info.architecture)
    if name in SMALL or name.startswith("cifar_resnet"):
        return name
    library, _, bare = name.rpartition("/")
    if library in ("", "torchvision") and bare in _torchvision_names():
        return f"torchvision/{bare}"
    if library in ("", "timm") and _timm_knows(bare):
        return f"timm/{bare}"
    raise _unknown(name, library, bare)


def family_of(name: str) -> str:
    """The architecture's family by name; the name's first word where none is known."""
    bare = name.rpartition("/")[2]
    for pattern, family in _FAMILIES:
        if re.search(pattern, bare):
            return family
    return bare.partition("_")[0].rstrip("0123456789") or bare


def _bare(
    full: str, outputs: int, size: int | None, dropout: float, rate: float, width: int | None, depth: int | None
) -> nn.Module:
    if full in SMALL:
        return build_small(full, outputs, size or 32, dropout=dropout, drop_path=rate, width=width, depth=depth)
    for key, value in (("model.width", width), ("model.depth", depth)):
        if value is not None:
            raise RecipeError(f"{full} has a fixed width and depth", got=value, do=f"leave {key}=auto", where=key)
    if full.startswith("cifar_resnet"):
        net: nn.Module = build_cifar_resnet(full, outputs)
    elif full.startswith("torchvision/"):
        net = _torchvision_net(full.partition("/")[2], outputs, size)
    else:
        net = _timm_net(full.partition("/")[2], outputs, size, rate)
    silence(net)
    new_head(net, outputs, dropout)
    if not full.startswith("timm/"):
        _set_drop_path(net, full, rate)
    return net


def _torchvision_net(name: str, outputs: int, size: int | None) -> nn.Module:
    from torchvision import models

    extra: dict[str, Any] = {}
    if name in ("inception_v3", "googlenet"):
        extra = {"aux_logits": False, "init_weights": True}
    if name.startswith("vit_") and size:
        extra = {"image_size": size}
    try:
        return models.get_model(name, weights=None, num_classes=outputs, **extra)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _wrong_size(name, size, error) from None


def _timm_net(name: str, outputs: int, size: int | None, rate: float) -> nn.Module:
    timm = _timm()
    extra: dict[str, Any] = {"img_size": size} if size and family_of(name) in ("vit", "swin") else {}
    if rate:
        extra["drop_path_rate"] = rate
    try:
        return timm.create_model(name, pretrained=False, num_classes=outputs, **extra)
    except TypeError as error:
        raise _no_branches(f"timm/{name}", rate) if "drop_path_rate" in str(error) else error from None
    except (AssertionError, ValueError) as error:
        raise _wrong_size(name, size, error) from None


def _wrong_size(name: str, size: int | None, error: Exception) -> RecipeError:
    return RecipeError(
        f"{name} cannot be built for this input side", got=f"{size} ({error})", do="try 224", where="model.size"
    )


def _set_drop_path(net: nn.Module, full: str, rate: float) -> None:
    own = [m for m in net.modules() if type(m).__name__ in ("StochasticDepth", "DropPath")]
    branches = [] if own else _residual_branches(net)
    if rate and not (own or branches):
        raise _no_branches(full, rate)
    places = own or branches
    for i, place in enumerate(places):
        share = rate * (i + 1) / len(places)
        if own:
            setattr(place, "p" if hasattr(place, "p") else "drop_prob", share)
        elif share:
            place.register_forward_hook(functools.partial(_drop_branch, share))


def _no_branches(full: str, rate: float) -> RecipeError:
    return RecipeError(
        f"{full} has no residual block to skip", got=rate, allowed=0, do="leave it out", where="model.drop_path"
    )


def _residual_branches(net: nn.Module) -> list[nn.Module]:
    found = []
    for module in net.modules():
        for leaf in _BRANCH.get(type(module).__name__, "").split("|"):
            if leaf and hasattr(module, leaf) and getattr(module, "use_res_connect", True):
                found.append(getattr(module, leaf))
    return found


def _drop_branch(share: float, module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
    return drop_path(output, share, module.training)


def _expected_size(net: nn.Module, full: str) -> int | None:
    if full in SMALL:
        return None
    if full.startswith("cifar_resnet"):
        return 32
    if isinstance(fixed := getattr(net, "image_size", None), int):
        return fixed
    if isinstance(said := getattr(net, "pretrained_cfg", None), dict) and "input_size" in said:
        return int(getattr(getattr(net, "patch_embed", None), "img_size", said["input_size"][1:])[0])
    return 299 if full.endswith("inception_v3") else 224


@functools.cache
def _torchvision_names() -> tuple[str, ...]:
    try:
        from torchvision import models
    except ImportError:
        raise MissingExtra("torchvision is not installed", do="pip install torchvision") from None
    return tuple(models.list_models(module=models))


def _timm() -> Any:
    try:
        import timm
    except ImportError:
        raise MissingExtra("timm is not installed", do="pip install timm") from None
    return timm


def _timm_knows(name: str) -> bool:
    return re.fullmatch(r"[\w.]+", name) is not None and bool(_timm().is_model(name))


def _unknown(name: str, library: str, bare: str) -> UsageError:
    known = [*SMALL, "cifar_resnet20", "cifar_resnet56"] if not library else []
    known += [] if library == "timm" else list(_torchvision_names())
    known += [] if library == "torchvision" else list(_timm().list_models())
    return UsageError(
        "no network of this name",
        got=name,
        allowed=f"{', '.join(SMALL)}, torchvision/NAME or timm/NAME",
        do=_elsewhere(library, bare) or did_you_mean(bare, known) or "leave model.name=auto",
        where="model.name",
    )


def _elsewhere(library: str, bare: str) -> str:
    if library == "timm" and bare in _torchvision_names():
        return f"Did you mean 'torchvision/{bare}'?"
    return f"Did you mean 'timm/{bare}'?" if library == "torchvision" and _timm_knows(bare) else ""
