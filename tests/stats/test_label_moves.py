"""Labels that move against pictures that are merely unfamiliar."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.stats.label_moves import kept, moves


def answers(target: np.ndarray, said: np.ndarray, sure: float = 0.9, classes: int = 4) -> np.ndarray:
    probs = np.full((len(target), classes), (1 - sure) / (classes - 1))
    probs[np.arange(len(target)), said] = sure
    return probs


TARGET = np.repeat(np.arange(4), 50)


def test_skill_is_what_is_right_beyond_the_commonest_answer() -> None:
    plain = np.r_[np.ones(90), np.zeros(10)]
    seen = np.r_[np.ones(50), np.zeros(50)]
    found = kept(plain, seen, chance=0.1)
    assert found is not None
    assert found.value == pytest.approx(0.4 / 0.8)
    assert found.low < 0.5 < found.high
    assert (found.plain, found.seen, found.n) == (0.9, 0.5, 100)


def test_all_right_on_both_keeps_all_with_an_interval_that_is_no_point() -> None:
    found = kept(np.ones(100), np.ones(100), chance=0.1)
    assert found is not None
    assert (found.value, found.low < 1.0 < found.high) == (1.0, True)


def test_a_net_no_better_than_the_commonest_answer_can_tell_nothing() -> None:
    right = (np.arange(100) % 2).astype(float)
    assert kept(right, right, chance=0.45) is None
    assert kept(right, right, chance=0.2) is not None


def test_classes_that_change_places_have_moved_even_where_the_net_is_unsure() -> None:
    swapped = np.where(TARGET == 0, 1, np.where(TARGET == 1, 0, TARGET))
    found = moves(TARGET, answers(TARGET, TARGET), answers(TARGET, swapped, sure=0.4))
    assert {(m.source, m.into) for m in found} == {(0, 1), (1, 0)}
    assert found[0].share == 1.0
    assert found[0].n == 50


def test_a_circle_of_three_colours_has_moved() -> None:
    turned = np.where(TARGET < 3, (TARGET + 1) % 3, TARGET)
    found = moves(TARGET, answers(TARGET, TARGET), answers(TARGET, turned))
    assert {(m.source, m.into) for m in found} == {(0, 1), (1, 2), (2, 0)}


def test_a_class_that_catches_whatever_is_odd_is_no_move() -> None:
    sink = np.full_like(TARGET, 3)
    assert moves(TARGET, answers(TARGET, TARGET), answers(TARGET, sink)) == []


def test_one_class_that_goes_elsewhere_must_do_so_with_the_usual_confidence() -> None:
    lonely = np.where(TARGET == 0, 1, TARGET)
    assert moves(TARGET, answers(TARGET, TARGET), answers(TARGET, lonely, sure=0.4)) == []
    sure = moves(TARGET, answers(TARGET, TARGET), answers(TARGET, lonely))
    assert [(m.source, m.into, m.share) for m in sure] == [(0, 1, 1.0)]


def test_less_than_half_of_a_class_or_five_samples_are_no_move() -> None:
    some = TARGET.copy()
    some[:20] = 1
    assert moves(TARGET, answers(TARGET, TARGET), answers(TARGET, some)) == []
    few = np.repeat(np.arange(4), 2)
    lonely = np.where(few == 0, np.tile([1, 0], 4), few)
    assert moves(few, answers(few, few), answers(few, lonely)) == []


def test_a_confusion_that_plain_samples_have_as_well_is_no_move() -> None:
    mixed = np.where(TARGET == 0, 1, TARGET)
    assert moves(TARGET, answers(TARGET, mixed), answers(TARGET, mixed)) == []
