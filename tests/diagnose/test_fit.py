"""Overfitting and underfitting: where the alarm sounds, and the healthy runs where it must not."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from goodfit.core.task import Metric
from goodfit.diagnose import Evidence
from goodfit.diagnose.fit import look_over, look_under


def test_a_gap_of_30_points_is_overfitting(kit: SimpleNamespace) -> None:
    finding = look_over(kit.evidence(train=1.0, val=0.7))
    assert finding is not None
    assert finding.numbers["gap"] == pytest.approx(0.3, abs=0.06)
    assert finding.numbers["train_text"] == "100.0 %"


@pytest.mark.parametrize(("train", "val"), [(1.0, 0.91), (0.97, 0.9), (0.8, 0.79), (0.99, 0.99), (0.85, 0.9)])
def test_gaps_of_good_runs_stay_silent(kit: SimpleNamespace, train: float, val: float) -> None:
    assert look_over(kit.evidence(train=train, val=val)) is None


def test_sixteen_val_samples_make_no_alarm_of_two_errors_more(kit: SimpleNamespace) -> None:
    assert look_over(kit.evidence(train=1.0, val=0.8, n=16, k=2)) is None


def test_forty_digits_are_overfitted(trial: Callable[..., Evidence]) -> None:
    assert look_over(trial(limit=40, epochs=30)) is not None


def test_a_small_gap_counts_where_loss_and_score_have_turned(kit: SimpleNamespace) -> None:
    select = [1.0, 0.6, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0, 1.0]
    score = [0.5, 0.8, 0.95, 0.94, 0.9, 0.88, 0.85, 0.83, 0.83, 0.83]
    turned = kit.curve(np.linspace(2, 0.1, 10), select=select, accuracy=score)
    finding = look_over(kit.evidence(train=0.97, val=0.86, n=800, records=turned))
    assert finding is not None
    assert finding.numbers["loss_rise"] == pytest.approx(1.0)
    steady = kit.curve(np.linspace(2, 0.1, 10), select=select, accuracy=0.9)
    assert look_over(kit.evidence(train=0.97, val=0.86, n=800, records=steady)) is None


def test_half_right_on_train_and_val_is_underfitting(kit: SimpleNamespace) -> None:
    falling = kit.curve(np.linspace(2.3, 1.0, 12))
    finding = look_under(kit.evidence(train=0.5, val=0.49, records=falling))
    assert finding is not None
    assert finding.numbers["still_falling"] is True
    flat = look_under(kit.evidence(train=0.5, val=0.49, records=kit.curve([2.0] + [1.2] * 11)))
    assert flat is not None
    assert flat.numbers["still_falling"] is False


def test_two_epochs_are_too_few_to_say_that_the_loss_no_longer_falls(kit: SimpleNamespace) -> None:
    finding = look_under(kit.evidence(train=0.5, val=0.49, records=kit.curve([2.0, 1.6])))
    assert finding is not None
    assert finding.numbers["still_falling"] is True
    assert (finding.numbers["loss_first"], finding.numbers["loss_last"]) == (2.0, 1.6)
    assert finding.numbers["fall"] == pytest.approx(0.25)


@pytest.mark.parametrize(("train", "val"), [(0.96, 0.91), (0.93, 0.92), (0.8, 0.6), (1.0, 0.98)])
def test_a_well_fitted_or_overfitted_train_is_not_underfitting(kit: SimpleNamespace, train: float, val: float) -> None:
    assert look_under(kit.evidence(train=train, val=val)) is None


def test_a_net_of_two_channels_underfits_digits(trial: Callable[..., Evidence]) -> None:
    assert look_under(trial(width=2)) is not None


def test_errors_that_should_be_low_are_read_as_skill(kit: SimpleNamespace) -> None:
    rmse = Metric(
        name="rmse",
        value=lambda t, o: float(np.sqrt(((o[:, 0] - t) ** 2).mean())),
        higher_is_better=False,
        is_share=False,
    )
    target = np.linspace(-1, 1, 200)
    noisy = lambda e: kit.predictions(target, (target + e * (-1.0) ** np.arange(200))[:, None], "x")  # noqa: E731
    values = {"metric": rmse, "chance": float(target.std()), "target_kind": "number", "select": None}
    over = kit.evidence(noisy(0.01), confirm=noisy(0.3), **values)
    assert look_over(over) is not None
    healthy = kit.evidence(noisy(0.04), confirm=noisy(0.05), **values)
    assert look_over(healthy) is None
    assert look_under(healthy) is None
