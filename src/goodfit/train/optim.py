"""Optimisers by recipe: parameter groups by role, one lr dial, and state that can be stored by parameter name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..core.errors import CheckpointError, RecipeError
from ..core.recipe import TrainSection
from .muon import Muon
from .schedule import stem_factor

Roles = Mapping[str, Sequence[nn.Parameter]]
ROLES = ("kernels", "offsets", "stem_bias", "head")
BELOW = "below"  # `below.1`, `below.2`, ...: layers under the top one of a net that names its layers

# For our own small nets (whose logits are divided by the width), found in this project's CIFAR-10 prototype after
# Jordan 2024, github.com/KellerJordan/cifar10-airbench: rates for gradients SUMMED over the batch.
_OWN_OFFSET_LR, _OWN_HEAD_LR, _OWN_MOMENTUM, _OWN_DECAY = 0.053, 0.67, 0.85, 2e-6
_OWN_WIDTH = 256  # features before the head of the net that these rates were found on
_AUX_RATIO = 0.015  # AdamW rate over Muon rate, 3e-4 / 0.02: github.com/KellerJordan/Muon, README


class Optimizers:
    """One or two torch optimisers driven as one, every group's rate a factor of its own peak.

    Args:
        parts: torch optimisers whose groups carry `role` and `peak`; `follows` says whether the peak moves with
            `train.lr`.
    """

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        self.parts = tuple(parts)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """All parameter groups."""
        return [g for part in self.parts for g in part.param_groups]

    def set_factor(self, factor: float, progress: float = 0.0) -> None:
        """Set each group's lr to peak x factor; the stem bias has a schedule of its own."""
        for group in self.groups:
            group["lr"] = group["peak"] * (stem_factor(progress) if group["role"] == "stem_bias" else factor)

    def set_lr(self, lr: float, peak: float) -> None:
        """Set rates as if `train.lr` were `lr`: groups that follow it are scaled by lr / peak (range test)."""
        for group in self.groups:
            group["lr"] = group["peak"] * (lr / peak if group["follows"] else 1.0)

    def step(self) -> None:
        """One update from the gradients."""
        for part in self.parts:
            part.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def tensors(self, names: Mapping[Any, str]) -> dict[str, Tensor]:
        """State tensors under `<parameter name>/<key>`; not copied."""
        return {
            f"{names[p]}/{key}": value
            for part in self.parts
            for p, state in part.state.items()
            for key, value in state.items()
            if isinstance(value, Tensor)
        }

    def load(self, tensors: Mapping[str, Tensor], names: Mapping[Any, str]) -> None:
        """Take over what `tensors` gave.

        Raises: CheckpointError if it belongs to parameters that are not here, or of another shape.
        """
        owners = {
            names[p]: (part, group, p) for part in self.parts for group in part.param_groups for p in group["params"]
        }
        for full, value in tensors.items():
            name, _, key = full.rpartition("/")
            if name not in owners:
                raise CheckpointError("the checkpoint's optimiser state is of another model", got=name, do="use --new")
            part, group, p = owners[name]
            part.state[p][key] = _like(p, value, key, bool(group.get("fused")))


def build_optimizer(
    roles: Roles, train: TrainSection, *, batch_size: int, own: bool = False, fast_dtype: torch.dtype | None = None
) -> Optimizers:
    """The optimiser that a resolved train section names.

    Args:
        roles: kernels, offsets, stem_bias, head -> parameters; see `roles_of`.
        train: optimizer, lr, momentum, nesterov, weight_decay and backbone_lr are read.
        batch_size: samples a step (all micro-batches together).
        own: whether the net is of our small family, whose Muon recipe keeps kernels at a fixed norm.
        fast_dtype: in which Muon orthogonalises; None = float32.
    Raises: RecipeError if a value is still `auto` or the optimiser unknown.
    """
    if train.optimizer == "muon":
        return _muon(roles, train, batch_size, own, fast_dtype or torch.float32)
    groups = _plain_groups(roles, train)
    return Optimizers([_plain(train, groups)])


