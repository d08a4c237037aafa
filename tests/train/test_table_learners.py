"""Learners of tables without gradients: what they learn, how they resume, what their stored form is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from goodfit.core.errors import CheckpointError
from goodfit.core.recipe import Recipe, build
from goodfit.core.task import Batch, State
from goodfit.data.columns import read_column
from goodfit.data.row_facts import describe_columns, inputs_of
from goodfit.models.tabular_inputs import Encoded, Inputs
from goodfit.train import boosting as boosting_module
from goodfit.train import row_linear
from goodfit.train.boosting import BLOCK, BoostingLearner
from goodfit.train.losses import pinball
from goodfit.train.row_linear import LinearLearner

N = 300
RNG = np.random.default_rng(0)
X, C = RNG.normal(size=N), RNG.integers(0, 3, N)
CELLS: dict[str, list[Any]] = {"x": X.tolist(), "c": [f"k{c}" for c in C], "z": RNG.normal(size=N).tolist()}
NUMBER = 3 * X + 5.0 * C + 100
CLASS = (X + C > 1).astype(np.int64)


def inputs() -> tuple[Inputs, Encoded]:
    columns = {name: read_column(cells) for name, cells in CELLS.items()}
    described = describe_columns(columns)
    found = Inputs(facts={"columns": described, "inputs": inputs_of(columns, described)})
    return found, found.encode(columns)


INPUTS, ROWS = inputs()


class Table:
    """All rows at once."""

    failed: Mapping[int, str] = {}
    parts = 1

    def __init__(self, target: np.ndarray, part: slice = slice(None)) -> None:
        self.positions, self.target = np.arange(N)[part], target
        self.batch_size, self.steps_per_epoch = len(self.positions), 1

    def __len__(self) -> int:
        return len(self.positions)

    def epoch(self, number: int, start: int = 0, size: int = 0) -> Iterator[Batch]:
        return iter(())

    def whole(self) -> tuple[Encoded, np.ndarray]:
        return ROWS.take(self.positions), self.target[self.positions]


def recipe(**train: Any) -> Recipe:
    keys = {"lr": 0.1, "weight_decay": 0.0, "epochs": 60, "loss": "ce", **train}
    return build({"model": {"width": 8}, "train": keys})


def boosting(classes: int = 2, **train: Any) -> BoostingLearner:
    scale = (0.0, 1.0) if classes else (float(NUMBER.mean()), float(NUMBER.std()))
    return BoostingLearner(recipe(**train), INPUTS, classes, scale, 1, N)


def linear(classes: int = 2) -> LinearLearner:
    scale = (0.0, 1.0) if classes else (float(NUMBER.mean()), float(NUMBER.std()))
    return LinearLearner(recipe(weight_decay=1e-4, epochs=1), INPUTS, classes, scale)


def trained(learner: Any, target: np.ndarray, resume: State | None = None, stop_at: int | None = None) -> list[Any]:
    stop = lambda: stop_at is not None and learner.steps_taken >= stop_at  # noqa: E731
    return list(learner.fit(Table(target), dict, resume, stop))


@pytest.mark.parametrize("make", [boosting, linear])
def test_classes_and_numbers_are_learnt(make: Any) -> None:
    learner = make(2)
    records = trained(learner, CLASS)
    assert records[-1].kind == "epoch"
    assert records[-1].step == records[-1].steps
    outputs = learner.predict(Table(CLASS))
    assert (outputs.shape, outputs.dtype) == ((N, 2), np.float32)
    assert (outputs.argmax(1) == CLASS).mean() > 0.95
    learner = make(0) if make is linear else boosting(0, loss="mse")
    trained(learner, NUMBER)
    error = learner.predict(Table(NUMBER))[:, 0] - NUMBER
    assert np.sqrt((error**2).mean()) < 0.3 * NUMBER.std()


def test_three_classes_have_three_logits_and_an_absent_one_is_never_said() -> None:
    for learner in (boosting(3), linear(3)):
        trained(learner, np.where(C == 2, 1, C))
        outputs = learner.predict(Table(C))
        assert outputs.shape == (N, 3)
        assert not (outputs.argmax(1) == 2).any()


def test_a_record_comes_each_block_of_rounds_and_rounds_are_steps() -> None:
    records = trained(boosting(epochs=2 * BLOCK + 3), CLASS)
    assert [(r.kind, r.step) for r in records] == [("epoch", BLOCK), ("epoch", 2 * BLOCK), ("epoch", 2 * BLOCK + 3)]
    assert records[0].train["loss"] > records[-1].train["loss"]


def test_boosting_stops_when_asked() -> None:
    learner = boosting()
    records = trained(learner, CLASS, stop_at=7)
    assert (records[-1].kind, records[-1].step, learner.steps_taken) == ("stopped", 7, 7)


def test_a_resumed_boosting_gives_the_same_trees_and_only_the_records_that_were_missing() -> None:
    whole, cut = boosting(), boosting()
    trained(whole, CLASS)
    trained(cut, CLASS, stop_at=25)
    again = boosting()
    records = trained(again, CLASS, resume=cut.state())
    assert [r.step for r in records] == [30, 40, 50, 60]
    assert again.weights().tensors["booster"].tobytes() == whole.weights().tensors["booster"].tobytes()


def test_boosting_that_is_stopped_while_it_repeats_rounds_stands_where_it_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut, again, third = boosting(), boosting(), boosting()
    trained(cut, CLASS, stop_at=25)
    with monkeypatch.context() as patch:
        patch.setattr(boosting_module, "asked_to_stop", lambda: 15 if again.steps_taken == 10 else 0)
        records = trained(again, CLASS, resume=cut.state())
    assert ([(r.kind, r.step) for r in records], again.steps_taken) == ([("stopped", 25)], 10)
    assert [r.step for r in trained(third, CLASS, resume=again.state())] == [30, 40, 50, 60]


def test_a_linear_fit_heeds_a_signal_between_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_linear, "SLICE", 2)
    monkeypatch.setattr(row_linear, "asked_to_stop", lambda: 15)
    learner = linear()
    assert [r.kind for r in trained(learner, CLASS)] == ["stopped"]
    assert learner.steps_taken == 0


def test_a_linear_fit_whose_time_is_up_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_linear, "SLICE", 5)
    learner, asked = linear(), list[bool]()
    records = list(learner.fit(Table(CLASS), dict, None, lambda: asked.append(True) or len(asked) > 1))  # type: ignore[func-returns-value]
    assert ([r.kind for r in records], len(asked)) == (["epoch"], 2)
    assert (learner.predict(Table(CLASS)).argmax(1) == CLASS).mean() > 0.8


def test_a_linear_fit_in_slices_ends_where_one_in_a_piece_does(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    noisy = np.where(random.random(N) < 0.3, random.integers(0, 3, N), C)
    whole = trained(linear(3), noisy)[0].train["loss"]
    monkeypatch.setattr(row_linear, "SLICE", 5)
    assert trained(linear(3), noisy)[0].train["loss"] == pytest.approx(whole, rel=1e-3)


def test_predictions_between_rounds_are_those_of_all_trees_so_far() -> None:
    learner, table = boosting(), Table(CLASS)
    outputs = []
    for _ in learner.fit(Table(CLASS), lambda: outputs.append(learner.predict(table)) or {}, None, lambda: False):  # type: ignore[func-returns-value]
        pass
    fresh = boosting()
    fresh.load_weights(learner.weights())
    np.testing.assert_allclose(outputs[-1], fresh.predict(Table(CLASS)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", [boosting, linear])
def test_stored_weights_answer_alike_and_hold_no_code(make: Any) -> None:
    learner, other = make(), make()
    trained(learner, CLASS)
    state = learner.weights()
    assert all(isinstance(value, np.ndarray) and value.dtype != object for value in state.tensors.values())
    other.load_weights(state)
    np.testing.assert_array_equal(learner.predict(Table(CLASS)), other.predict(Table(CLASS)))
    with pytest.raises(CheckpointError):
        make().load_weights(State(tensors={"x": np.zeros(3)}, meta={}))


def test_boosting_is_stored_as_the_librarys_text() -> None:
    learner = boosting()
    trained(learner, CLASS)
    text = bytes(learner.weights().tensors["booster"]).decode()
    assert text.startswith("tree\nversion=")


def test_going_on_from_stored_trees_adds_to_them() -> None:
    learner = boosting(epochs=20)
    trained(learner, CLASS)
    further = boosting(epochs=10)
    further.load_weights(learner.weights())
    trained(further, CLASS)
    both = boosting()
    both.load_weights(further.weights())
    assert both._booster.num_trees() == 30
    loss = lambda l: np.log1p(np.exp(-(2 * CLASS - 1) * np.diff(l.predict(Table(CLASS)))[:, 0])).mean()  # noqa: E731, E741
    assert loss(both) < loss(learner)


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_a_quantile_lies_above_about_so_many_targets(quantile: float) -> None:
    noisy = NUMBER + np.random.default_rng(1).normal(size=N) * 10
    learner = boosting(0, loss="quantile", quantile=quantile, lr=0.05)
    trained(learner, noisy)
    assert (noisy <= learner.predict(Table(noisy))[:, 0]).mean() == pytest.approx(quantile, abs=0.08)


def test_pinball_of_a_half_is_half_the_absolute_error() -> None:
    import torch

    outputs, target = torch.tensor([[0.0], [2.0]]), torch.tensor([3.0, 1.0])
    torch.testing.assert_close(pinball(outputs, target), torch.tensor([1.5, 0.5]))
    torch.testing.assert_close(pinball(outputs, target, 0.9), torch.tensor([2.7, 0.1]))


@pytest.mark.parametrize("make", [boosting, linear])
def test_importance_names_the_inputs_that_tell_the_target(make: Any) -> None:
    learner = make()
    trained(learner, CLASS)
    found = learner.importance()
    assert set(found) == {"x", "z", "c"}
    assert found["z"] < 0.1
    assert sum(found.values()) == pytest.approx(1)


def test_a_linear_fit_is_not_repeated_on_resume() -> None:
    learner = linear()
    trained(learner, CLASS)
    again = linear()
    assert trained(again, CLASS, resume=learner.state()) == []
    np.testing.assert_array_equal(again.predict(Table(CLASS)), learner.predict(Table(CLASS)))


RARE = (X > 1.3).astype(np.int64)  # about one row in ten
RARE_COUNTS = np.bincount(RARE).tolist()


@pytest.mark.parametrize("kind", ["linear", "boosting"])
def test_posthoc_answers_are_the_plain_ones_less_the_log_shares(kind: str) -> None:
    plain, shifted = (_uneven(kind, how) for how in ("none", "posthoc"))
    apart = shifted - plain
    wanted = -np.log(np.array(RARE_COUNTS) / N)
    np.testing.assert_allclose(apart, np.broadcast_to(wanted, apart.shape), atol=1e-4)


@pytest.mark.parametrize("kind", ["linear", "boosting"])
def test_weights_by_inverse_share_raise_the_rare_class(kind: str) -> None:
    plain, weighted = (_uneven(kind, how) for how in ("none", "weights"))
    assert (weighted.argmax(1) == 1).sum() >= (plain.argmax(1) == 1).sum()
    assert (weighted - plain)[:, 1].mean() > (weighted - plain)[:, 0].mean()


def _uneven(kind: str, how: str) -> np.ndarray:
    noisy = np.where(RNG_NOISE < 0.1, 1 - RARE, RARE)
    table = Table(noisy)
    given = recipe(rebalance=how, epochs=20)
    learner = (
        LinearLearner(given, INPUTS, 2, (0.0, 1.0), RARE_COUNTS)
        if kind == "linear"
        else BoostingLearner(given, INPUTS, 2, (0.0, 1.0), 1, N, RARE_COUNTS)
    )
    for _ in learner.fit(table, dict, None, lambda: False):
        pass
    return learner.predict(table)


RNG_NOISE = np.random.default_rng(5).random(N)
