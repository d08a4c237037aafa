"""One step: clipping, L1, accumulation, measurement and the sums, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from goodfit.core.task import Batch
from goodfit.engine.engine import Engine
from goodfit.train.losses import ce, mse
from goodfit.train.optim import Optimizers
from goodfit.train.step import Step, Tally, add_l1, global_norm, update_ratio

LR = 0.1


def _batch(inputs: Tensor, target: Tensor, weight: Tensor | None = None) -> Batch:
    return Batch(inputs=inputs, target=target, positions=np.arange(len(inputs)), weight=weight)


def _linear(**options: Any) -> tuple[nn.Linear, Step]:
    net = nn.Linear(2, 1, bias=False)
    net.weight.data = torch.tensor([[1.0, -2.0]])
    groups = [{"params": [net.weight], "role": "kernels", "peak": LR, "follows": True}]
    step = Step(
        forward=net,
        params=[net.weight],
        kernels=[net.weight],
        loss=mse,
        score=lambda outputs, target: (outputs[:, 0] > target).float(),
        optimizer=Optimizers([torch.optim.SGD(groups, lr=LR)]),
        autocast=Engine(device="cpu").autocast,
        tally=Tally(torch.device("cpu")),
        **options,
    )
    return net, step


X = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
Y = torch.tensor([0.0, 0.0])  # outputs 1 and -2: mean squared error 2.5, gradient (1, -2)


def test_plain_step_is_weight_minus_lr_times_gradient() -> None:
    net, step = _linear()
    assert step([_batch(X, Y)], measure=True)
    torch.testing.assert_close(net.weight.detach(), torch.tensor([[0.9, -1.8]]))
    means = step.tally.means()
    assert means["loss"] == pytest.approx(2.5)
    assert means["score"] == 0.5
    assert means["grad_norm"] == pytest.approx(5**0.5)
    assert means["update_ratio"] == pytest.approx(LR)  # the update is a tenth of these weights


def test_clip_scales_the_gradient_to_the_norm_allowed() -> None:
    net, step = _linear(clip=1.0)
    step([_batch(X, Y)])
    torch.testing.assert_close(net.weight.detach(), torch.tensor([[1 - LR / 5**0.5, -2 + LR * 2 / 5**0.5]]))


def test_l1_adds_weight_times_sign_to_the_gradient() -> None:
    net, step = _linear(l1=0.5)
    step([_batch(X, Y)])
    torch.testing.assert_close(net.weight.detach(), torch.tensor([[1 - LR * 1.5, -2 + LR * 2.5]]))
    assert step.tally.means()["loss"] == pytest.approx(2.5)  # the penalty is no part of the reported loss


def test_two_micro_batches_equal_one_of_both() -> None:
    whole, one = _linear()
    parts, two = _linear(accumulate=2)
    one([_batch(X, Y)])
    two([_batch(X[:1], Y[:1]), _batch(X[1:], Y[1:])])
    torch.testing.assert_close(whole.weight, parts.weight)
    assert one.tally.means()["loss"] == two.tally.means()["loss"]


def test_sample_weights_count_in_the_loss() -> None:
    _, step = _linear()
    step([_batch(X, Y, weight=torch.tensor([3.0, 1.0]))])
    assert step.tally.means()["loss"] == pytest.approx((3 * 1 + 1 * 4) / 4)


def test_loss_that_is_not_finite_leaves_weights_untouched() -> None:
    net, step = _linear()
    before = net.weight.detach().clone()
    assert not step([_batch(X * float("nan"), Y)])
    assert torch.equal(net.weight.detach(), before)
    assert not step.tally.is_finite()
    assert step.tally.means()["loss"] != step.tally.means()["loss"]


def test_step_without_batches_says_so() -> None:
    _, step = _linear()
    assert not step([])
    assert step.tally.is_finite()
    assert step.tally.means() == {}


def test_unscored_tally_reports_no_score() -> None:
    tally = Tally(torch.device("cpu"), scored=False)
    tally.add(torch.tensor(2.0), torch.tensor(0.0), 4)
    assert tally.means() == {"loss": 2.0}


def test_tally_weighs_micro_batches_by_their_size() -> None:
    tally = Tally(torch.device("cpu"))
    tally.add(torch.tensor(1.0), torch.tensor(1.0), 3)
    tally.add(torch.tensor(5.0), torch.tensor(0.0), 1)
    assert tally.means() == {"loss": 2.0, "score": 0.75}


def test_norms_by_hand() -> None:
    assert global_norm([torch.tensor([3.0]), torch.tensor([[4.0]])]).item() == 5.0
    assert update_ratio([torch.tensor([3.0, 4.0])], [torch.tensor([3.0, 5.0])]).item() == pytest.approx(0.2)


def test_l1_skips_parameters_without_gradient() -> None:
    p = nn.Parameter(torch.tensor([1.0]))
    add_l1([p], 0.1)
    assert p.grad is None


def test_fp16_scaler_is_undone_before_clipping() -> None:
    """A scale of 1,024 must not reach the clipped norm; a CPU scaler works like the GPU's."""
    net, step = _linear(clip=1.0, scaler=torch.amp.GradScaler("cpu", init_scale=1024.0))
    step([_batch(X, Y)])
    torch.testing.assert_close(net.weight.detach(), torch.tensor([[1 - LR / 5**0.5, -2 + LR * 2 / 5**0.5]]))


def test_loss_of_mixed_targets_and_score_are_handed_the_same_target() -> None:
    net = nn.Linear(2, 2, bias=False)
    seen: list[tuple[int, ...]] = []

    def score(outputs: Tensor, target: Tensor) -> Tensor:
        seen.append(tuple(target.shape))
        return (outputs.argmax(1) == target.argmax(1)).float()

    groups = [{"params": [net.weight], "role": "kernels", "peak": LR, "follows": True}]
    step = Step(
        forward=net,
        params=[net.weight],
        kernels=[],
        loss=ce,
        score=score,
        optimizer=Optimizers([torch.optim.SGD(groups, lr=LR)]),
        autocast=Engine(device="cpu").autocast,
        tally=Tally(torch.device("cpu")),
    )
    step([_batch(X, torch.tensor([[0.7, 0.3], [0.0, 1.0]]))])
    assert seen == [(2, 2)]
