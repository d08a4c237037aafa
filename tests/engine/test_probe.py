"""The probe: fastest form that keeps the loss, robust against noise, measured once a machine; time is simulated."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from goodfit.core.recipe import EngineSection
from goodfit.engine import probe
from goodfit.engine.engine import Engine
from goodfit.engine.probe import candidates, choose, least_time


class World:
    """A clock and steps that cost what the test says."""

    def __init__(self, costs: dict[str, float], losses: dict[str, float] | None = None, burst: float = 0.0) -> None:
        self.now, self.costs, self.losses, self.burst = 0.0, costs, losses or {}, burst
        self.calls: dict[str, int] = {}

    def clock(self) -> float:
        return self.now

    def make_step(self, engine: Engine) -> Callable[[], float]:
        name = f"{engine.precision} {engine.layout}"

        def step() -> float:
            self.calls[name] = self.calls.get(name, 0) + 1
            disturbed = self.burst if self.calls[name] % 3 else 0.0
            self.now += self.costs[name] + disturbed
            return self.losses.get(name, 2.3)

        return step


COSTS = {"fp32 contiguous": 0.2, "fp32 channels_last": 0.15, "bf16 contiguous": 0.11, "bf16 channels_last": 0.1}


@pytest.fixture(autouse=True)
def with_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "has_fast_bf16", lambda: True)


def engine(**keys: object) -> Engine:
    return Engine.start(EngineSection(**{"device": "cpu", "threads": 1, "allocator": False, **keys}))  # type: ignore[arg-type]


def test_fastest_form_is_chosen(tmp_path: Path) -> None:
    world = World(COSTS)
    found = choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock)
    assert (found.precision, found.layout) == ("bf16", "channels_last")
    assert found.step_seconds == pytest.approx(0.1)
    assert found.timings["fp32 contiguous"] == pytest.approx(0.2)
    assert found.engine(engine()).precision == "bf16"


def test_bursts_of_other_work_do_not_decide(tmp_path: Path) -> None:
    world = World(COSTS, burst=5.0)
    found = choose(world.make_step, engine(), key="net", folder=tmp_path, seconds=30, clock=world.clock)
    assert (found.precision, found.layout) == ("bf16", "channels_last")
    assert found.step_seconds == pytest.approx(0.1)


def test_gain_within_noise_keeps_the_safe_form(tmp_path: Path) -> None:
    world = World({**COSTS, **dict.fromkeys(COSTS, 0.2), "bf16 channels_last": 0.196})
    found = choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock)
    assert (found.precision, found.layout) == ("fp32", "contiguous")


def test_form_that_changes_the_loss_is_rejected_and_says_so(tmp_path: Path) -> None:
    world = World(COSTS, {"bf16 channels_last": 2.4})
    found = choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock)
    assert (found.precision, found.layout) == ("bf16", "contiguous")
    assert found.rejected == {"bf16 channels_last": "first loss 2.4 instead of 2.3"}


def test_form_whose_loss_is_not_finite_is_rejected_and_the_result_is_json(tmp_path: Path) -> None:
    world = World(COSTS, {"bf16 channels_last": math.nan, "bf16 contiguous": math.inf})
    found = choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock)
    assert found.precision == "fp32"
    assert set(found.rejected) == {"bf16 channels_last", "bf16 contiguous"}
    json.dumps(found.to_json(), allow_nan=False)


def test_form_that_the_device_cannot_do_is_rejected_with_its_words(tmp_path: Path) -> None:
    world = World(COSTS)

    def make(form: Engine) -> Callable[[], float]:
        if form.precision == "bf16":
            raise RuntimeError("not implemented for 'BFloat16'\nlong trace")
        return world.make_step(form)

    found = choose(make, engine(), key="net", folder=tmp_path, clock=world.clock)
    assert found.rejected["bf16 contiguous"] == "not implemented for 'BFloat16'"
    assert found.layout == "channels_last"


def test_safe_form_that_fails_is_not_hidden(tmp_path: Path) -> None:
    def make(form: Engine) -> Callable[[], float]:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        choose(make, engine(), key="net", folder=tmp_path)


def test_settled_keys_are_not_tried() -> None:
    assert [(e.precision, e.layout) for e in candidates(engine(precision="fp32"))] == [
        ("fp32", "contiguous"),
        ("fp32", "channels_last"),
    ]
    assert [(e.precision, e.layout) for e in candidates(engine(precision="bf16", layout="channels_last"))] == [
        ("bf16", "channels_last")
    ]


def test_bf16_is_not_tried_without_the_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "has_fast_bf16", lambda: False)
    assert {e.precision for e in candidates(engine())} == {"fp32"}


def test_second_time_is_read_not_measured(tmp_path: Path) -> None:
    world = World(COSTS)
    first = choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock)
    calls = dict(world.calls)
    second = choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock)
    assert world.calls == calls
    assert (first.cached, second.cached) == (False, True)
    assert second.to_json() == {**first.to_json(), "cached": True}
    assert choose(world.make_step, engine(), key="net", folder=tmp_path, fresh=True, clock=world.clock).cached is False


def test_another_model_or_thread_count_is_measured_anew(tmp_path: Path) -> None:
    world = World(COSTS)
    choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock)
    assert not choose(world.make_step, engine(), key="other", folder=tmp_path, clock=world.clock).cached
    before = torch.get_num_threads()
    try:
        assert not choose(world.make_step, engine(threads=2), key="net", folder=tmp_path, clock=world.clock).cached
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"x": 1}'])
def test_damaged_cache_is_measured_again(tmp_path: Path, content: str) -> None:
    world = World(COSTS)
    (tmp_path / "probes.json").write_text(content)
    found = choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock)
    assert not found.cached
    assert choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock).cached


def test_slow_steps_are_timed_once_behind_a_warm_up(tmp_path: Path) -> None:
    world = World({name: 10 * cost for name, cost in COSTS.items()})
    found = choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock, seconds=0.5)
    assert world.calls == dict.fromkeys(COSTS, 2)
    assert (found.precision, found.layout) == ("bf16", "channels_last")


def test_narrow_gains_are_looked_at_twice(tmp_path: Path) -> None:
    world = World({**dict.fromkeys(COSTS, 0.2), "fp32 channels_last": 0.15})
    choose(world.make_step, engine(), key="net", folder=tmp_path, clock=world.clock)
    assert world.calls["fp32 contiguous"] > world.calls["bf16 contiguous"]


def test_least_time_takes_three_steps_or_one_that_is_slow() -> None:
    world = World(COSTS)
    step = world.make_step(engine())
    assert least_time(step, 0.21, world.clock) == pytest.approx(0.2)
    assert world.calls["fp32 contiguous"] == 3
    least_time(step, 0.01, world.clock)
    assert world.calls["fp32 contiguous"] == 4


def test_a_settled_engine_is_timed_in_its_own_form_alone(tmp_path: Path) -> None:
    layers = {}

    def make(form: Engine) -> Callable[[], float]:
        layers[form.precision, form.layout] = True
        return lambda: 1.0

    settled = engine(layout="channels_last").with_(precision="fp32", layout="channels_last")
    assert choose(make, settled, key="k", seconds=0.01, folder=tmp_path).step_seconds >= 0
    assert list(layers) == [("fp32", "channels_last")]


def test_a_real_step_is_probed_in_all_forms(tmp_path: Path) -> None:
    def make(form: Engine) -> Callable[[], float]:
        torch.manual_seed(0)
        net = form.place(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8 * 36, 2)))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        x, y = form.tensor(torch.randn(4, 3, 8, 8)), torch.tensor([0, 1, 0, 1])

        def step() -> float:
            with form.autocast():
                loss = torch.nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return float(loss.detach())

        return step

    found = choose(make, engine(), key="real", folder=tmp_path, seconds=0.02)
    assert set(found.timings) | set(found.rejected) == set(COSTS)
    assert found.losses["bf16 channels_last"] == pytest.approx(found.losses["fp32 contiguous"], rel=0.02)
