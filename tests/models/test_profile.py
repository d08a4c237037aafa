"""Costs: counts by hand, latency repeatable, memory near what training keeps."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from goodfit.core.recipe import EngineSection
from goodfit.engine.engine import Engine
from goodfit.models.profile import count_macs, latency, memory, profile, saved_bytes
from goodfit.models.small import build_small
from goodfit.models.vision import build

ENGINE = Engine.start(EngineSection(device="cpu", threads=1, allocator=False))


def test_macs_of_a_convolution_and_a_linear_layer_are_counted_by_hand() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Flatten(), nn.Linear(8 * 16 * 16, 10))
    assert count_macs(net, torch.zeros(1, 3, 16, 16)) == 16 * 16 * 8 * 27 + 8 * 16 * 16 * 10


def test_resnet18_needs_1_82_billion_macs_at_224() -> None:
    net = build("resnet18", 1000).net
    assert count_macs(net, torch.zeros(1, 3, 224, 224)) / 1e9 == pytest.approx(1.81, abs=0.02)


def test_profile_counts_parameters_and_bytes_and_leaves_the_net_as_it_was() -> None:
    net = build_small("small_xs", 10).train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    found = profile(net, torch.zeros(1, 3, 32, 32), ENGINE, batch=16)
    assert found.parameters == sum(p.numel() for p in net.parameters())
    buffers = sum(b.numel() * b.element_size() for b in net.buffers())
    assert found.size_bytes == 4 * found.parameters + buffers
    assert found.latency_ms > 0
    assert net.training
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_latency_is_the_median_of_at_least_twenty_calls_after_warm_up() -> None:
    class Counting(nn.Module):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            Counting.calls += 1
            return x

    assert latency(Counting(), torch.zeros(1), ENGINE) < 50
    assert Counting.calls >= 25


def test_saved_activations_of_a_chain_are_counted_by_hand() -> None:
    net = nn.Sequential(nn.Linear(100, 50), nn.Sigmoid(), nn.Linear(50, 7))
    # each linear layer keeps its input; the sigmoid's output is the second one's input and is kept once
    assert saved_bytes(net, torch.zeros(1, 100), ENGINE) == 4 * (100 + 50)


def test_memory_grows_with_the_batch_by_the_saved_activations() -> None:
    net = build_small("small_xs", 10)
    x = torch.randn(1, 3, 32, 32)
    a_sample = saved_bytes(net, x, ENGINE) / 1e6
    assert memory(net, x, ENGINE, 20) - memory(net, x, ENGINE, 10) == pytest.approx(10 * a_sample)


def test_adam_keeps_one_copy_more_than_sgd() -> None:
    net, x = build_small("small_xs", 10), torch.randn(1, 3, 32, 32)
    trained = sum(p.numel() for p in net.parameters() if p.requires_grad)
    more = memory(net, x, ENGINE, 1, "adamw") - memory(net, x, ENGINE, 1, "sgd")
    assert more == pytest.approx(4 * trained / 1e6)


def test_measuring_memory_leaves_running_statistics_alone() -> None:
    net = build_small("small_xs", 10)
    before = net.stages[0].norms[0].running_mean.clone()  # type: ignore[index,union-attr]
    saved_bytes(net, torch.randn(1, 3, 32, 32), ENGINE)
    assert torch.equal(net.stages[0].norms[0].running_mean, before)  # type: ignore[index,union-attr]
