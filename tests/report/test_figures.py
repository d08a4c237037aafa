"""Figures stand the extremes: nothing, one, very many, not finite; and put values where they belong."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest

from goodfit.report import figures, quality
from goodfit.report.quality import Bin, Share

NAN = math.nan


def parsed(svg: str) -> ElementTree.Element:
    """The figure as XML; NaN in an attribute would be a hole in the picture."""
    assert "nan" not in svg
    return ElementTree.fromstring(svg)


def curve(train: list[float], select: list[float], best: int | None = None, metric: str = "accuracy") -> figures.Curve:
    epochs = [float(k + 1) for k in range(len(train))]
    return figures.Curve(epochs=epochs, train=train, select=select, best=best, metric=metric)


@pytest.mark.parametrize(
    ("train", "select", "best"),
    [
        ([0.5], [0.6], 0),
        ([1.0, NAN, NAN], [1.1, NAN, NAN], 0),
        ([NAN, NAN], [NAN, NAN], None),
        ([2.0] * 80, [2.0] * 80, 3),
    ],
)
def test_curves_stand_one_epoch_divergence_nothing_and_flat_lines(
    train: list[float], select: list[float], best: int | None
) -> None:
    parsed(figures.curves(curve(train, select, best), "c"))


def test_gap_is_shaded_only_where_both_lines_are_known() -> None:
    both_lines = parsed(figures.curves(curve([1, 0.5, 0.2], [1.1, 0.7, 0.6], 1), "c"))
    one_line = parsed(figures.curves(curve([NAN] * 3, [1.1, 0.7, 0.6], 1), "c"))
    assert len(both_lines.findall("path[@class='gap']")) == 1
    assert len(one_line.findall("path[@class='gap']")) == 0


def test_no_gap_is_drawn_between_the_loss_that_was_trained_on_and_the_one_on_select() -> None:
    losses = parsed(figures.curves(curve([1, 0.5, 0.2], [1.1, 0.7, 0.6], 1, metric="loss"), "c"))
    assert len(losses.findall("path[@class='gap']")) == 0


def test_interval_strip_puts_the_dot_at_its_share() -> None:
    tree = parsed(figures.interval_strip(0.5, 0.4, 0.6, 0.1, None, "c"))
    dot = next(e for e in tree if e.get("class") == "mark-value")
    assert float(dot.attrib["cx"]) == pytest.approx(230)


def test_ladder_stands_equal_points_and_missing_intervals() -> None:
    climbs = [
        figures.Climb(name=f"net {k}", href="#x", seconds=60, value=0.9, low=NAN, high=NAN, is_winner=k == 0)
        for k in range(3)
    ]
    tree = parsed(figures.ladder(climbs, True, "c"))
    assert len(tree.findall("a")) == 3


def test_forest_has_a_row_an_arm_and_the_verdicts_colour() -> None:
    effects = [
        figures.Effect(name="a", effect=0.02, low=0.01, high=0.03, verdict="better", href="#a"),
        figures.Effect(name="b", effect=NAN, low=NAN, high=NAN, verdict="cannot tell", href="#b"),
    ]
    tree = parsed(figures.forest(effects, True, 0.005, "base", "c"))
    assert [e.get("class") for e in tree.iter("circle")] == ["mark better"]


def test_budget_segments_never_reach_beyond_what_was_used() -> None:
    tree = parsed(figures.budget(60, None, 30, [("a", 20.0, "#a"), ("b", 20.0, "#b")], "c"))
    ends = [float(r.attrib["x"]) + float(r.attrib["width"]) for r in tree.iter("rect") if "stage" in r.attrib["class"]]
    whole = next(r for r in tree.iter("rect") if r.attrib["class"] == "bar-rest")
    assert max(ends) <= float(whole.attrib["x"]) + float(whole.attrib["width"]) + 0.1


@pytest.mark.parametrize("k", [2, 12, 13, 60])
def test_confusion_is_drawn_up_to_sixty_classes(k: int) -> None:
    tree = parsed(quality.confusion(np.eye(k, dtype=int) * 3, [f"class number {i}" for i in range(k)], "c"))
    assert len(tree.findall("rect[@class='cell-right']")) == k


def test_class_bars_and_counts_cut_long_lists() -> None:
    shares = [Share(name=f"c{k}", value=0.5, low=0.4, high=0.6, n=9) for k in range(30)]
    parsed(quality.class_bars([*shares, Share(name="none", value=NAN, low=NAN, high=NAN, n=0)], 0.5, "c"))
    tree = parsed(figures.class_counts([f"c{k}" for k in range(100)], {"train": list(range(100))}, "c"))
    assert len(tree.findall("rect")) == figures.MOST_ROWS


def test_reliability_stands_one_bin_and_none() -> None:
    one = Bin(confidence=0.99, share=Share(name="", value=1.0, low=0.9, high=1.0, n=30))
    parsed(quality.reliability([one], [one], "c"))
    parsed(quality.reliability([], [], "c"))


def test_truth_draws_at_most_two_thousand_points() -> None:
    target = np.arange(5000.0)
    assert len(parsed(quality.truth(target, target, "c")).findall("circle")) == 2000
