"""What every listed network of our own, and every listed candidate, keeps to."""

from __future__ import annotations

import pytest
import torch

from goodfit.core.messages import has
from goodfit.models.candidates import CANDIDATES, traits_of
from goodfit.models.small import SMALL, build_small
from goodfit.models.vision import full_name


@pytest.mark.parametrize("name", SMALL)
def test_small_network_maps_pictures_to_outputs_and_sends_gradients_back(name: str) -> None:
    torch.manual_seed(0)
    net = build_small(name, 3, 16)
    out = net(torch.randn(2, 3, 16, 16))
    assert out.shape == (2, 3)
    out.square().sum().backward()
    learned = [p for role in net.roles().values() for p in role]
    assert learned
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in learned)


@pytest.mark.parametrize("name", SMALL)
def test_small_network_is_a_residual_net_whose_roles_share_no_parameter(name: str) -> None:
    net = build_small(name, 3, 16)
    assert net.family == "resnet"
    ids = [id(p) for role in net.roles().values() for p in role]
    assert len(ids) == len(set(ids))
    assert set(ids) == {id(p) for p in net.parameters() if p.requires_grad}


def test_small_networks_are_listed_from_few_to_many_parameters() -> None:
    sizes = [sum(p.numel() for p in build_small(name, 10, 32).parameters()) for name in SMALL]
    assert len(sizes) >= 4
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("name", CANDIDATES)
def test_candidate_is_the_full_name_of_a_network_and_its_traits_have_words(name: str) -> None:
    assert full_name(name) == name
    told = traits_of(name)
    kinds = [f"cli.kind.{kind}" for kind in told.pop("augmentation")]
    assert [key for key in (*kinds, *(f"cli.grade.{grade}" for grade in told.values())) if not has(key)] == []
    assert [trait for trait in (*told, "augmentation") if not has(f"cli.trait.{trait}")] == []


def test_every_small_network_is_a_candidate() -> None:
    assert set(SMALL) <= set(CANDIDATES)
    assert traits_of("timm/no_such_net") == {}
