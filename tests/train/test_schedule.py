"""Each schedule against its formula, and against torch's own schedulers where there is one."""

from __future__ import annotations

import math

import pytest
import torch

from goodfit.core.errors import UsageError
from goodfit.core.recipe import Recipe
from goodfit.core.task import Record
from goodfit.train.schedule import SCHEDULES, as_it_ran, factor, one_cycle, plateau, stem_factor


@pytest.mark.parametrize(
    ("kind", "at_start", "at_quarter", "at_half", "at_end"),
    [
        ("constant", 1, 1, 1, 1),
        ("cosine", 1, (1 + math.cos(math.pi / 4)) / 2, 0.5, 0),
        ("linear", 1, 0.75, 0.5, 0),
        ("step", 1, 1, 0.1, 0.01),
        ("plateau", 1, 1, 1, 1),
    ],
)
def test_factor_at_start_quarter_half_and_end(
    kind: str, at_start: float, at_quarter: float, at_half: float, at_end: float
) -> None:
    got = [factor(p, kind) for p in (0.0, 0.25, 0.5, 1.0)]
    assert got == pytest.approx([at_start, at_quarter, at_half, at_end])


def test_step_drops_at_one_half_and_three_quarters() -> None:
    assert [factor(p, "step", gamma=0.5) for p in (0.49, 0.5, 0.74, 0.75)] == [1, 0.5, 0.5, 0.25]


def test_warmup_rises_linearly_and_wastes_no_step_on_a_rate_of_zero() -> None:
    steps = 10
    got = [factor(s / steps, "constant", warmup=0.4, one_step=1 / steps) for s in range(6)]
    assert got == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def test_schedule_after_warmup_spans_the_rest() -> None:
    assert factor(0.6, "linear", warmup=0.2) == pytest.approx(0.5)


def test_cosine_equals_torch_cosine_annealing() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    for step in range(20):
        assert factor(step / 20, "cosine") == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        theirs.step()


def test_one_cycle_equals_torch_one_cycle_at_its_three_corners_and_between() -> None:
    steps = 1001  # torch counts its last step as progress 1, so 1,000 intervals
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=steps)
    for step in range(steps):
        if step in (0, 150, 300, 650, 1000):  # torch's peak is one step early; the curve is flat there
            assert one_cycle(step / 1000) == pytest.approx(theirs.get_last_lr()[0], abs=0.006)
        optimizer.step()
        if step < steps - 1:
            theirs.step()
    assert one_cycle(0.0) == pytest.approx(1 / 25)
    assert one_cycle(0.3) == pytest.approx(1.0)
    assert one_cycle(1.0) == pytest.approx(4e-6)


def test_warmup_of_one_cycle_is_its_rising_share() -> None:
    assert factor(0.1, "one_cycle", warmup=0.1) == pytest.approx(1.0)


def test_plateau_drops_after_more_than_patience_epochs_without_gain() -> None:
    falling_then_flat = [3.0, 2.0, 1.0, 1.0, 1.0]
    assert plateau(falling_then_flat, gamma=0.1, patience=2) == 1.0
    assert plateau([*falling_then_flat, 1.0], gamma=0.1, patience=2) == pytest.approx(0.1)
    assert plateau([*falling_then_flat, 1.0, 0.5, 0.4], gamma=0.1, patience=2) == pytest.approx(0.1)


def test_plateau_equals_torch_reduce_on_plateau() -> None:
    losses = [5.0, 4.0, 4.2, 4.1, 4.3, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9, 2.0]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
    for n, loss in enumerate(losses, 1):
        theirs.step(loss)
        assert plateau(losses[:n], gamma=0.5, patience=2) == pytest.approx(optimizer.param_groups[0]["lr"])


def test_plateau_counts_a_loss_that_is_not_finite_as_no_gain() -> None:
    assert plateau([1.0, math.inf, math.nan, math.inf], gamma=0.1, patience=2) == pytest.approx(0.1)


def history(*losses: float) -> list[Record]:
    """Epochs of 10 steps with these select losses."""
    steps = 10 * len(losses)
    return [
        Record(kind="epoch", step=10 * n, steps=steps, epoch=n, train={}, select={"loss": loss}, lr=0.1)
        for n, loss in enumerate(losses, 1)
    ]


def test_drops_of_a_finished_run_are_written_down_where_they_fell() -> None:
    recipe = (
        Recipe().with_("train.schedule", "plateau").with_("train.patience", 6)
    )  # a drop after 3 epochs without gain
    losses = (3.0, 2.0, 2.0, math.nan, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    assert as_it_ran(recipe, history(*losses)).train.drops == (0.5, 0.9)
    assert as_it_ran(recipe, history(*losses[:5])).train.drops == ()  # a drop after the last step changes nothing
    cosine = recipe.with_("train.schedule", "cosine")
    assert as_it_ran(cosine, history(*losses)) is cosine


def test_planned_drops_and_those_of_the_loss_are_counted_together() -> None:
    assert plateau([], gamma=0.1, planned=2) == pytest.approx(0.01)
    assert plateau([1.0, 1.0, 1.0, 1.0], gamma=0.1, patience=2, planned=1) == pytest.approx(0.01)


def test_stem_factor_falls_to_zero_at_three_eighths() -> None:
    assert [stem_factor(p) for p in (0.0, 3 / 16, 3 / 8, 1.0)] == pytest.approx([1, 0.5, 0, 0])


def test_every_schedule_stays_within_zero_and_one() -> None:
    for kind in SCHEDULES:
        for i in range(101):
            assert 0 <= factor(i / 100, kind, warmup=0.1, one_step=0.01) <= 1 + 1e-12


def test_unknown_schedule_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="Did you mean 'cosine'"):
        factor(0.5, "cosin")
