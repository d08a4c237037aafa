"""Precision and layout by measurement: the user's own training step is timed, the fastest that keeps the loss wins.

Source: the minimum of several timings is the one least disturbed by other work, Chen and Revels 2016, arXiv:1608.04295;
measured on CPU cores (BENCHMARKS.md): bf16 with channels last doubles the speed of most convolutional nets, not of all.
"""

from __future__ import annotations

import gc
import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..core.files import write_json
from ..core.quiet import quiet
from .cachefolder import cache_folder
from .engine import Engine, precisions
from .hardware import has_fast_bf16, identity

MakeStep = Callable[[Engine], Callable[[], float]]
LOSS_TOLERANCE = 0.02  # relative; bf16 keeps 8 bits, so a first loss differs by about half a per cent
WORTH = 1.03  # a form must be so much faster than the safe one; less is noise
_CLEAR = 1.5  # a larger gain needs no second look
_LEAST_STEPS = 3  # timed steps of a form, more where time allows


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """What was measured and chosen.

    Attributes:
        precision: chosen.
        layout: chosen.
        step_seconds: of one training step in that form, the least of several.
        timings: "bf16 channels_last" -> seconds a step, for each form that was tried.
        losses: the same keys -> loss of the first step.
        rejected: the same keys -> why a form was not considered: its loss, or what the device said.
        cached: whether this was read instead of measured.
    """

    precision: str
    layout: str
    step_seconds: float
    timings: Mapping[str, float]
    losses: Mapping[str, float]
    rejected: Mapping[str, str] = field(default_factory=dict)
    cached: bool = False

    def engine(self, engine: Engine) -> Engine:
        """The engine in the chosen form."""
        return engine.with_(precision=self.precision, layout=self.layout)

    def to_json(self) -> dict[str, Any]:
        """For the ledger and the cache."""
        return asdict(self)