def defaults(optimizer: str, batch_size: int, own: bool = False) -> dict[str, float]:
    """Starting values of lr, momentum and weight_decay for an optimiser.

    Args:
        optimizer: sgd, adam, adamw, rmsprop, muon.
        batch_size: samples a step.
        own: whether the net is of our small family.
    Returns: {lr, momentum, weight_decay}.
    Source: sgd: Goyal et al. 2017, arXiv:1706.02677 (0.1 at 256, linear), He et al. 2016 (momentum, decay); adam,
        adamw, rmsprop: torch's defaults, the common guides' decay of 0.01; muon: measured on CIFAR-10 for our own nets
        (0.24 at 2,000, 0.20 at 1,000), github.com/KellerJordan/Muon for others.
    """
    if optimizer == "muon" and own:
        return {"lr": 0.24 * (batch_size / 2000) ** 0.25, "momentum": 0.6, "weight_decay": _OWN_DECAY * batch_size}
    table = {
        "sgd": {"lr": 0.1 * batch_size / 256, "momentum": 0.9, "weight_decay": 5e-4},
        "adam": {"lr": 1e-3, "momentum": 0.9, "weight_decay": 0.0},
        "adamw": {"lr": 1e-3, "momentum": 0.9, "weight_decay": 0.01},
        "rmsprop": {"lr": 1e-3, "momentum": 0.0, "weight_decay": 0.0},
        "muon": {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.01},
    }
    if optimizer not in table:
        raise RecipeError(
            "no such optimiser",
            got=optimizer,
            allowed=", ".join(table),
            do="choose one of these",
            where="train.optimizer",
        )
    return table[optimizer]


def roles_of(net: nn.Module, head: nn.Module | None = None) -> dict[str, list[nn.Parameter]]:
    """Roles of a net that does not name them: head, kernels (two axes or more), offsets (the rest).

    Args:
        net: any network; parameters with requires_grad off are left out.
        head: its last layer; None = `net.roles()` where there is one, else the last linear layer.
    """
    if head is None and callable(getattr(net, "roles", None)):
        own: dict[str, list[nn.Parameter]] = net.roles()  # type: ignore[operator]
        return {role: list(own.get(role, ())) for role in dict.fromkeys((*ROLES, *own))}
    head = head or _last_linear(net)
    in_head = {id(p) for p in head.parameters()} if head is not None else set()
    roles: dict[str, list[nn.Parameter]] = {role: [] for role in ROLES}
    for p in net.parameters():
        if p.requires_grad:
            roles["head" if id(p) in in_head else "kernels" if p.ndim >= 2 else "offsets"].append(p)
    return roles


def depth_of(role: str) -> int:
    """How many layers lie between a role's and the top one: 2 for `below.2`, 0 for the four plain roles."""
    word, _, depth = role.partition(".")
    return int(depth) if word == BELOW else 0


def number(value: object, key: str) -> float:
    """A resolved number. Raises RecipeError if the plan left it `auto`."""
    if isinstance(value, int | float):
        return float(value)
    raise RecipeError("this key must be planned before training", got=value, do="give it a number", where=key)


def _plain_groups(roles: Roles, train: TrainSection) -> list[dict[str, Any]]:
    """Two groups a role: weights with decay, offsets and biases without (He et al. 2019, arXiv:1812.01187, 3.1)."""
    lr, decay = number(train.lr, "train.lr"), number(train.weight_decay, "train.weight_decay")
    groups = []
    for role, params in roles.items():
        peak = lr * _factor(role, train)
        for decayed in (True, False):
            chosen = [p for p in params if (p.ndim >= 2) == decayed]
            groups.append(_group(role, chosen, peak, weight_decay=decay if decayed else 0.0))
    return [g for g in groups if g["params"]]


def _factor(role: str, train: TrainSection) -> float:
    """Factor on a role's rate: 1 for the head, `backbone_lr` below it, less from layer to layer by `layer_decay`."""
    backbone = 1.0 if role == "head" or train.backbone_lr == "auto" else train.backbone_lr
    return backbone if train.layer_decay == "auto" else backbone * train.layer_decay ** depth_of(role)


def _group(
    role: str, params: Sequence[nn.Parameter], peak: float, follows: bool = True, **options: Any
) -> dict[str, Any]:
    return {"params": list(params), "lr": peak, "peak": peak, "role": role, "follows": follows, **options}


