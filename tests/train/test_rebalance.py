"""Losses and answers for uneven classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from goodfit.core.recipe import TrainSection
from goodfit.train.losses import ce
from goodfit.train.rebalance import answer_shift, class_loss, class_weights, rebalanced

COUNTS = (90, 10)
OUTPUTS = torch.tensor([[0.0, 0.0], [2.0, -1.0]])
TARGET = torch.tensor([0, 1])


def section(how: str, strength: float = 1.0) -> TrainSection:
    return TrainSection(rebalance=how, rebalance_strength=strength)  # type: ignore[arg-type]


def test_weights_by_inverse_share_are_one_on_the_average_sample() -> None:
    weight = class_weights(section("weights"), COUNTS)
    assert weight is not None
    np.testing.assert_allclose(weight, [5 / 9, 5])
    assert 0.9 * weight[0] + 0.1 * weight[1] == pytest.approx(1)


def test_strength_0_weighs_all_alike_and_one_half_takes_the_root() -> None:
    np.testing.assert_allclose(class_weights(section("weights", 0.0), COUNTS), [1, 1])  # type: ignore[arg-type]
    half = class_weights(section("weights", 0.5), COUNTS)
    assert half is not None
    assert half[1] / half[0] == pytest.approx(3)


def test_weighted_loss_is_the_plain_one_times_the_weight_of_its_class() -> None:
    plain, found = ce(OUTPUTS, TARGET), rebalanced(ce, section("weights"), COUNTS)(OUTPUTS, TARGET)
    torch.testing.assert_close(found, plain * torch.tensor([5 / 9, 5.0]))


def test_a_mixed_target_weighs_the_mean_of_its_parts() -> None:
    mixed = torch.tensor([[0.5, 0.5]])
    found = rebalanced(ce, section("weights"), COUNTS)(OUTPUTS[:1], mixed)
    torch.testing.assert_close(found, ce(OUTPUTS[:1], mixed) * (5 / 9 + 5) / 2)


def test_logit_adjustment_adds_the_log_shares_before_the_loss() -> None:
    found = rebalanced(ce, section("logit_adjustment"), COUNTS)(OUTPUTS[:1], TARGET[:1])
    assert float(found) == pytest.approx(-np.log(0.9), abs=1e-6)  # logits that know nothing cost the prior's surprise


def test_posthoc_takes_the_log_shares_off_the_answers_alone() -> None:
    shift = answer_shift(section("posthoc", 2.0), COUNTS)
    assert shift is not None
    np.testing.assert_allclose(shift, 2 * np.log([0.9, 0.1]), rtol=1e-6)
    assert rebalanced(ce, section("posthoc"), COUNTS) is ce


@pytest.mark.parametrize("how", ["auto", "none", "oversample", "sampler"])
def test_what_is_done_elsewhere_changes_neither_loss_nor_answers(how: str) -> None:
    assert rebalanced(ce, section(how), COUNTS) is ce
    assert answer_shift(section(how), COUNTS) is None


def test_smoothing_under_adjusted_logits_follows_the_shares_so_that_no_rare_class_takes_over() -> None:
    counts, mass = (900, 90, 10), 0.2
    train = TrainSection(rebalance="logit_adjustment", label_smoothing=mass, loss="ce")
    shares, soft = np.array(counts) / 1000, np.array([1.0, 0.0, 0.0])
    best = np.log((1 - mass) * soft + mass * shares) - np.log(shares)  # where the loss of the largest class is least
    assert best.argmax() == 0
    logits = torch.tensor(best[None], dtype=torch.float32, requires_grad=True)
    class_loss(train, counts)(logits, torch.tensor([0])).sum().backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros_like(logits), atol=1e-6, rtol=0)
    evenly = np.log((1 - mass) * soft + mass / 3) - np.log(shares)  # the least under even smoothing
    assert evenly.argmax() == 2


def test_without_adjusted_logits_smoothing_stays_even() -> None:
    train = TrainSection(rebalance="weights", label_smoothing=0.2, loss="ce")
    weight = torch.tensor([5 / 9, 5.0])
    torch.testing.assert_close(class_loss(train, COUNTS)(OUTPUTS, TARGET), ce(OUTPUTS, TARGET, 0.2) * weight)