def choose(
    make_step: MakeStep,
    engine: Engine,
    *,
    key: str,
    seconds: float = 1.0,
    folder: Path | None = None,
    fresh: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> ProbeResult:
    """Time one training step in each form that the recipe leaves open, and choose.

    Args:
        make_step: engine -> a function that takes one training step and returns its loss; the same start each time.
        engine: what the recipe settled stays as it is.
        key: all that the time depends on besides this machine: model, shapes, batch, optimiser.
        seconds: time for each form; a step that takes longer is timed once behind a warm-up.
        folder: where probes.json lies; None = the cache folder.
        fresh: measure again, whatever is stored.
        clock: for tests.
    Raises: RuntimeError if not even the safe form runs.
    """
    path = (folder or cache_folder()) / "probes.json"
    forms = candidates(engine)
    name = _digest(identity(), key, engine.device, str(engine.threads), str(engine.allocator), *map(_name, forms))
    if not fresh and (stored := _read(path, name)):
        return stored
    result = _choose(make_step, forms, seconds, clock)
    _write(path, name, result)
    return result


def candidates(engine: Engine) -> list[Engine]:
    """The forms to try, the safe one (fp32, contiguous, unless settled otherwise) first."""
    names = [engine.precision] if "precision" in engine.settled else ["fp32", *_faster(engine)]
    layouts = [engine.layout] if "layout" in engine.settled else ["contiguous", "channels_last"]
    return [replace(engine, precision=p, layout=layout) for p in names for layout in layouts]


def least_time(step: Callable[[], float], seconds: float, clock: Callable[[], float] = time.perf_counter) -> float:
    """The least time of several calls.

    Args:
        step: called `_LEAST_STEPS` times or more; once, if a call takes longer than `seconds`.
        seconds: called until this time is over.
    """
    times: list[float] = []
    start = clock()
    while not times or clock() - start < seconds or (len(times) < _LEAST_STEPS and min(times) < seconds):
        began = clock()
        step()
        times.append(clock() - began)
    return min(times)


def _faster(engine: Engine) -> list[str]:
    able = precisions(engine.device)
    if engine.kind == "cpu":
        return ["bf16"] if has_fast_bf16() else []  # without the instructions it is emulated, many times slower
    return ["bf16"] if "bf16" in able else []  # fp16 needs loss scaling and is for those who ask


@dataclass(frozen=True)
class _Trial:
    loss: float
    seconds: float | None  # None where a fault ended the trial
    fault: str = ""


def _choose(make_step: MakeStep, forms: list[Engine], seconds: float, clock: Callable[[], float]) -> ProbeResult:
    trials: dict[str, _Trial] = {}
    with quiet():
        for form in forms:
            trials[_name(form)] = _try(make_step, form, seconds, clock, list(trials.values()))
            gc.collect(1)
        best = _best(forms, trials)
        if _close(trials[_name(forms[0])], trials[_name(best)]):  # once more: a burst of other work must not decide
            for form in (forms[0], best):
                trials[_name(form)] = _again(trials[_name(form)], make_step(form), seconds / 2, clock)
                gc.collect(1)
            best = _best(forms, trials)
    return ProbeResult(
        precision=best.precision,
        layout=best.layout,
        step_seconds=trials[_name(best)].seconds or 0.0,
        timings={name: t.seconds for name, t in trials.items() if t.seconds is not None},
        losses={name: t.loss for name, t in trials.items() if math.isfinite(t.loss)},
        rejected={name: t.fault for name, t in trials.items() if t.fault},
    )


def _try(make_step: MakeStep, form: Engine, seconds: float, clock: Callable[[], float], before: list[_Trial]) -> _Trial:
    try:
        step = make_step(form)
        loss = float(step())  # also warms up
        if before and (fault := _disagrees(loss, before[0].loss)):
            return _Trial(loss, None, fault)
        began = clock()
        later = float(step())
        once = clock() - began
        if not math.isfinite(later) and math.isfinite(loss):
            return _Trial(loss, None if before else once, "the loss is not finite after one step" if before else "")
        if once > seconds:  # too slow to repeat; the difference that matters is larger than the noise
            return _Trial(loss, once)
        return _Trial(loss, min(once, least_time(step, seconds, clock)))
    except RuntimeError as error:  # a device says so where it lacks an operation or the memory
        if not before:
            raise
        return _Trial(math.nan, None, (str(error).strip().splitlines() or [type(error).__name__])[0][:200])


def _close(safe: _Trial, best: _Trial) -> bool:
    return best is not safe and (safe.seconds or 0.0) < _CLEAR * (best.seconds or 0.0)


def _again(trial: _Trial, step: Callable[[], float], seconds: float, clock: Callable[[], float]) -> _Trial:
    step()  # warms up
    return replace(trial, seconds=min(trial.seconds or math.inf, least_time(step, seconds, clock)))


def _disagrees(loss: float, safe: float) -> str:
    if not math.isfinite(safe):
        return ""  # the safe form has no loss to agree with; training will report the divergence
    if math.isfinite(loss) and abs(loss - safe) <= LOSS_TOLERANCE * max(abs(safe), 1e-3):
        return ""
    return f"first loss {loss:.4g} instead of {safe:.4g}"


def _best(forms: list[Engine], trials: Mapping[str, _Trial]) -> Engine:
    time_of = lambda form: trials[_name(form)].seconds or math.inf  # noqa: E731
    fastest = min(forms, key=time_of)
    return fastest if time_of(fastest) * WORTH < time_of(forms[0]) else forms[0]


def _name(form: Engine) -> str:
    return f"{form.precision} {form.layout}"


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode("utf-8"), digest_size=12).hexdigest()


def _read(path: Path, name: str) -> ProbeResult | None:
    try:
        tree = json.loads(path.read_text("utf-8"))[name]
        return ProbeResult(**{**tree, "cached": True})
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a cache: what cannot be read is measured again


def _write(path: Path, name: str, result: ProbeResult) -> None:
    try:
        tree = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        tree = {}
    write_json(path, {**(tree if isinstance(tree, dict) else {}), name: result.to_json()})
