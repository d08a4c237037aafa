"""Each optimiser by recipe key, against a hand-written update or torch's own class."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from goodfit.core.errors import CheckpointError, RecipeError
from goodfit.core.recipe import TrainSection
from goodfit.train.optim import Optimizers, build_optimizer, defaults, number, roles_of

KEYS = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}


def _one_weight(optimizer: str, **keys: Any) -> tuple[nn.Parameter, Optimizers]:
    p = nn.Parameter(torch.tensor([[1.0, -2.0]]))
    train = TrainSection(optimizer=optimizer, **{**KEYS, **keys})  # type: ignore[arg-type]
    roles = {"kernels": [p], "offsets": [], "stem_bias": [], "head": []}
    return p, build_optimizer(roles, train, batch_size=4)


def _run(p: nn.Parameter, optimizer: Optimizers, gradients: list[list[float]]) -> torch.Tensor:
    for g in gradients:
        p.grad = torch.tensor([g])
        optimizer.step()
    return p.detach()[0]


GRADIENTS = [[0.5, -1.0], [0.1, 0.2], [-0.3, 0.4]]


@pytest.mark.parametrize("nesterov", [True, False])
def test_sgd_with_momentum_and_l2_follows_the_formula(nesterov: bool) -> None:
    got = _run(*_one_weight("sgd", nesterov=nesterov), GRADIENTS)
    for i in range(2):
        w, m = [1.0, -2.0][i], 0.0
        for g in GRADIENTS:
            d = g[i] + 0.01 * w  # L2: the decay is part of the gradient
            m = 0.9 * m + d
            w -= 0.1 * (d + 0.9 * m if nesterov else m)
        assert got[i].item() == pytest.approx(w, rel=1e-5)


@pytest.mark.parametrize("decoupled", [False, True])
def test_adam_has_l2_and_adamw_decoupled_decay(decoupled: bool) -> None:
    got = _run(*_one_weight("adamw" if decoupled else "adam"), GRADIENTS)
    for i in range(2):
        w, m, v = [1.0, -2.0][i], 0.0, 0.0
        for t, g in enumerate(GRADIENTS, 1):
            d = g[i] + (0 if decoupled else 0.01 * w)
            w -= 0.1 * 0.01 * w if decoupled else 0
            m, v = 0.9 * m + 0.1 * d, 0.999 * v + 0.001 * d * d
            w -= 0.1 * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
        assert got[i].item() == pytest.approx(w, rel=1e-4)


def test_rmsprop_divides_by_the_running_root_mean_square() -> None:
    got = _run(*_one_weight("rmsprop", momentum=0.5), GRADIENTS)
    for i in range(2):
        w, v, m = [1.0, -2.0][i], 0.0, 0.0
        for g in GRADIENTS:
            d = g[i] + 0.01 * w
            v = 0.99 * v + 0.01 * d * d
            m = 0.5 * m + d / (math.sqrt(v) + 1e-8)
            w -= 0.1 * m
        assert got[i].item() == pytest.approx(w, rel=1e-4)


def test_biases_and_offsets_are_not_decayed(new_net: Callable[..., nn.Module]) -> None:
    groups = build_optimizer(roles_of(new_net()), TrainSection(optimizer="sgd", **KEYS), batch_size=4).groups  # type: ignore[arg-type]
    for group in groups:
        assert group["weight_decay"] == (0.01 if group["params"][0].ndim >= 2 else 0.0)
    assert sum(len(g["params"]) for g in groups) == 6


def test_backbone_lr_is_a_factor_below_the_head(new_net: Callable[..., nn.Module]) -> None:
    train = TrainSection(optimizer="adamw", backbone_lr=0.1, **KEYS)  # type: ignore[arg-type]
    optimizer = build_optimizer(roles_of(new_net()), train, batch_size=4)
    optimizer.set_factor(0.5)
    assert {g["role"]: round(g["lr"], 12) for g in optimizer.groups} == {
        "kernels": 0.005,
        "offsets": 0.005,
        "head": 0.05,
    }


def test_roles_of_a_plain_net_are_head_kernels_and_offsets(new_net: Callable[..., nn.Module]) -> None:
    net = new_net()
    roles = roles_of(net)
    assert {k: [tuple(p.shape) for p in v] for k, v in roles.items()} == {
        "kernels": [(6, 3, 3, 3)],
        "offsets": [(6,), (6,), (6,)],
        "stem_bias": [],
        "head": [(2, 6), (2,)],
    }


NARROW = 6 / 256  # features of the tiny net over those of the net that the rates were found on


def test_own_muon_matches_summed_gradients_of_the_source_recipe(new_own_net: Callable[[], nn.Module]) -> None:
    """Offsets and head: SGD on the SUM over the batch at 0.053 and 0.67, with decay wd/lr, as measured on CIFAR-10."""
    net, twin, batch = new_own_net(), new_own_net(), 8
    decay = 2e-6 * batch
    train = TrainSection(optimizer="muon", lr=0.2, momentum=0.6, weight_decay=decay)
    optimizer = build_optimizer(roles_of(net), train, batch_size=batch, own=True)
    theirs = torch.optim.SGD(
        [
            {"params": [twin.stem.bias], "lr": 0.053 * NARROW, "weight_decay": decay / 0.053 / NARROW},
            {"params": [twin.norm.bias], "lr": 0.053 * NARROW, "weight_decay": decay / 0.053 / NARROW},
            {"params": [twin.head.weight], "lr": 0.67 * NARROW, "weight_decay": decay / 0.67 / NARROW},
        ],
        lr=1.0,
        momentum=0.85,
        nesterov=True,
    )
    x = torch.randn(batch, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for _ in range(3):
        optimizer.zero_grad()
        theirs.zero_grad()
        net(x).square().mean(1).mean().backward()
        twin(x).square().mean(1).sum().backward()
        optimizer.step()
        theirs.step()
        twin.conv.weight.data.copy_(net.conv.weight.data)
    for mine, other in [
        (net.stem.bias, twin.stem.bias),
        (net.norm.bias, twin.norm.bias),
        (net.head.weight, twin.head.weight),
    ]:
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-5)


def test_own_muon_stem_bias_follows_its_own_schedule(new_own_net: Callable[[], nn.Module]) -> None:
    train = TrainSection(optimizer="muon", lr=0.2, momentum=0.6, weight_decay=0.0)
    optimizer = build_optimizer(roles_of(new_own_net()), train, batch_size=10, own=True)
    optimizer.set_factor(0.9, progress=3 / 16)
    lr = {g["role"]: g["lr"] for g in optimizer.groups}
    assert lr == pytest.approx(
        {
            "stem_bias": 0.53 * 0.5 * NARROW,
            "offsets": 0.53 * 0.9 * NARROW,
            "head": 6.7 * 0.9 * NARROW,
            "kernels": 0.2 * 0.9,
        }
    )


def test_muon_of_a_foreign_net_gives_the_rest_to_adamw(new_net: Callable[..., nn.Module]) -> None:
    train = TrainSection(optimizer="muon", lr=0.02, momentum=0.95, weight_decay=0.01)
    optimizer = build_optimizer(roles_of(new_net()), train, batch_size=4)
    assert [type(part).__name__ for part in optimizer.parts] == ["AdamW", "Muon"]
    assert {g["role"]: g["lr"] for g in optimizer.groups} == pytest.approx(
        {"offsets": 3e-4, "head": 3e-4, "kernels": 0.02}
    )


def test_set_lr_moves_only_groups_that_follow_train_lr(new_own_net: Callable[[], nn.Module]) -> None:
    train = TrainSection(optimizer="muon", lr=0.2, momentum=0.6, weight_decay=0.0)
    optimizer = build_optimizer(roles_of(new_own_net()), train, batch_size=10, own=True)
    optimizer.set_lr(0.1, peak=0.2)
    assert {g["role"]: g["lr"] for g in optimizer.groups} == pytest.approx(
        {"stem_bias": 0.53 * NARROW, "offsets": 0.53 * NARROW, "head": 6.7 * NARROW, "kernels": 0.1}
    )


def test_defaults_of_own_muon_match_the_measured_pairs() -> None:
    assert defaults("muon", 2000, own=True)["lr"] == pytest.approx(0.24)
    assert defaults("muon", 1000, own=True)["lr"] == pytest.approx(0.20, abs=0.003)
    assert defaults("muon", 1000, own=True)["weight_decay"] == pytest.approx(0.002)
    assert defaults("sgd", 128)["lr"] == pytest.approx(0.05)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop", "muon"])
def test_optimizer_state_travels_by_parameter_name(name: str, new_net: Callable[..., nn.Module]) -> None:
    train = TrainSection(optimizer=name, **KEYS)  # type: ignore[arg-type]

    def prepared() -> tuple[nn.Module, Optimizers, dict[Any, str]]:
        net = new_net()
        return net, build_optimizer(roles_of(net), train, batch_size=4), {p: n for n, p in net.named_parameters()}

    def step(net: nn.Module, optimizer: Optimizers, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        for p in net.parameters():
            p.grad = torch.randn(p.shape, generator=generator)
        optimizer.step()

    net, optimizer, names = prepared()
    step(net, optimizer, 0)
    saved = {k: v.clone() for k, v in optimizer.tensors(names).items()}
    twin, other, twin_names = prepared()
    twin.load_state_dict(net.state_dict())
    other.load(saved, twin_names)
    step(net, optimizer, 1)
    step(twin, other, 1)
    for a, b in zip(net.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


def test_state_of_another_model_is_refused(new_net: Callable[..., nn.Module]) -> None:
    net = new_net()
    optimizer = build_optimizer(roles_of(net), TrainSection(optimizer="sgd", **KEYS), batch_size=4)  # type: ignore[arg-type]
    names = {p: n for n, p in net.named_parameters()}
    with pytest.raises(CheckpointError, match="of another model; got elsewhere"):
        optimizer.load({"elsewhere/momentum_buffer": torch.zeros(1)}, names)
    with pytest.raises(CheckpointError, match="another shape"):
        optimizer.load({"0.weight/momentum_buffer": torch.zeros(2)}, names)


def test_value_still_auto_is_an_error_that_names_the_key() -> None:
    with pytest.raises(RecipeError, match="train.lr: this key must be planned"):
        number("auto", "train.lr")


def test_narrow_own_net_takes_head_and_offset_rates_in_proportion_to_its_width() -> None:
    """CIFAR-10, 1.2 epochs: 64 features stayed at 19 % at the wide net's rates, and reach 66 % in proportion."""
    from goodfit.models.small import build_small

    def peaks(name: str) -> dict[str, float]:
        train = TrainSection(optimizer="muon", lr=0.1, momentum=0.6, weight_decay=0.0)
        built = build_optimizer(roles_of(build_small(name, 3)), train, batch_size=10, own=True)
        return {group["role"]: group["peak"] for group in built.groups}

    wide, narrow = peaks("small_m"), peaks("small_xs")
    assert narrow["head"] == pytest.approx(wide["head"] * 64 / 256)
    assert narrow["offsets"] == pytest.approx(wide["offsets"] * 64 / 256)
    assert narrow["kernels"] == wide["kernels"] == 0.1