def _plain(train: TrainSection, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    lr, momentum = number(train.lr, "train.lr"), number(train.momentum, "train.momentum")
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for g in groups for p in g["params"])
    if train.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=train.nesterov and momentum > 0, fused=fused)
    if train.optimizer == "adam":
        return torch.optim.Adam(groups, lr=lr, betas=(momentum, 0.999), fused=fused)
    if train.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=lr, betas=(momentum, 0.999), fused=fused)
    if train.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr=lr, momentum=momentum, foreach=True)
    raise RecipeError("no such optimiser", got=train.optimizer, where="train.optimizer", do="plan the recipe first")


def _muon(roles: Roles, train: TrainSection, batch_size: int, own: bool, dtype: torch.dtype) -> Optimizers:
    if any(depth_of(role) for role in roles):
        raise RecipeError(
            "muon knows no layers with rates of their own",
            allowed="adamw, adam, sgd, rmsprop",
            do="leave train.optimizer=auto",
            where="train.optimizer",
        )
    lr, decay = number(train.lr, "train.lr"), number(train.weight_decay, "train.weight_decay")
    kernels = [_group("kernels", roles["kernels"], lr * _factor("kernels", train))]
    momentum = number(train.momentum, "train.momentum")
    parts: list[torch.optim.Optimizer] = []
    if roles["kernels"]:
        parts.append(
            Muon(
                kernels,
                lr,
                momentum,
                weight_decay=0.0 if own else decay,
                fixed_norm=own,
                steps=3 if own else 5,
                dtype=dtype,
            )
        )
    rest = _own_rest(roles, train, batch_size, decay) if own else _adamw_rest(roles, train, lr, decay)
    return Optimizers([rest, *parts] if rest is not None else parts)


def _own_rest(roles: Roles, train: TrainSection, batch_size: int, decay: float) -> torch.optim.Optimizer | None:
    """Offsets and head of our own nets: Nesterov SGD at fixed rates per summed gradient.

    `decay` is the decoupled decay a step at full rate: lr * (decay / lr) * p.
    """
    groups = []
    width = roles["head"][0].shape[1] if roles.get("head") else _OWN_WIDTH
    narrow = min(1.0, width / _OWN_WIDTH)  # logits are divided by the width: a narrow head moves further at one rate
    for role, rate in (("stem_bias", _OWN_OFFSET_LR), ("offsets", _OWN_OFFSET_LR), ("head", _OWN_HEAD_LR)):
        peak = rate * narrow * batch_size * _factor(role, train)
        groups.append(_group(role, roles.get(role, ()), peak, follows=False, weight_decay=decay / peak))
    groups = [g for g in groups if g["params"]]
    return torch.optim.SGD(groups, lr=0.1, momentum=_OWN_MOMENTUM, nesterov=True) if groups else None


def _adamw_rest(roles: Roles, train: TrainSection, lr: float, decay: float) -> torch.optim.Optimizer | None:
    groups = []
    for role in ("stem_bias", "offsets", "head"):
        peak = lr * _AUX_RATIO * _factor(role, train)
        for decayed in (True, False):
            chosen = [p for p in roles.get(role, ()) if (p.ndim >= 2) == decayed]
            groups.append(_group(role, chosen, peak, weight_decay=decay if decayed else 0.0))
    groups = [g for g in groups if g["params"]]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95)) if groups else None


def _last_linear(net: nn.Module) -> nn.Module | None:
    linear = [m for m in net.modules() if isinstance(m, nn.Linear)]
    return linear[-1] if linear else None


def _like(p: nn.Parameter, value: Tensor, key: str, fused: bool) -> Tensor:
    """A stored state tensor with the strides and device that the optimiser would have given it."""
    if key == "step":
        return value.to(p.device if fused else "cpu", copy=True)
    if value.shape != p.shape:
        raise CheckpointError(
            "the checkpoint's optimiser state has another shape",
            got=tuple(value.shape),
            allowed=tuple(p.shape),
            do="use --new",
        )
    return torch.empty_like(p, dtype=value.dtype, requires_grad=False).copy_(value)
