"""Plan before run: every `auto` a number with its reason, speed and form of computation measured on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..core.recipe import Recipe
from ..core.samples import Schema
from ..core.task import Reason
from ..engine import probe
from ..engine.cachefolder import cache_folder
from ..engine.engine import Engine
from ..engine.hardware import available_memory_mb
from ..train.batch_size import fit_batch
from .prepare import Prepared

WHOLE_FROM = 2  # a batch so many times larger than the probed step is timed too, where a step has a fixed cost
THREADS_PAY = 1.2  # all cores must be so much faster than one to be worth their sensitivity to other work
OVERHEAD = 1.08  # an epoch against its bare steps: batches, select scores, checkpoints (BENCHMARKS.md)
PREDICT_SHARE = 0.4  # seconds of predicting one sample against training it: a forward pass of three, and its batch

_NO_SHAPE = ("n", "target_mean", "target_std", "class_counts")  # facts that change no shape of what is computed
_FORM = (  # keys that a probe, this machine or its free memory decide
    "engine.device",
    "engine.precision",
    "engine.layout",
    "engine.threads",
    "train.batch_size",
    "train.accumulate",
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A recipe without `auto`, and what it will cost.

    Attributes:
        recipe: resolved; plan.yaml will hold it.
        reasons: of each value that was `auto`.
        engine: in the form that the recipe names.
        sample_seconds: predicted time of training on one sample.
        probe: what the probe measured.
    """

    recipe: Recipe
    reasons: tuple[Reason, ...]
    engine: Engine
    sample_seconds: float
    probe: dict[str, Any]

    def seconds(self, samples: int, epochs: float | None = None, predicted: int = 0) -> float:
        """Predicted time of training.

        Args:
            samples: of one epoch.
            epochs: None = the recipe's.
            predicted: samples scored at each epoch's end, in one view.
        """
        epochs = float(self.recipe.train.epochs) if epochs is None else epochs
        work = self.mean_work() * samples + PREDICT_SHARE * predicted
        return epochs * self.sample_seconds * OVERHEAD * work

    def at_full_size(self) -> Plan:
        """The same without the smaller inputs of the beginning."""
        return replace(self, recipe=self.recipe.with_("train.sizes", ()))

    def predict_seconds(self, samples: int) -> float:
        """Predicted time of predicting some samples, test-time views counted."""
        return PREDICT_SHARE * samples * self.views() * self.sample_seconds * OVERHEAD

    def views(self) -> int:
        """Forward passes a prediction takes."""
        return {"flip": 2, "flip_shift": 6}.get(str(self.recipe.augment.get("test_time", "none")), 1)

    def mean_work(self) -> float:
        """Work of a sample against one at full size, where inputs grow during training."""
        return work_done(self.recipe)


def work_done(recipe: Recipe, progress: float = 1.0) -> float:
    """Work up to a share of all steps, in trainings at full size: less where inputs grow; before they do, all of it."""
    sizes, full = recipe.train.sizes, recipe.model.size
    if not sizes or full == "auto":
        return progress
    ends = [start for start, _ in sizes[1:]] + [1.0]
    return min(progress, sizes[0][0]) + sum(
        max(0.0, min(end, progress) - start) * (side / full) ** 2
        for (start, side), end in zip(sizes, ends, strict=True)
    )


def make_plan(recipe: Recipe, data: Prepared) -> Plan:
    """Resolve a recipe against the data and this machine.

    Args:
        recipe: as asked, or as a rung or a remedy left it; values that are set stay.
        data: prepared samples.
    """
    settled, reasons = data.task.settle(recipe, data.schema, data.counts)
    start = Engine.start(settled.engine)
    if recipe.train.batch_size == "auto":
        settled, fitted = _fit_memory(settled, data, start)
        replaced = {reason.key for reason in fitted}
        reasons = (*(reason for reason in reasons if reason.key not in replaced), *fitted)
    samples = min(int(settled.train.batch_size), data.task.probe_samples(settled))
    found = _timed(settled, data, start, samples)
    engine = found.engine(start)
    if recipe.engine.threads == "auto" and start.kind == "cpu" and start.threads > 1:
        engine, found = _fewer_threads(settled, data, engine, found, samples)
    formed, more = _formed(settled, engine, found)
    return Plan(
        recipe=formed,
        reasons=(*reasons, *more),
        engine=engine,
        sample_seconds=_sample_seconds(settled, data, engine, found.step_seconds, samples),
        probe=found.to_json(),
    )


def _timed(recipe: Recipe, data: Prepared, engine: Engine, samples: int, seconds: float = 1.0) -> probe.ProbeResult:
    """The probe's answer for a step of so many samples."""
    make_step, key = data.task.trial(recipe, data.schema, samples), _probe_key(recipe, data.schema, samples, engine)
    return probe.choose(make_step, engine, key=key, seconds=seconds, folder=cache_folder())


