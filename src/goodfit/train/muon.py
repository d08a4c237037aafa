"""Muon: Nesterov momentum whose update is made orthogonal before it is applied, for weights with two axes or more.

Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", github.com/KellerJordan/Muon.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_A, _B, _C = 3.4445, -4.7750, 2.0315  # quintic that pushes singular values towards 1; source above


@torch.no_grad()
def orthogonalise(g: Tensor, steps: int = 3, dtype: torch.dtype = torch.float32) -> Tensor:
    """The nearest matrix with equal singular values, roughly, by Newton-Schulz iteration.

    Args:
        g: (R, C) matrix.
        steps: iterations; 3 suffice for small nets, 5 bring singular values into about [0.7, 1.2].
        dtype: arithmetic of the iteration; bfloat16 is enough.
    Returns: (R, C) in g's dtype.
    """
    x = g.to(dtype)
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(steps):
        m = x @ x.T
        x = _A * x + (_B * m + _C * (m @ m)) @ x
    return (x.T if tall else x).to(g.dtype)


class Muon(torch.optim.Optimizer):
    """Orthogonalised Nesterov momentum for kernels.

    Update of a kernel p with gradient g, seen as a matrix of its first axis by all others:
    m <- momentum m + g; u = orthogonalise(g + momentum m); then
    fixed_norm: p <- p sqrt(out) / |p| - lr u; else: p <- (1 - lr weight_decay) p - lr sqrt(max(1, out / in)) u.

    Args:
        params: parameters or groups, each with two axes or more.
        lr: rate.
        momentum: in [0, 1).
        weight_decay: decoupled decay; has no meaning with `fixed_norm`.
        fixed_norm: keep each kernel at norm sqrt(out), for nets whose convolutions are followed by a norm layer.
        steps: iterations of `orthogonalise`.
        dtype: its arithmetic.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.95,
        *,
        weight_decay: float = 0.0,
        fixed_norm: bool = False,
        steps: int = 5,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._fixed_norm, self._steps, self._dtype = fixed_norm, steps, dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update from the gradients; parameters without one are left alone."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, p.grad, group)

    def _update(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        buffer = state["momentum"].mul_(group["momentum"]).add_(grad)
        nesterov = grad.add(buffer, alpha=group["momentum"])
        direction = orthogonalise(nesterov.reshape(len(p), -1), self._steps, self._dtype)
        if self._fixed_norm:
            p.mul_(len(p) ** 0.5 / p.norm())
            scale = 1.0
        else:
            p.mul_(1 - group["lr"] * group["weight_decay"])
            scale = max(1.0, direction.shape[0] / direction.shape[1]) ** 0.5
        p.add_(direction.view_as(p), alpha=-group["lr"] * scale)
