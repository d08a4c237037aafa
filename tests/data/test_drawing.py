"""What an epoch shows where classes are drawn anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from goodfit.data.drawing import Draw, draw_of, repeated_share

TARGET = np.repeat([0, 1, 2], [50, 10, 3])


def shown(how: str, epochs: Sequence[int] = (0,)) -> np.ndarray:
    draw = draw_of(TARGET, how, 1)
    assert draw is not None
    return np.concatenate([draw.order(epoch) for epoch in epochs])


@pytest.mark.parametrize("how", ["oversample", "undersample", "sampler"])
def test_an_epoch_is_as_long_as_the_set_and_shows_each_class_21_times(how: str) -> None:
    assert np.bincount(TARGET[shown(how)]).tolist() == [21, 21, 21]


def test_classes_that_do_not_divide_the_set_are_shown_equally_often_over_epochs() -> None:
    target = np.repeat([0, 1, 2], [50, 10, 4])  # 64 samples
    draw = Draw(target, "oversample", 0)
    assert [len(draw.order(epoch)) for epoch in range(3)] == [64, 64, 64]
    assert np.bincount(target[np.concatenate([draw.order(e) for e in range(3)])]).tolist() == [64, 64, 64]


def test_no_sample_is_shown_twice_before_all_of_its_class_were_shown_once() -> None:
    seen = np.bincount(shown("oversample", range(5)), minlength=len(TARGET))
    for k in range(3):
        mine = seen[k == TARGET]
        assert mine.max() - mine.min() <= 1
    assert seen[TARGET == 2].tolist() == [35, 35, 35]


def test_sampler_shows_each_class_once_in_any_three_samples_from_the_start() -> None:
    order = TARGET[shown("sampler")].reshape(-1, 3)
    assert (np.sort(order, axis=1) == [0, 1, 2]).all()


def test_undersampling_keeps_to_three_samples_a_class_in_every_epoch() -> None:
    assert len(set(shown("undersample", range(4)).tolist())) == 9


def test_an_epoch_depends_on_seed_and_number_alone() -> None:
    draw, again, other = (Draw(TARGET, "oversample", seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(draw.order(3), again.order(3))
    assert (draw.order(3) != draw.order(4)).any()
    assert (draw.order(3) != other.order(3)).any()


def test_ways_that_draw_nothing_leave_the_order_alone() -> None:
    assert [draw_of(TARGET, how, 0) for how in ("none", "auto", "weights", "logit_adjustment")] == [None] * 4


def test_repeated_share_is_what_a_class_lacks_of_its_part() -> None:
    np.testing.assert_allclose(repeated_share([50, 10, 3, 0]), [0, 1 - 10 / 21, 1 - 3 / 21, 0])