def _sample_seconds(recipe: Recipe, data: Prepared, engine: Engine, probed: float, samples: int) -> float:
    """Seconds for one sample; with muon of the whole batch, over which the fixed cost of its step is spread.

    By a step of 256 samples a pass of small_m, whose batch has 1,000, was foretold 12 % too long (2 cores).

    Args:
        probed: seconds of the probed step.
        samples: of it.
    """
    batch = int(recipe.train.batch_size)
    if recipe.train.optimizer != "muon" or batch < WHOLE_FROM * samples:
        return probed / samples
    whole = _timed(recipe, data, engine, batch, 0.5).step_seconds  # its form is settled, so one is timed
    return whole / batch


def memory_of(plan: Plan) -> dict[str, Any]:
    """What a plan measured or met on this machine, as JSON: `recall` makes the same plan of it."""
    return {
        "form": {key: plan.recipe.get(key) for key in _FORM},
        "sample_seconds": plan.sample_seconds,
        "reasons": [asdict(reason) for reason in plan.reasons],
    }


def recall(recipe: Recipe, data: Prepared, memory: Mapping[str, Any]) -> Plan:
    """The plan that was made of this recipe before; nothing is measured, so another mood of the machine changes no bit.

    Args:
        recipe: as it was given to `make_plan`.
        data: prepared samples.
        memory: what `memory_of` gave.
    """
    settled, _ = data.task.settle(recipe, data.schema, data.counts)
    for key, value in memory["form"].items():
        settled = settled.with_(key, value)
    engine = Engine.start(settled.engine)
    reasons = tuple(Reason(**reason) for reason in memory["reasons"])
    return Plan(recipe=settled, reasons=reasons, engine=engine, sample_seconds=memory["sample_seconds"], probe={})


def _fewer_threads(
    recipe: Recipe, data: Prepared, engine: Engine, found: probe.ProbeResult, samples: int
) -> tuple[Engine, probe.ProbeResult]:
    """One thread, where all of them are hardly faster: small steps lose more to waiting than they win.

    Beside one busy neighbour, two threads took ten times as long as one on the smallest net (2 cores, batch 128).
    """
    form = {"precision": engine.precision, "layout": engine.layout, "threads": 1}
    alone = Engine.start(recipe.engine.model_copy(update=form))
    single = _timed(recipe, data, alone, samples, 0.5)
    timings = {**found.timings, "one thread": single.step_seconds, "all threads": found.step_seconds}
    if single.step_seconds <= THREADS_PAY * found.step_seconds:
        return alone, replace(single, timings=timings)
    Engine.start(recipe.engine.model_copy(update={**form, "threads": engine.threads}))  # all cores again
    return engine, replace(found, timings=timings)


def _fit_memory(recipe: Recipe, data: Prepared, engine: Engine) -> tuple[Recipe, list[Reason]]:
    """Smaller micro-batches, accumulated to the same step, where the memory here or the target's asks for it.

    Raises: UsageError if not even one sample fits.
    """
    limit = recipe.target.memory_mb or available_memory_mb(engine.device) or float("inf")
    wanted = int(recipe.train.batch_size)
    fit = fit_batch(wanted, data.task.memory(recipe, data.schema, engine), limit)
    if fit.accumulate == 1:
        return recipe, []
    numbers = {"wanted": wanted, "memory_mb": fit.memory_mb, "limit_mb": limit}
    changes = {"train.batch_size": fit.batch_size, "train.accumulate": fit.accumulate}
    for key, value in changes.items():
        recipe = recipe.with_(key, value)
    return recipe, [Reason(key=k, value=v, why="batch_by_memory", numbers=numbers) for k, v in changes.items()]


def _probe_key(recipe: Recipe, schema: Schema, samples: int, engine: Engine) -> str:
    model = recipe.model.model_dump(mode="json")
    train = {k: recipe.train.model_dump(mode="json")[k] for k in ("optimizer", "loss", "freeze", "ema", "l1")}
    form = [samples, recipe.task, engine.threads, engine.allocator]
    facts = {key: value for key, value in schema.facts.items() if key not in _NO_SHAPE}
    return json.dumps([model, train, *form, len(schema.classes), facts], sort_keys=True)


def _formed(recipe: Recipe, engine: Engine, found: probe.ProbeResult) -> tuple[Recipe, list[Reason]]:
    """The recipe with the engine's choices written down, so that plan.yaml replays them."""
    numbers = {name.replace(" ", "_"): round(s, 6) for name, s in found.timings.items()}
    choices = {
        "engine.device": (engine.device, "device_best"),
        "engine.precision": (engine.precision, "fastest_by_probe"),
        "engine.layout": (engine.layout, "fastest_by_probe"),
        "engine.threads": (engine.threads, "threads_by_probe"),
    }
    reasons = []
    for key, (value, why) in choices.items():
        if recipe.get(key) == "auto":
            recipe = recipe.with_(key, value)
            reasons.append(Reason(key=key, value=value, why=why, numbers=numbers if "probe" in why else {}))
    return recipe, reasons
