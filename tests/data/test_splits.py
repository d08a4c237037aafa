"""Splits: shares by volume, classes in proportion, groups whole, given parts and test labels respected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodfit.core.errors import DataError, RecipeError
from goodfit.core.recipe import SplitSection
from goodfit.core.samples import Index, Split
from goodfit.core.target_kinds import KINDS
from goodfit.data.splits import auto_shares, draw, make_split


def table(target: np.ndarray, part: np.ndarray | str = "") -> Index:
    n = len(target)
    parts = np.full(n, part, dtype=object) if isinstance(part, str) else part
    return Index(
        id=np.array([f"s{i}" for i in range(n)], dtype=object),
        where=np.full(n, "", dtype=object),
        target=target,
        part=parts,
    )


def sizes(split: Split) -> tuple[int, int, int, int]:
    return len(split.train), len(split.select), len(split.confirm), len(split.test)


def opened(split: Split) -> np.ndarray:
    return split.test.open(lambda: None)


def test_shares_by_volume() -> None:
    assert auto_shares(500, False) == (0.20, 0.20)
    assert auto_shares(2000, False) == (0.10, 0.15)
    assert auto_shares(2000, True) == (0.10, 0.0)
    assert auto_shares(200_000, True) == (0.025, 0.0)


def test_large_set_with_given_test_keeps_classes_exactly_in_proportion() -> None:
    target = np.repeat(np.arange(10), 6000)
    part = np.where(np.arange(60_000) % 6 == 5, "test", "train").astype(object)
    split = make_split(table(target, part), "class", SplitSection(), 0)
    assert sizes(split) == (45_000, 2500, 2500, 10_000)
    for positions in (split.train, split.select, split.confirm):
        counts = np.bincount(target[positions])
        assert counts.max() - counts.min() == 0
    assert split.how == ("stratified", "given test", "drawn val")


@given(
    counts=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    groups=st.integers(0, 30),
    seed=st.integers(0, 1000),
    confirm=st.sampled_from([0.3, 0.5]),
)
def test_split_is_a_partition_and_groups_stay_whole(counts: list[int], groups: int, seed: int, confirm: float) -> None:
    target = np.repeat(np.arange(len(counts)), counts)
    group = np.random.default_rng(seed).integers(0, groups, len(target)) if groups else None
    try:
        split = make_split(table(target), "class", SplitSection(confirm=confirm), seed, group)
    except DataError:
        return  # too few samples or groups; the message has tests of its own
    every = np.concatenate([split.train, split.select, split.confirm, opened(split)])
    assert sorted(every) == list(range(len(target)))
    if group is not None:
        members = [set(group[p]) for p in (split.train, split.select, split.confirm, opened(split))]
        assert sum(map(len, members)) == len(set(group))
    assert set(target[split.train]) == set(target) or group is not None


def test_class_with_one_sample_stays_in_train() -> None:
    split = make_split(table(np.array([0] * 30 + [1] * 30 + [2])), "class", SplitSection(), 0)
    assert 60 in split.train


def test_small_class_is_in_select_and_in_confirm_where_it_can_be() -> None:
    target = np.array([0] * 200 + [1] * 9)
    split = make_split(table(target), "class", SplitSection(), 3)
    assert (target[split.select] == 1).any()
    assert (target[split.confirm] == 1).any()


def test_given_val_is_halved_and_nothing_is_drawn_from_train() -> None:
    target = np.tile([0, 1], 100)
    part = np.array(["train"] * 120 + ["val"] * 40 + ["test"] * 40, dtype=object)
    split = make_split(table(target, part), "class", SplitSection(), 0)
    assert sizes(split) == (120, 20, 20, 40)
    assert list(split.val) == list(range(120, 160))
    assert split.how == ("stratified", "given test", "given val")


def test_test_labels_and_test_samples_change_nothing_else() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 4, 300)
    part = np.where(np.arange(300) < 200, "train", "test").astype(object)
    base = make_split(table(target, part), "class", SplitSection(), 7)
    shuffled = target.copy()
    shuffled[200:] = rng.permutation(shuffled[200:])
    shuffled[250] = -1
    assert make_split(table(shuffled, part), "class", SplitSection(), 7).digest() == base.digest()
    assert make_split(table(target[:220], part[:220]), "class", SplitSection(), 7).digest() == base.digest()


def test_same_seed_same_split_other_seed_another() -> None:
    index = table(np.tile([0, 1], 200))
    digests = {make_split(index, "class", SplitSection(), seed).digest() for seed in (0, 0, 1, 2)}
    assert len(digests) == 3


def test_other_val_share_leaves_the_drawn_test_as_it_was() -> None:
    index = table(np.tile([0, 1], 200))
    one = make_split(index, "class", SplitSection(val=0.1), 0)
    two = make_split(index, "class", SplitSection(val=0.3), 0)
    assert list(opened(one)) == list(opened(two))
    assert (len(one.val), len(two.val)) == (32, 96)


def test_names_of_classes_do_not_matter_only_their_sets() -> None:
    target = np.tile([0, 1, 2], 100)
    one = make_split(table(target), "class", SplitSection(), 0)
    two = make_split(table(np.array([2, 0, 1])[target]), "class", SplitSection(), 0)
    assert np.array_equal(opened(one), opened(two))
    assert one.digest() == two.digest()


def test_no_test_where_none_is_wanted() -> None:
    split = make_split(table(np.tile([0, 1], 50)), "class", SplitSection(test=0.0), 0)
    assert len(split.test) == 0
    assert "no test" in split.how


@pytest.mark.parametrize(
    ("key", "value"), [("val", 0.0), ("val", 1.0), ("val", -0.1), ("val", float("nan")), ("test", 1.5), ("test", -1.0)]
)
def test_impossible_share_names_its_key(key: str, value: float) -> None:
    with pytest.raises(RecipeError, match=f"split.{key}"):
        make_split(table(np.tile([0, 1], 50)), "class", SplitSection(**{key: value}), 0)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_too_few_samples_is_a_clear_error(n: int) -> None:
    with pytest.raises(DataError, match="leaves no sample for"):
        make_split(table(np.arange(n) % 2), "class", SplitSection(), 0)


def test_one_group_for_everything_is_a_clear_error() -> None:
    with pytest.raises(DataError, match="fewer groups|leaves no sample"):
        make_split(table(np.tile([0, 1], 50)), "class", SplitSection(), 0, np.zeros(100))


def test_numbers_are_stratified_by_size() -> None:
    target = np.sort(np.random.default_rng(0).normal(size=2000))
    split = make_split(table(target), "number", SplitSection(), 0)
    assert abs(np.median(target[split.val]) - np.median(target)) < 0.05
    assert abs(target[split.val].std() - target.std()) < 0.08


def test_rare_label_of_a_multilabel_set_reaches_val() -> None:
    target = np.zeros((400, 3), dtype=np.uint8)
    target[:, 0] = 1
    target[::2, 1] = 1
    target[:12, 2] = 1
    assert list(np.bincount(KINDS["multilabel"].strata(target))) == [12, 194, 194]
    split = make_split(table(target), "multilabel", SplitSection(), 0)
    assert target[split.val, 2].sum() >= 2


def test_draw_meets_its_number_exactly_and_in_proportion() -> None:
    strata = np.repeat([0, 1, 2], [70, 20, 10])
    chosen = draw(np.arange(100), strata, 33, seed=1)
    assert len(chosen) == 33
    assert list(np.bincount(strata[chosen])) == [23, 7, 3]


def test_with_times_test_and_val_are_the_latest_samples() -> None:
    index = replace(table(np.arange(100) % 2), time=np.random.default_rng(0).permutation(100).astype(float))
    split = make_split(index, "class", SplitSection(val=0.25, test=0.2), 0)
    assert index.time is not None
    test = split.test.open(lambda: None)
    assert sorted(index.time[test]) == list(range(80, 100))
    assert sorted(index.time[split.val]) == list(range(60, 80))
    assert index.time[split.train].max() < 60
    assert split.how[0] == "by time"


def test_samples_of_one_moment_and_of_one_group_stay_together_in_time() -> None:
    time = np.repeat(np.arange(10.0), 10)
    split = make_split(replace(table(np.arange(100) % 2), time=time), "class", SplitSection(val=0.2, test=0.15), 0)
    assert set(time[split.test.open(lambda: None)]) <= {8.0, 9.0}
    groups = np.arange(100) // 2
    time = np.arange(100.0)
    split = make_split(replace(table(np.arange(100) % 2), time=time), "class", SplitSection(), 0, groups)
    parts = [split.train, split.select, split.confirm, split.test.open(lambda: None)]
    assert sum(len(set(groups[p])) for p in parts) == 50
