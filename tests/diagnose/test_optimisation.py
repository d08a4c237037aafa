"""Learning rates ten to a thousand times off, divergence, and the curves of healthy runs that resemble them."""

import math
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from goodfit.diagnose import Evidence
from goodfit.diagnose.optimisation import look_divergence, look_high, look_low, prior_loss


@pytest.mark.parametrize(("lr", "sign"), [(0.5, "rise"), (5.0, "ratio"), (50.0, "above_prior")])
def test_rates_10_100_and_1000_times_too_high_are_named(trial: Callable[..., Evidence], lr: float, sign: str) -> None:
    finding = look_high(trial(lr=lr))
    assert finding is not None
    assert finding.numbers["sign"] == sign
    assert look_low(trial(lr=lr)) is None


@pytest.mark.parametrize("lr", [5e-5, 5e-6])
def test_rates_1000_times_too_low_and_lower_are_named(trial: Callable[..., Evidence], lr: float) -> None:
    assert look_low(trial(lr=lr)) is not None
    assert look_high(trial(lr=lr)) is None


@pytest.mark.parametrize("fault", [{}, {"seed": 1}, {"epochs": 4}, {"lr": 0.005}, {"shuffled": 1.0}, {"width": 2}])
def test_good_rates_stay_unnamed(trial: Callable[..., Evidence], fault: dict) -> None:
    assert look_high(trial(**fault)) is None
    assert look_low(trial(**fault)) is None
    assert look_divergence(trial(**fault)) is None


def test_a_loss_that_is_not_finite_is_divergence_with_its_step(kit: SimpleNamespace) -> None:
    finding = look_divergence(kit.evidence(records=kit.curve([2.0, 1.5, math.nan])))
    assert finding is not None
    assert (finding.numbers["step"], finding.numbers["steps"], finding.severity) == (30, 30, "problem")


def test_outputs_that_are_not_finite_are_divergence(kit: SimpleNamespace) -> None:
    bad = kit.predictions(np.array([0, 1]), np.full((2, 10), np.inf), "confirm")
    assert look_divergence(kit.evidence(confirm=bad)) is not None
    assert look_divergence(kit.evidence()) is None


def test_learning_only_as_the_rate_falls_is_a_rate_too_high(kit: SimpleNamespace) -> None:
    lr = [0.5] * 6 + [0.2, 0.1, 0.05, 0.01]
    late = kit.curve([2.4, 2.3, 2.3, 2.29, 2.28, 2.28, 1.8, 1.4, 1.2, 1.1], lr=lr, ratio=2e-2)
    finding = look_high(kit.evidence(train=0.6, val=0.6, records=late))
    assert finding is not None
    assert finding.numbers["sign"] == "late"


def test_a_plateau_that_breaks_at_the_full_rate_stays_silent(kit: SimpleNamespace) -> None:
    lr = [0.5] * 7 + [0.2, 0.1, 0.01]
    plateau = kit.curve([2.4, 2.3, 2.3, 2.3, 1.9, 1.5, 1.1, 0.9, 0.8, 0.7], lr=lr, ratio=2e-2)
    assert look_high(kit.evidence(train=0.8, val=0.8, records=plateau)) is None


def test_muon_moves_a_tenth_of_the_weights_in_health(kit: SimpleNamespace) -> None:
    muon = kit.evidence(
        recipe=kit.resolved(train__optimizer="muon"), records=kit.curve(np.linspace(2, 0.3, 9), ratio=0.2)
    )
    assert look_high(muon) is None
    assert look_low(muon) is None


def test_a_bump_when_the_picture_grows_stays_silent(kit: SimpleNamespace) -> None:
    bump = kit.curve([2.0, 1.5, 1.2, 1.35, 1.1, 0.9, 0.8, 0.7], ratio=1e-2)
    assert look_high(kit.evidence(records=bump)) is None


def test_a_loss_near_zero_may_double_without_alarm(kit: SimpleNamespace) -> None:
    assert look_high(kit.evidence(records=kit.curve([1.0, 0.1, 0.01, 0.02, 0.03, 0.02], ratio=1e-2))) is None


def test_slow_fine_tuning_of_pretrained_weights_stays_silent(kit: SimpleNamespace) -> None:
    slow = kit.curve(np.linspace(2.3, 1.4, 9), ratio=2e-4)
    tuned = kit.evidence(0.45, 0.45, recipe=kit.resolved(model__weights="w.safetensors"), records=slow)
    assert look_low(tuned) is None
    assert look_low(kit.evidence(0.45, 0.45, records=slow)) is not None


def test_prior_loss_of_ten_equal_classes_is_ln_10_smoothed_or_not(kit: SimpleNamespace) -> None:
    assert prior_loss(kit.evidence()) == pytest.approx(math.log(10))
    assert prior_loss(kit.evidence(recipe=kit.resolved(train__label_smoothing=0.2))) == pytest.approx(math.log(10))
    assert prior_loss(kit.evidence(recipe=kit.resolved(train__loss="mse"))) is None


def test_prior_loss_of_an_even_label_is_ln_2(kit: SimpleNamespace) -> None:
    target = np.array([[1, 0], [0, 1]], np.uint8)
    labels = kit.predictions(target, np.zeros((2, 2)), "train")
    assert prior_loss(kit.evidence(train=labels, recipe=kit.resolved(train__loss="bce"))) == pytest.approx(math.log(2))
