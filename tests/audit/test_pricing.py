"""What a fix leaves out, and the control beside it."""

from __future__ import annotations

import numpy as np

from goodfit.audit.pricing import control, removal
from goodfit.core.finding import Finding

IDS = ["a", "b", "c", "d", "e", "f"]
TRAIN = np.array([0, 1, 2, 4])


def test_a_fix_leaves_out_the_training_samples_that_are_named() -> None:
    finding = Finding(code="GF-D072", severity="warning", ids=("b", "d", "e"))
    assert removal(finding, IDS, TRAIN).tolist() == [1, 4]


def test_of_a_pair_named_both_ways_one_member_stays() -> None:
    finding = Finding(code="GF-D073", severity="warning", ids=("a", "b", "c"), others=("b", "a", "f"))
    assert removal(finding, IDS, TRAIN).tolist() == [0, 2]


def test_the_control_takes_as_many_others_of_the_same_classes() -> None:
    target = np.array([0] * 20 + [1] * 20)
    removed, train = np.array([0, 1, 2, 20]), np.arange(40)
    drawn = control(removed, train, target, seed=3)
    assert np.bincount(target[drawn]).tolist() == [3, 1]
    assert not set(drawn.tolist()) & set(removed.tolist())
    assert (
        drawn.tolist()
        == control(removed, train, target, seed=3).tolist()
        != control(removed, train, target, 4).tolist()
    )


def test_the_control_takes_what_there_is_of_a_class_that_is_nearly_gone() -> None:
    target = np.array([0, 0, 0, 1, 1])
    assert control(np.array([0, 1]), np.arange(5), target, 0).tolist() == [2]
