"""Remedies against wrong labels: train without those that models contradict, or under the proposed ones."""

from __future__ import annotations

from functools import partial

from ...core.finding import Remedy
from ...core.recipe import Recipe

JUDGING = 1.3  # the labels are judged once by small models, which takes a part of a training's time


def with_wrong_labels(how: str, recipe: Recipe) -> Recipe:
    """The recipe with `train.wrong_labels` set, where it keeps them all."""
    return recipe.with_("train.wrong_labels", how) if recipe.train.wrong_labels == "keep" else recipe


LEAVE_OUT = Remedy(
    name="leave_out_wrong_labels",
    treats=frozenset({"GF-F006"}),
    apply=partial(with_wrong_labels, "leave_out"),
    cost=JUDGING,
    source="Brodley and Friedl 1999, JAIR 11; Northcutt et al. 2021, arXiv:1911.00068; benchmarks/label_noise.py",
)
RELABEL = Remedy(
    name="relabel_wrong_labels",
    treats=frozenset({"GF-F006"}),
    apply=partial(with_wrong_labels, "relabel"),
    cost=JUDGING,
    source="Tanaka et al. 2018, arXiv:1803.11364; benchmarks/label_noise.py",
)
