"""What a plan predicts, and that every value that was measured or chosen is written down with its reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from goodfit.core.errors import UsageError
from goodfit.core.recipe import EngineSection, Recipe, flatten
from goodfit.engine import engine as engine_room
from goodfit.engine import probe
from goodfit.engine.engine import Engine
from goodfit.tasks import image_plan
from goodfit.tasks.image_plan import probe_samples
from goodfit.workflow import planning
from goodfit.workflow.planning import OVERHEAD, PREDICT_SHARE, Plan, make_plan, work_done

from .stage import ENGINE, data, pricer


def plan(sample_seconds: float = 0.01, **changes: Any) -> Plan:
    recipe = Recipe().with_("model.size", 32).with_("train.epochs", 10)
    for key, value in changes.items():
        recipe = recipe.with_(key.replace("__", "."), value)
    return Plan(recipe=recipe, reasons=(), engine=ENGINE, sample_seconds=sample_seconds, probe={})


def test_training_is_priced_by_samples_epochs_and_what_is_scored_between() -> None:
    assert plan().seconds(100) == pytest.approx(10 * 100 * 0.01 * OVERHEAD)
    assert plan().seconds(100, epochs=2.5) == pytest.approx(2.5 * 100 * 0.01 * OVERHEAD)
    more = plan().seconds(100, epochs=1, predicted=50)
    assert more == pytest.approx(0.01 * OVERHEAD * (100 + PREDICT_SHARE * 50))


@pytest.mark.parametrize(("how", "views"), [("none", 1), ("flip", 2), ("flip_shift", 6)])
def test_test_time_views_are_priced_where_samples_are_predicted(how: str, views: int) -> None:
    priced = plan(augment__test_time=how)
    assert priced.views() == views
    assert priced.predict_seconds(100) == pytest.approx(views * 100 * 0.01 * PREDICT_SHARE * OVERHEAD)
    assert priced.seconds(100, predicted=0) == plan().seconds(100)


@pytest.mark.parametrize(("side", "samples"), [(32, 256), (224, 20), (512, 16)])
def test_probed_step_is_small_enough_to_be_timed_several_times(side: int, samples: int) -> None:
    assert probe_samples(Recipe().with_("model.size", side)) == samples


def test_growing_inputs_cost_the_square_of_their_side() -> None:
    assert plan().mean_work() == 1.0
    half = plan(train__sizes=((0.0, 16), (0.5, 32)))
    assert half.mean_work() == pytest.approx(0.5 * 0.25 + 0.5)
    assert work_done(half.recipe, 0.5) == pytest.approx(0.125)
    assert work_done(half.recipe, 0.75) == pytest.approx(0.125 + 0.25)
    assert work_done(plan().recipe, 0.75) == 0.75
    late = plan(train__sizes=((0.5, 16),)).recipe  # nothing said of the first half: it is trained at full size
    assert work_done(late, 0.25) == 0.25
    assert work_done(late) == pytest.approx(0.5 + 0.5 * 0.25)
    assert half.seconds(100) == pytest.approx(0.625 * plan().seconds(100))


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No step is timed: the probe answers bf16 and channels_last, half a second a step; keys asked for are kept."""
    asked: list[str] = []

    def choose(make_step: Any, engine: Engine, *, key: str, folder: Path, seconds: float = 1.0) -> probe.ProbeResult:
        asked.append(key)
        fields = set(probe.ProbeResult.__dataclass_fields__)
        known = {
            "precision": "bf16",
            "layout": "channels_last",
            "step_seconds": 0.5,
            "timings": {"bf16 channels_last": 0.5, "fp32 contiguous": 1.0},
            "losses": {},
            "refused": {},
        }
        return probe.ProbeResult(**{name: value for name, value in known.items() if name in fields})

    monkeypatch.setattr(planning.probe, "choose", choose)
    return asked


