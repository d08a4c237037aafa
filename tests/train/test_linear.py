"""The linear floor learns what words tell, says its costs, and comes back from its weights unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from goodfit.core.errors import CheckpointError
from goodfit.core.task import Batch, State
from goodfit.train.linear import NgramLearner

RNG = np.random.default_rng(0)
FILLER = [f"w{i}" for i in range(50)]


class Lists:
    """A loader over word lists."""

    batch_size, failed, parts = 16, {}, 1

    def __init__(self, texts: list[list[str]], target: np.ndarray) -> None:
        self.texts, self.target = texts, target
        self.positions = np.arange(len(texts))
        self.steps_per_epoch = -(-len(texts) // 16)

    def __len__(self) -> int:
        return len(self.texts)

    def epoch(self, number: int, start: int = 0, size: int = 0) -> Iterator[Batch]:
        for first in range(0, len(self.texts), 16):
            rows = slice(first, first + 16)
            yield Batch(inputs=self.texts[rows], target=self.target[rows], positions=self.positions[rows])


def made(n: int, cues: list[str], seed: int) -> tuple[list[list[str]], np.ndarray]:
    """Texts of filler with the cue of their class in between."""
    random = np.random.default_rng(seed)
    target = random.integers(0, len(cues), n)
    texts = [[*random.choice(FILLER, 8).tolist(), cues[k], *random.choice(FILLER, 4).tolist()] for k in target]
    return texts, target


def fitted(learner: NgramLearner, loader: Any) -> list[Any]:
    return list(learner.fit(loader, lambda: {"accuracy": 0.5}, None, lambda: False))


@pytest.mark.parametrize("cues", [["good", "bad"], ["red", "green", "blue"]])
def test_cue_words_are_found(cues: list[str]) -> None:
    learner = NgramLearner(kind="class", outputs=len(cues), order=2, strength=1.0)
    records = fitted(learner, Lists(*made(200, cues, 0)))
    assert [r.kind for r in records] == ["epoch"]
    assert records[0].train["loss"] < 0.2
    assert learner.steps_taken == 1
    texts, target = made(100, cues, 1)
    outputs = learner.predict(Lists(texts, target))  # type: ignore[arg-type]
    assert outputs.shape == (100, len(cues))
    assert outputs.dtype == np.float32
    assert (outputs.argmax(1) == target).mean() == 1.0


def test_order_of_words_counts() -> None:
    texts = [["not", "good"] if i % 2 else ["good", "not"] for i in range(40)]
    learner = NgramLearner(kind="class", outputs=2, order=2, strength=1.0)
    loader = Lists(texts, np.arange(40) % 2)
    fitted(learner, loader)
    assert (learner.predict(loader).argmax(1) == loader.target).all()  # type: ignore[arg-type]


def test_several_labels_and_numbers() -> None:
    texts, which = made(300, ["red", "green", "blue"], 0)
    several = np.stack([which == 0, which != 1], 1).astype(np.uint8)
    learner = NgramLearner(kind="multilabel", outputs=2, order=1, strength=1.0)
    fitted(learner, Lists(texts, several))
    assert ((learner.predict(Lists(texts, several)) > 0) == (several > 0)).mean() > 0.99  # type: ignore[arg-type]
    numbers = np.array([10.0, 20.0, 60.0])[which]
    learner = NgramLearner(kind="number", outputs=1, order=1, strength=0.1, scale=(numbers.mean(), numbers.std()))
    fitted(learner, Lists(texts, numbers))
    texts, which = made(100, ["red", "green", "blue"], 5)
    found = learner.predict(Lists(texts, which))[:, 0]  # type: ignore[arg-type]
    assert np.abs(found - np.array([10.0, 20.0, 60.0])[which]).mean() < 3.0


def test_weights_bring_it_back_bit_for_bit_and_others_are_refused() -> None:
    loader = Lists(*made(120, ["好", "坏"], 0))
    learner = NgramLearner(kind="class", outputs=2, order=2, strength=1.0)
    fitted(learner, loader)
    state = learner.weights()
    again = NgramLearner(kind="class", outputs=2, order=2, strength=1.0)
    again.load_weights(state)
    np.testing.assert_array_equal(again.predict(loader), learner.predict(loader))  # type: ignore[arg-type]
    assert list(again.fit(loader, dict, state, lambda: False)) == []  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match="another model"):
        again.load_weights(State(tensors={"net": np.zeros(3)}, meta={}))
    other = NgramLearner(kind="class", outputs=5, order=2, strength=1.0)
    with pytest.raises(CheckpointError, match="another model"):
        other.load_weights(state)


def test_fit_is_the_same_each_time() -> None:
    loader = Lists(*made(120, ["good", "bad"], 0))
    weights = []
    for _ in range(2):
        learner = NgramLearner(kind="class", outputs=2, order=3, strength=1.0)
        fitted(learner, loader)
        weights.append(learner.weight)
    np.testing.assert_array_equal(*weights)


def test_asked_to_stop_it_stops_without_a_model() -> None:
    learner = NgramLearner(kind="class", outputs=2, order=1, strength=1.0)
    for calls in (0, 3, 15):
        left = iter([False] * calls)
        records = list(
            learner.fit(Lists(*made(160, ["good", "bad"], 0)), dict, None, lambda left=left: next(left, True))  # type: ignore[arg-type,misc]
        )
        assert [r.kind for r in records] == ["stopped"]
        assert learner.steps_taken == 0


def test_costs_are_those_of_the_fitted_model() -> None:
    learner = NgramLearner(kind="class", outputs=2, order=1, strength=1.0)
    fitted(learner, Lists(*made(200, ["good", "bad"], 0)))
    costs = learner.own_costs()
    assert costs["parameters"] == 2 * len(learner.ngrams) + 2
    assert costs["size_bytes"] > 4 * costs["parameters"]
    assert costs["latency_ms"] > 0


def test_uneven_texts_are_answered_as_if_classes_were_even() -> None:
    texts = [["a"], ["a"], ["a"], ["b"]] * 20
    target = np.array([0, 0, 1, 1] * 20)  # of four texts with "a", one is of class 1: log odds of 1 to 2
    shift = np.log([0.9, 0.1]).astype(np.float32)
    plain = NgramLearner(kind="class", outputs=2, order=1, strength=1e-6)
    moved = NgramLearner(kind="class", outputs=2, order=1, strength=1e-6, shift=shift)
    loader = Lists(texts, target)
    for learner in (plain, moved):
        fitted(learner, loader)
    apart = moved.predict(loader) - plain.predict(loader)  # type: ignore[arg-type]
    np.testing.assert_allclose(apart, np.broadcast_to(-shift, apart.shape), atol=1e-5)


def test_weights_count_each_text_by_its_class() -> None:
    texts, target = [["a"]] * 40, np.array([0] * 30 + [1] * 10)
    weight = np.array([40 / 60, 2.0])
    learner = NgramLearner(kind="class", outputs=2, order=1, strength=1e-6, weight=weight)
    loader = Lists(texts, target)
    fitted(learner, loader)
    np.testing.assert_allclose(learner.predict(loader)[0], [0, 0], atol=1e-3)  # type: ignore[arg-type]
