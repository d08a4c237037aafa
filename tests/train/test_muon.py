"""Muon against its formula."""

from __future__ import annotations

import pytest
import torch

from goodfit.train.muon import Muon, orthogonalise


def _kernel(*shape: int, seed: int = 0) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (6, 6)])
def test_orthogonalise_brings_singular_values_near_one(shape: tuple[int, int]) -> None:
    singular = torch.linalg.svdvals(orthogonalise(_kernel(*shape).detach(), steps=5))
    assert singular.min() > 0.3  # the quintic trades exactness for speed: about [0.7, 1.2], less for tiny ones
    assert singular.max() < 1.3


def test_orthogonalise_keeps_the_singular_vectors() -> None:
    g = _kernel(5, 9).detach()
    u, s, v = torch.linalg.svd(g, full_matrices=False)
    x = s / (s.norm() + 1e-7)
    for _ in range(3):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    torch.testing.assert_close(orthogonalise(g, steps=3), u @ torch.diag(x) @ v, atol=1e-5, rtol=1e-4)


def test_fixed_norm_update_equals_the_hand_written_one_for_three_steps() -> None:
    lr, momentum = 0.2, 0.6
    p, q = _kernel(6, 3, 3, 3), _kernel(6, 3, 3, 3).detach()
    buffer = torch.zeros_like(q)
    optimizer = Muon([p], lr, momentum, fixed_norm=True, steps=3)
    for step in range(3):
        g = _kernel(6, 3, 3, 3, seed=10 + step).detach()
        p.grad = g.clone()
        optimizer.step()
        buffer = momentum * buffer + g
        update = orthogonalise((g + momentum * buffer).reshape(6, -1), 3).view_as(q)
        q = q * 6**0.5 / q.norm() - lr * update
    torch.testing.assert_close(p.detach(), q, atol=1e-6, rtol=1e-6)


def test_free_norm_update_decays_decoupled_and_scales_tall_kernels() -> None:
    lr, decay = 0.1, 0.5
    p = _kernel(8, 2)
    before, g = p.detach().clone(), _kernel(8, 2, seed=5).detach()
    p.grad = g.clone()
    Muon([p], lr, momentum=0.0, weight_decay=decay, steps=5).step()
    by_hand = before * (1 - lr * decay) - lr * (8 / 2) ** 0.5 * orthogonalise(g, 5)
    torch.testing.assert_close(p.detach(), by_hand)


def test_kernel_without_gradient_is_left_alone() -> None:
    p = _kernel(4, 4)
    before = p.detach().clone()
    Muon([p], 0.1).step()
    assert torch.equal(p.detach(), before)