def test_plan_has_no_auto_but_in_what_needs_none_and_a_reason_for_each_choice(probed: list[str]) -> None:
    made = make_plan(Recipe().with_("engine.device", "cpu"), data())
    still = [key for key, value in flatten(made.recipe).items() if value == "auto"]
    assert not [key for key in still if key.partition(".")[0] in ("train", "augment")]
    assert not {"model.name", "model.size", "engine.precision", "engine.layout", "engine.threads"} & set(still)
    said = {reason.key: reason for reason in made.reasons}
    assert said["engine.precision"].value == "bf16"
    assert said["engine.precision"].numbers == {"bf16_channels_last": 0.5, "fp32_contiguous": 1.0}
    assert "engine.device" not in said
    assert made.sample_seconds == pytest.approx(0.5 / min(image_plan.PROBE_SAMPLES, int(made.recipe.train.batch_size)))


@pytest.mark.parametrize(("optimizer", "timed"), [("muon", 1000), ("sgd", 256)])
def test_the_whole_batch_is_timed_where_a_step_has_a_fixed_cost(optimizer: str, timed: int, probed: list[str]) -> None:
    made = make_plan(Recipe().with_("train.optimizer", optimizer), data(train=45_000))
    assert made.sample_seconds == pytest.approx(0.5 / timed)
    assert json.loads(probed[-1])[2] == timed


def test_same_model_is_probed_under_one_key_whatever_its_rate(probed: list[str]) -> None:
    for key, value in (("seed", 3), ("train.lr", 0.5), ("train.epochs", 7), ("train.optimizer", "adam")):
        make_plan(Recipe().with_(key, value), data())
    assert len(set(probed[:3])) == 1
    assert probed[3] != probed[0]


def test_what_does_not_fit_the_memory_is_accumulated_to_the_same_step(probed: list[str]) -> None:
    prepared = data(train=45_000)
    prepared.task = replace(prepared.task, memory=lambda *_: lambda samples: 10.0 + samples)
    made = make_plan(Recipe().with_("target.memory_mb", 300), prepared)
    assert (made.recipe.train.batch_size, made.recipe.train.accumulate) == (250, 4)
    assert {r.key for r in made.reasons if r.why == "batch_by_memory"} == {"train.batch_size", "train.accumulate"}
    with pytest.raises(UsageError, match="not even one sample"):
        make_plan(Recipe().with_("target.memory_mb", 5), prepared)
    asked = Recipe().with_("train.batch_size", 1000).with_("target.memory_mb", 300)
    assert make_plan(asked, prepared).recipe.train.batch_size == 1000


def test_priced_plan_of_the_stage_is_the_real_one_without_a_probe(probed: list[str]) -> None:
    real = make_plan(Recipe(), data()).recipe.model_copy(update={"engine": EngineSection()})
    assert pricer(0.01)(Recipe(), data()).recipe == real


@pytest.mark.parametrize(("alone", "threads"), [(1.1, 1), (1.3, 4)])
def test_all_cores_are_used_only_where_they_are_clearly_faster_than_one(
    alone: float, threads: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The tests run with one thread set from outside; here four are to be had."""
    before = torch.get_num_threads()
    monkeypatch.setattr(engine_room, "compute_threads", lambda: 4)
    monkeypatch.setattr(planning, "cache_folder", lambda: tmp_path)

    def choose(make_step: Any, engine: Engine, **options: Any) -> probe.ProbeResult:
        seconds = alone if engine.threads == 1 else 1.0
        return probe.ProbeResult(precision="fp32", layout="contiguous", step_seconds=seconds, timings={}, losses={})

    monkeypatch.setattr(probe, "choose", choose)
    try:
        made = make_plan(Recipe(), data())
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert (made.recipe.engine.threads, made.engine.threads) == (threads, threads)
    reason = next(r for r in made.reasons if r.key == "engine.threads")
    assert reason.numbers == {"one_thread": alone, "all_threads": 1.0}
