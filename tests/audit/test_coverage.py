"""Coverage: a condition and a region taken out of train are found with their samples, and nothing where none is."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.audit.coverage import diversity, doubles, label_next, missing_conditions, space_of, thin_regions
from goodfit.audit.facts import Facts
from goodfit.audit.origins import Origin


def light(train_low: float, n: int = 400) -> tuple[Facts, np.ndarray, np.ndarray]:
    """Light of train and test, uniform from `train_low` and from 0 to 100; and a fact that never differs."""
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.uniform(train_low, 100, n), rng.uniform(0, 100, n)])
    held = np.arange(2 * n) >= n
    ids = np.array([f"s{i}" for i in range(2 * n)], dtype=object)
    return Facts(names=("light", "sharpness"), values=np.stack([values, rng.normal(size=2 * n)], 1)), ids, held


def test_dark_pictures_that_train_lacks_are_a_missing_condition() -> None:
    facts, ids, held = light(train_low=30)
    (found,) = missing_conditions(facts, ids, held)
    assert (found.code, found.numbers["fact"], found.numbers["end"]) == ("GF-D105", "light", "low")
    assert (found.numbers["train"], found.numbers["count"]) == (0, 40)
    dark = facts.values[[int(name[1:]) for name in found.ids], 0]
    assert dark.max() < 13.1
    assert all(held[int(name[1:])] for name in found.ids)


@pytest.mark.parametrize("seed", range(5))
def test_like_parts_lack_neither_condition_nor_region(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, held = rng.normal(size=(600, 12)), rng.random(600) < 0.4
    ids = np.arange(600).astype(str).astype(object)
    assert missing_conditions(Facts(names=tuple("abcdefghijkl"), values=values), ids, held) == []
    assert thin_regions(space_of(ids, values, np.zeros(600, np.int64), held, ("a",)), seed) == []


def bundles(missing: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Six bundles of 50 in train and test; where asked the last is missing from train."""
    rng = np.random.default_rng(1)
    of = np.tile(np.repeat(np.arange(6), 50), 2)
    held = np.arange(600) >= 300
    keep = held | (of != 5) if missing else np.ones(600, bool)
    return (np.eye(6)[of] + rng.normal(0, 0.2, (600, 6)))[keep], of[keep], held[keep]


def test_a_bundle_taken_out_of_train_is_found_with_its_pictures_and_class() -> None:
    rows, of, held = bundles(missing=True)
    ids = np.arange(len(of)).astype(str).astype(object)
    found = thin_regions(space_of(ids, rows, of // 3, held, ("few", "many")))
    named = [int(name) for one in found for name in one.ids]
    assert {one.code for one in found} == {"GF-D106"}
    assert np.mean(of[named] == 5) > 0.95
    assert len(named) >= 40
    assert found[0].numbers["class"] == "many"
    whole, of, held = bundles(missing=False)
    assert thin_regions(space_of(np.arange(600).astype(str), whole, of, held, tuple("abcdef"))) == []


def test_of_samples_without_labels_the_missing_bundle_is_to_be_labelled_first() -> None:
    rows, of, held = bundles(missing=True)
    ids = np.arange(len(of)).astype(str).astype(object)
    (found,) = label_next(space_of(ids, rows, np.where(held, -1, of), held, tuple("abcdef")))
    assert [int(of[int(name)]) for name in found.ids[:1]] == [5]
    gains = found.details["gain"]
    assert list(gains) == sorted(gains, reverse=True)
    assert label_next(space_of(ids, rows, of, held, tuple("abcdef"))) == []


def test_copies_in_train_are_counted_and_a_class_of_copies_is_the_least_varied() -> None:
    rng = np.random.default_rng(2)
    same, varied = np.repeat(rng.normal(size=(4, 16)), 10, axis=0), rng.normal(size=(40, 16))
    rows = np.concatenate([same + rng.normal(0, 0.01, same.shape), varied])
    target, held = np.repeat([0, 1], 40), np.zeros(80, bool)
    space = space_of(np.arange(80).astype(str), rows, target, held, ("same", "varied"))
    (found,) = doubles(space)
    assert found.numbers["count"] == 36
    origin = Origin(kind="folder", names=("x", "y"), of=np.tile([0, 1], 40))
    told = {row["name"]: row for row in diversity(space, [origin])}
    assert told["same"]["effective"] < 5 < told["varied"]["effective"]
    assert (told["same"]["redundant"], told["varied"]["redundant"]) == (0.9, 0.0)
    assert told["x"]["samples"] == 40
