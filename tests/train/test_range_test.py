"""The range test on curves made by hand and on a problem whose best rate is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from goodfit.core.errors import DataError
from goodfit.train.range_test import find_lr, rates, smooth, suggest


def test_rates_rise_and_hold_the_guides_values() -> None:
    lrs = rates(1e-5, 1.0, 20)
    assert lrs == sorted(lrs)
    assert len(lrs) == 20
    assert {1e-4, 1e-3} <= set(lrs)
    assert (lrs[0], lrs[-1]) == pytest.approx((1e-5, 1.0))


def test_smoothing_leaves_a_constant_alone() -> None:
    assert smooth([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert smooth([1.0, 2.0], keep=0.5) == pytest.approx([1.0, 5 / 3])


def test_suggestion_is_half_of_the_rate_at_which_the_loss_is_lowest() -> None:
    lrs = rates(1e-5, 1.0, 50)
    curve = [2.3 - 1.5 / (1 + (1e-2 / lr) ** 2) + (lr / 0.3) ** 3 for lr in lrs]  # falls at 1e-2, bursts at 0.3
    found = suggest(lrs, curve)
    assert 3e-3 < found.steepest < 3e-2
    assert 0.03 < found.lowest < 0.3
    assert found.lr == found.lowest / 2


def test_curve_ends_at_a_loss_that_is_not_finite() -> None:
    lrs = rates(1e-4, 1.0, 20)
    losses = [2.0 - 0.1 * i for i in range(12)] + [float("nan")] * (len(lrs) - 12)
    assert suggest(lrs, losses).lowest == lrs[11]


def test_too_short_a_curve_is_an_error() -> None:
    with pytest.raises(DataError, match="too few steps; got 3"):
        suggest([1e-3, 1e-2, 1e-1, 1.0], [1.0, 1.0, 1.0, float("inf")])


def test_sweep_leaves_the_learner_as_it_was(loader: Any, new_learner: Callable[..., Any]) -> None:
    learner = new_learner(lr="auto", ema=0.9)
    before = {k: v.clone() for k, v in learner.state().tensors.items()}
    find_lr(learner, loader, steps=12)
    after = learner.state().tensors
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert learner.steps_taken == 0


def test_sweep_ends_when_asked_and_uses_what_it_has(loader: Any, new_learner: Callable[..., Any]) -> None:
    calls = iter(range(100))
    sweep = find_lr(new_learner(lr="auto"), loader, steps=40, should_stop=lambda: next(calls) == 10)
    assert len(sweep.losses) == 10


@pytest.mark.parametrize(("optimizer", "least", "most"), [("sgd", 0.003, 1.0), ("adamw", 0.0005, 0.3)])
def test_suggested_rate_trains_the_tiny_problem(
    optimizer: str, least: float, most: float, new_loader: Callable[..., Any], new_learner: Callable[..., Any]
) -> None:
    sweep = find_lr(new_learner(optimizer=optimizer, lr="auto"), new_loader())
    assert least < sweep.lr < most
    learner = new_learner(optimizer=optimizer, lr=sweep.lr, epochs=8)
    losses = [r.train["loss"] for r in learner.fit(new_loader(), dict, None, lambda: False)]
    assert losses[-1] < losses[0] - 0.02


def test_trial_takes_the_same_step_again_and_again(loader: Any, new_learner: Callable[..., Any]) -> None:
    trial = new_learner(lr=0.1).trial(loader.inputs[:32], loader.target[:32])
    losses = [trial() for _ in range(10)]
    assert losses[-1] < losses[0]
