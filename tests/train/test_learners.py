"""The torch learner: equal to a bare loop step for step, and exact after any cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from goodfit.core.errors import CheckpointError
from goodfit.core.recipe import Recipe
from goodfit.core.task import Record, State
from goodfit.engine.checkpoint import CheckpointStore
from goodfit.train.schedule import as_it_ran

RICH = {  # everything that has state or randomness at once
    "epochs": 3.5,
    "schedule": "plateau",
    "warmup": 0.1,
    "ema": 0.9,
    "clip": 1.0,
    "l1": 1e-4,
    "label_smoothing": 0.1,
    "sizes": ((0.0, 6), (0.4, 8)),
    "freeze": 0.1,
    "backbone_lr": 0.5,
    "accumulate": 2,
    "interval": 2,
}


def _never() -> bool:
    return False


def _bits(state: State) -> dict[str, bytes]:
    return {k: v.contiguous().numpy().tobytes() for k, v in state.tensors.items()}


def _without_cost(records: list[Record]) -> list[Record]:
    return [replace(r, cost={}) for r in records]


def _evaluator(learner: Any, plain: Any) -> Callable[[], Mapping[str, float]]:
    def evaluate() -> Mapping[str, float]:
        outputs = torch.from_numpy(learner.predict(plain))
        return {"loss": float(F.cross_entropy(outputs, plain.target))}

    return evaluate


# parity -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "theirs"),
    [
        ("sgd", lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True, fused=True)),
        ("adamw", lambda groups: torch.optim.AdamW(groups, lr=0.05, fused=True)),
    ],
)
def test_loop_equals_a_bare_pytorch_loop_step_for_step(
    optimizer: str,
    theirs: Callable[[Any], torch.optim.Optimizer],
    loader: Any,
    new_learner: Callable[..., Any],
    new_net: Callable[..., nn.Module],
) -> None:
    learner = new_learner(optimizer=optimizer, epochs=2, interval=1)
    ours = [r.step for r in learner.fit(loader, dict, None, _never)]
    bare = new_net()
    bare.train()
    weights, rest = [p for p in bare.parameters() if p.ndim >= 2], [p for p in bare.parameters() if p.ndim < 2]
    opt = theirs([{"params": weights, "weight_decay": 5e-4}, {"params": rest, "weight_decay": 0.0}])
    step = 0
    for epoch in range(2):
        for batch in loader.epoch(epoch):
            for group in opt.param_groups:
                group["lr"] = 0.05 * (1 + math.cos(math.pi * step / 12)) / 2
            opt.zero_grad()
            F.cross_entropy(bare(batch.inputs), batch.target).backward()
            opt.step()
            step += 1
    assert ours[-1] == step == 12
    for mine, other in zip(learner.net.parameters(), bare.parameters(), strict=True):
        assert torch.equal(mine, other)


# exactness --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop", "muon"])
def test_cut_at_a_random_step_and_restored_is_bit_identical(
    optimizer: str,
    tmp_path: Path,
    new_learner: Callable[..., Any],
    new_loader: Callable[..., Any],
    new_net: Callable[..., nn.Module],
) -> None:
    def fresh() -> tuple[Any, Any, Any]:
        learner = new_learner(net=new_net(dropout=0.3), optimizer=optimizer, patience=3, **RICH)
        return learner, new_loader(batch_size=8), new_loader(batch_size=40, training=False)

    learner, loader, plain = fresh()
    uncut = list(learner.fit(loader, _evaluator(learner, plain), None, _never))
    expected, outputs = learner.state(), learner.predict(plain)
    cuts = np.random.default_rng(5).choice(len(uncut) - 1, size=3, replace=False)
    for cut in cuts:
        store = CheckpointStore(tmp_path / f"{cut}")
        learner, loader, plain = fresh()
        before = []
        for record in learner.fit(loader, _evaluator(learner, plain), None, _never):
            before.append(record)
            if len(before) == cut + 1:
                store.save("last", learner.state(), record.step)
                break
        store.wait()
        learner, loader, plain = fresh()
        state, findings = CheckpointStore(tmp_path / f"{cut}").load("last")
        after = list(learner.fit(loader, _evaluator(learner, plain), state, _never))
        assert findings == ()
        assert _without_cost(before + after) == _without_cost(uncut)
        assert _bits(learner.state()) == _bits(expected)
        assert learner.state().meta == expected.meta
        assert np.array_equal(learner.predict(plain), outputs)


def test_stop_at_any_step_and_resume_is_bit_identical(
    new_learner: Callable[..., Any], new_loader: Callable[..., Any], new_own_net: Callable[[], nn.Module]
) -> None:
    """A signal may fall on any step, not only on a record; our own nets train by Muon with a stem of their own."""

    def fresh() -> tuple[Any, Any]:
        keys = {"optimizer": "muon", "lr": 0.2, "momentum": 0.6, "weight_decay": 3e-5, "schedule": "linear"}
        return new_learner(net=new_own_net(), interval=100, **keys), new_loader()

    learner, loader = fresh()
    uncut = list(learner.fit(loader, dict, None, _never))
    expected = _bits(learner.state())
    for cut in range(12):
        learner, loader = fresh()
        calls = iter(range(100))
        first = list(learner.fit(loader, dict, None, lambda: next(calls) == cut))  # noqa: B023
        state = learner.state()
        assert first[-1].kind == "stopped"
        learner, loader = fresh()
        rest = list(learner.fit(loader, dict, state, _never))
        assert _without_cost(first[:-1] + rest) == _without_cost(uncut)
        assert _bits(learner.state()) == expected


def test_snapshot_does_not_move_with_training(loader: Any, new_learner: Callable[..., Any]) -> None:
    learner = new_learner(interval=2)
    records = learner.fit(loader, dict, None, _never)
    next(records)
    state = learner.state()
    bits = _bits(state)
    list(records)
    assert _bits(state) == bits
    assert _bits(learner.state()) != bits


def test_predicting_between_records_does_not_change_training(
    new_loader: Callable[..., Any], new_learner: Callable[..., Any]
) -> None:
    quiet, watched = new_learner(interval=2, freeze=0.3), new_learner(interval=2, freeze=0.3)
    list(quiet.fit(new_loader(), dict, None, _never))
    for _ in watched.fit(new_loader(), dict, None, _never):
        watched.predict(new_loader(training=False))
    assert _bits(quiet.state()) == _bits(watched.state())


def test_measured_interval_is_kept_in_the_state(loader: Any, new_learner: Callable[..., Any]) -> None:
    learner = new_learner(interval=5)
    next(iter(learner.fit(loader, dict, None, _never)))
    assert learner.state().meta["position"]["interval"] == 5
    other = new_learner(interval=None)
    next(iter(other.fit(loader, dict, learner.state(), _never)))
    assert other.position.interval == 5


# phases -----------------------------------------------------------------------------------------------------------


def test_only_the_head_learns_in_the_frozen_share(loader: Any, new_learner: Callable[..., Any]) -> None:
    learner = new_learner(epochs=2, freeze=0.5, weight_decay=0.1)
    before = {k: v.clone() for k, v in learner.net.state_dict().items()}
    records = learner.fit(loader, dict, None, _never)
    next(records)
    after = {k: v.clone() for k, v in learner.net.state_dict().items()}
    assert {k for k in before if not torch.equal(before[k], after[k])} == {"6.weight", "6.bias"}
    list(records)
    assert not torch.equal(learner.net.state_dict()["0.weight"], after["0.weight"])


def test_stem_bias_stops_at_three_eighths(loader: Any, new_learner: Callable[..., Any], new_own_net: Any) -> None:
    keys = {"optimizer": "muon", "lr": 0.2, "momentum": 0.6, "weight_decay": 0.0}
    learner = new_learner(net=new_own_net(), epochs=8, **keys)
    seen = [learner.net.stem.bias.detach().clone() for _ in learner.fit(loader, dict, None, _never)]
    assert not torch.equal(seen[0], seen[1])
    assert all(torch.equal(bias, seen[2]) for bias in seen[3:])  # 3 of 8 epochs


def test_lr_of_a_record_is_that_of_its_last_step(loader: Any, new_learner: Callable[..., Any]) -> None:
    records = list(new_learner(schedule="linear", lr=0.12, epochs=2).fit(loader, dict, None, _never))
    assert [r.lr for r in records] == pytest.approx([0.12 * (1 - 5 / 12), 0.12 * (1 - 11 / 12)])


def test_plateau_lowers_lr_when_select_loss_stands_still(loader: Any, new_learner: Callable[..., Any]) -> None:
    learner = new_learner(schedule="plateau", patience=3, step_gamma=0.5, epochs=5, lr=0.04)
    records = list(learner.fit(loader, lambda: {"loss": 1.0}, None, _never))
    assert [r.lr for r in records] == pytest.approx([0.04, 0.04, 0.04, 0.02, 0.02])  # a third of patience: 1 epoch


def test_refit_takes_each_step_at_the_rate_of_the_run_that_it_repeats(
    new_loader: Callable[..., Any], new_learner: Callable[..., Any]
) -> None:
    keys = {"schedule": "plateau", "patience": 3, "step_gamma": 0.5, "lr": 0.04, "interval": 1}
    records = list(new_learner(epochs=5, **keys).fit(new_loader(), lambda: {"loss": 1.0}, None, _never))
    epochs = [r for r in records if r.kind == "epoch"]
    plan = Recipe().with_("train.schedule", "plateau").with_("train.patience", 3)
    drops = as_it_ran(plan, epochs).train.drops
    more = new_loader(n=160)  # 10 steps a pass instead of 6; no loss on select
    refit = new_learner(epochs=3, drops=drops, **keys)
    again = list(refit.fit(more, dict, None, _never))
    rates = {r.step: r.lr for r in records}
    assert rates == {r.step: r.lr for r in again}
    assert sorted(set(rates.values())) == pytest.approx([0.02, 0.04])


def test_plateau_without_a_select_loss_drops_nothing(loader: Any, new_learner: Callable[..., Any]) -> None:
    learner = new_learner(schedule="plateau", patience=1, epochs=6, lr=0.04)
    assert {r.lr for r in learner.fit(loader, dict, None, _never)} == {0.04}


# prediction and weights -------------------------------------------------------------------------------------------


def test_predict_keeps_order_and_all_samples(new_loader: Callable[..., Any], new_learner: Callable[..., Any]) -> None:
    learner = new_learner()
    plain = new_loader(batch_size=36, training=False)
    outputs = learner.predict(plain)
    learner.net.eval()
    with torch.no_grad():
        expected = learner.net(plain.inputs)
    assert outputs.shape == (96, 2)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, expected.numpy(), atol=1e-6)


def test_views_are_averaged_by_weight(new_loader: Callable[..., Any], new_learner: Callable[..., Any]) -> None:
    plain = new_loader(training=False)
    learner = new_learner(views=lambda x: ([x, x.flip(-1)], [3.0, 1.0]))
    alone = new_learner()
    with torch.no_grad():
        mirrored = alone.net.eval()(plain.inputs.flip(-1)).numpy()
    expected = 0.75 * alone.predict(plain) + 0.25 * mirrored
    np.testing.assert_allclose(learner.predict(plain), expected, atol=1e-6)


def test_predict_uses_the_average_where_there_is_one(loader: Any, new_loader: Any, new_learner: Any) -> None:
    learner = new_learner(ema=0.99)
    list(learner.fit(loader, dict, None, _never))
    plain = new_loader(training=False)
    last = new_learner()
    last.load_weights(State(tensors=learner.net.state_dict(), meta={}))
    average = new_learner()
    average.load_weights(learner.weights())
    assert np.array_equal(learner.predict(plain), average.predict(plain))
    assert not np.array_equal(learner.predict(plain), last.predict(plain))


def test_weights_travel_to_a_fresh_learner(loader: Any, new_loader: Any, new_learner: Any) -> None:
    learner = new_learner()
    list(learner.fit(loader, dict, None, _never))
    plain = new_loader(training=False)
    fresh = new_learner()
    fresh.load_weights(learner.weights())
    assert np.array_equal(fresh.predict(plain), learner.predict(plain))
    assert learner.weights().meta == {"version": 1, "family": "cnn", "steps": 12}


def test_weights_of_another_model_are_refused_and_nothing_is_changed(new_learner: Any) -> None:
    learner = new_learner()
    good = learner.weights().tensors
    before = _bits(learner.weights())
    with pytest.raises(CheckpointError, match="another model; got 6.bias"):
        learner.load_weights(State(tensors={k: v for k, v in good.items() if k != "6.bias"}, meta={}))
    with pytest.raises(CheckpointError, match=r"another shape: 6.weight; got \(3, 6\)"):
        learner.load_weights(State(tensors={**good, "6.weight": torch.zeros(3, 6)}, meta={}))
    assert _bits(learner.weights()) == before


def test_state_of_another_version_is_refused(loader: Any, new_learner: Any) -> None:
    state = new_learner().state()
    other = State(tensors=state.tensors, meta={**state.meta, "version": 99})
    with pytest.raises(CheckpointError, match="another version; got 99"):
        list(new_learner().fit(loader, dict, other, _never))


def test_training_lowers_the_loss_with_every_optimizer_in_bf16(new_loader: Any, new_learner: Any) -> None:
    for optimizer, lr in (("sgd", 0.1), ("adam", 0.02), ("adamw", 0.02), ("rmsprop", 0.02), ("muon", 0.05)):
        learner = new_learner(optimizer=optimizer, lr=lr, epochs=6, precision="bf16")
        losses = [r.train["loss"] for r in learner.fit(new_loader(), dict, None, _never)]
        assert losses[-1] < losses[0] - 0.03, optimizer


def test_a_loader_in_parts_takes_the_very_steps_of_whole_batches(
    new_loader: Callable[..., Any], new_learner: Callable[..., Any]
) -> None:
    whole, parts = new_loader(batch_size=16), new_loader(batch_size=4)
    parts.parts = 4
    nets = []
    for loader in (whole, parts):
        torch.manual_seed(0)
        net = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 2))  # no statistics of the batch
        learner = new_learner(net, epochs=2.0)
        for _ in learner.fit(loader, dict, None, _never):
            pass
        assert learner.steps_taken == 2 * whole.steps_per_epoch
        nets.append(learner.net.state_dict())
    for name, tensor in nets[0].items():
        torch.testing.assert_close(nets[1][name], tensor, rtol=1e-4, atol=1e-5)
