"""What every listed network of our own, and every listed candidate, keeps to."""

from __future__ import annotations

import pytest
import torch

from goodfit.models.candidates import CANDIDATES
from goodfit.models.small import SMALL, build_small


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
def test_candidate_states_plausible_facts(name: str) -> None:
    candidate = CANDIDATES[name]
    assert candidate.name == name
    assert candidate.parameters > 1000
    assert 0 < candidate.gmacs < 100
    assert 8 <= candidate.least <= candidate.size <= 512
    assert set(candidate.augmentation) <= {"geometry", "colour", "mix"}


def test_every_small_network_is_a_candidate() -> None:
    assert set(SMALL) <= set(CANDIDATES)
