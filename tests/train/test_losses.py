"""Each loss against its formula, by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from goodfit.core.errors import UsageError
from goodfit.core.recipe import TrainSection
from goodfit.train.losses import LOSSES, bce, ce, focal, huber, mae, make_loss, mse, weighted_mean

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5]])
TARGET = torch.tensor([0, 2])


def test_ce_of_equal_logits_is_log_of_the_number_of_classes() -> None:
    assert ce(LOGITS, TARGET)[1].item() == pytest.approx(math.log(3))


def test_ce_smoothing_mixes_target_with_uniform() -> None:
    e, log_p = 0.3, F.log_softmax(LOGITS, 1)
    by_hand = -((1 - e) * log_p[0, 0] + e / 3 * log_p[0].sum())
    assert ce(LOGITS, TARGET, smoothing=e)[0].item() == pytest.approx(by_hand.item(), rel=1e-6)


def test_ce_of_soft_target_is_the_mix_of_both_classes() -> None:
    mixed = torch.tensor([[0.75, 0.25, 0.0]])
    log_p = F.log_softmax(LOGITS[:1], 1)[0]
    assert ce(LOGITS[:1], mixed).item() == pytest.approx((-0.75 * log_p[0] - 0.25 * log_p[1]).item(), rel=1e-6)


def test_focal_scales_cross_entropy_by_one_minus_p_to_gamma() -> None:
    p = F.softmax(LOGITS, 1)[0, 0]
    assert focal(LOGITS, TARGET, gamma=2.0)[0].item() == pytest.approx((-((1 - p) ** 2) * p.log()).item(), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_focal_with_gamma_zero_is_cross_entropy(smoothing: float) -> None:
    torch.testing.assert_close(
        focal(LOGITS, TARGET, gamma=0.0, smoothing=smoothing), ce(LOGITS, TARGET, smoothing=smoothing)
    )


def test_bce_is_the_mean_over_classes_of_each_log_loss() -> None:
    target = torch.tensor([[1.0, 0.0, 1.0]])
    p = torch.sigmoid(LOGITS[0])
    by_hand = -(p[0].log() + (1 - p[1]).log() + p[2].log()) / 3
    assert bce(LOGITS[:1], target).item() == pytest.approx(by_hand.item(), rel=1e-6)


def test_bce_smoothing_moves_targets_towards_one_half() -> None:
    target = torch.tensor([[1.0, 0.0, 1.0]])
    moved = torch.tensor([[0.9, 0.1, 0.9]])
    torch.testing.assert_close(bce(LOGITS[:1], target, smoothing=0.2), bce(LOGITS[:1], moved))


def test_squared_absolute_and_huber_errors_of_two_residuals() -> None:
    outputs, target = torch.tensor([[1.5], [5.0]]), torch.tensor([1.0, 2.0])  # residuals 0.5 and 3
    assert mse(outputs, target).tolist() == [0.25, 9.0]
    assert mae(outputs, target).tolist() == [0.5, 3.0]
    assert huber(outputs, target, delta=1.0).tolist() == [0.125, 2.5]  # 0.5^2 / 2; 3 - 0.5
    assert huber(outputs, target, delta=2.0).tolist() == [0.125, 4.0]  # 2 (3 - 1)


def test_weighted_mean_divides_by_the_sum_of_weights() -> None:
    values = torch.tensor([1.0, 2.0, 6.0])
    assert weighted_mean(values).item() == 3.0
    assert weighted_mean(values, torch.tensor([1.0, 1.0, 2.0])).item() == pytest.approx(15 / 4)


@pytest.mark.parametrize("name", list(LOSSES))
def test_make_loss_gives_one_finite_value_a_sample_with_a_gradient(name: str) -> None:
    outputs = torch.randn(5, 1 if name in ("mse", "mae", "huber") else 4, generator=torch.Generator().manual_seed(0))
    outputs.requires_grad_()
    target = torch.arange(5) % 4 if outputs.shape[1] == 4 else torch.arange(5.0)
    values = make_loss(TrainSection(loss=name, label_smoothing=0.1))(outputs, target)  # type: ignore[arg-type]
    values.sum().backward()
    assert values.shape == (5,)
    assert values.isfinite().all()
    assert outputs.grad is not None
    assert outputs.grad.abs().sum() > 0


def test_make_loss_reads_gamma_and_delta_from_the_recipe() -> None:
    assert make_loss(TrainSection(loss="focal", focal_gamma=0.5))(LOGITS, TARGET)[0] == focal(LOGITS, TARGET, 0.5)[0]
    outputs, target = torch.tensor([[3.0]]), torch.tensor([0.0])
    assert make_loss(TrainSection(loss="huber", huber_delta=2.0))(outputs, target).item() == 4.0


def test_unplanned_loss_is_refused_with_the_known_names() -> None:
    with pytest.raises(UsageError, match="no loss named 'auto'.*ce, focal, bce, mse, mae, huber"):
        make_loss(TrainSection())
