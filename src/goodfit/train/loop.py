"""The training loop as a generator: it yields a Record at each epoch's end and at each checkpoint interval."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..core.errors import DataError
from ..core.task import Batch, Loader, Record
from .step import Step

MEASURE_EVERY = 20  # steps between measurements of gradient norm and update ratio; the first of each epoch counts too
_LOOK_EVERY = 16  # steps between looks for a loss that is not finite, where looking makes the device wait
_MARGIN = 0.6  # an interval is planned at this share of the allowed time, since steps vary


@dataclass(kw_only=True)
class Position:
    """Where training stands; all of it is stored with a checkpoint.

    Attributes:
        step: optimiser steps taken.
        epoch: passes finished.
        batch: optimiser steps taken within the current pass.
        work: work done since the last milestone, in steps at the planned input size.
        interval: work between checkpoints; None = not yet measured.
        seconds: time spent on the current pass, earlier sessions counted.
        waited: part of `seconds` spent waiting for batches.
        samples: samples of the current pass.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    work: float = 0.0
    interval: float | None = None
    seconds: float = 0.0
    waited: float = 0.0
    samples: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Course:
    """What is planned for the whole of training.

    Attributes:
        steps: optimiser steps in all.
        per_epoch: optimiser steps a pass.
        accumulate: micro-batches a step.
        side: progress in [0, 1] -> input side; 0 = the planned one.
        size: planned input side, 0 where it has no meaning.
        checkpoint_seconds: longest time between checkpoints.
    """

    steps: int
    per_epoch: int
    accumulate: int = 1
    side: Callable[[float], int] = lambda progress: 0
    size: int = 0
    checkpoint_seconds: float = 60.0

    def work(self, side: int) -> float:
        """Work of one step at an input side, against one at the planned side."""
        return (side / self.size) ** 2 if side and self.size else 1.0


def plan_course(loader: Loader, epochs: float, accumulate: int = 1, **rest: Any) -> Course:
    """Steps from passes; part of a pass is allowed, and there is at least one step.

    Raises: DataError if the loader has no whole batch.
    """
    if loader.steps_per_epoch < 1:
        raise DataError("no batch to train on", got=f"{len(loader)} samples", do="add training samples")
    accumulate = min(accumulate, loader.steps_per_epoch)
    per_epoch = loader.steps_per_epoch // accumulate
    return Course(steps=max(1, round(epochs * per_epoch)), per_epoch=per_epoch, accumulate=accumulate, **rest)


@dataclass(kw_only=True)
class Loop:
    """One call of `fit`: trains from `at` to the end of the course, moving `at` and the step's tally along.

    Whenever a record is yielded, `at`, the tally, the weights and the optimiser are a state from which a new loop goes
    on bit for bit. A record of kind `stopped` ends training: asked to stop, or train.loss is not finite (then the state
    is not worth keeping).

    Attributes:
        loader: training batches.
        course: what is planned.
        at: where to go on.
        step: takes one step.
        before_step: steps taken -> lr of this step; sets rates, modes and random numbers.
        after_step: called after each update (weight average).
        evaluate: called at each epoch's end, the last part of a pass included.
        should_stop: looked at before every step.
        reduce: means over all processes.
    """

    loader: Loader
    course: Course
    at: Position
    step: Step
    before_step: Callable[[int], float]
    after_step: Callable[[], None]
    evaluate: Callable[[], Mapping[str, float]]
    should_stop: Callable[[], bool]
    reduce: Callable[[Mapping[str, float]], Mapping[str, float]] = dict
    lr: float = 0.0
    side: int = 0

    def run(self) -> Iterator[Record]:
        """Records until the course is done or training stopped."""
        self.meter = Meter(self.course, self.at, self.step.tally.is_finite)
        while self.at.step < self.course.steps:
            finished = yield from self._one_pass()
            if not finished:
                yield self._record("stopped")
                return
            self.at.epoch, self.at.batch, self.at.work = self.at.epoch + 1, 0, 0.0
            record = self._record("epoch", self.evaluate())
            self.step.tally.reset()
            self.at.seconds, self.at.waited, self.at.samples = 0.0, 0.0, 0
            yield record

    def _one_pass(self) -> Generator[Record, None, bool]:
        """Steps to the end of the pass; returns False if training must stop."""
        batches: Iterator[Batch] = iter(())
        opened: int | None = None
        while self._in_pass():
            if self.should_stop():
                return False
            self.side = self.course.side(self.at.step / self.course.steps)
            if self.side != opened:
                batches = self.loader.epoch(self.at.epoch, self.at.batch * self.course.accumulate, self.side)
                opened = self.side
            if not self._one_step(batches):
                break
            if self.meter.due() and self._in_pass() and self.step.tally.is_finite():
                self.at.work = 0.0
                yield self._record("interval")
        if self.at.batch == 0 and self.step.tally.is_finite():
            raise DataError("a whole pass gave no batch", do="check that the training files still exist")
        return self.step.tally.is_finite()

    def _one_step(self, batches: Iterator[Batch]) -> bool:
        """One step; returns whether the pass goes on: not if batches ran out (files vanished) or the loss diverged."""
        self.lr = self.before_step(self.at.step)
        micro = self.meter.timed(itertools.islice(batches, self.course.accumulate))
        if not self.step(micro, measure=self.at.batch % MEASURE_EVERY == 0):
            return False
        self.meter.advance(self.course.work(self.side))
        self.after_step()
        return self.at.step % _LOOK_EVERY != 0 or self.step.tally.is_finite()

    def _in_pass(self) -> bool:
        return self.at.batch < self.course.per_epoch and self.at.step < self.course.steps

    def _record(self, kind: str, select: Mapping[str, float] | None = None) -> Record:
        return Record(
            kind=kind,
            step=self.at.step,
            steps=self.course.steps,
            epoch=self.at.epoch,
            train=dict(self.reduce(self.step.tally.means())),
            select=dict(select or {}),
            lr=self.lr,
            size=self.side or self.course.size,
            cost=self.meter.lap(),
        )


@dataclass
class Meter:
    """The clock of a run: cost of each record, and the interval between checkpoints, measured once if not given."""

    course: Course
    at: Position
    settle: Callable[[], object]  # waits for the device
    _start: float = field(default_factory=time.perf_counter)
    _lapped: float = field(default_factory=time.perf_counter)
    _done: float = 0.0  # work since this call began
    _probe: tuple[float, float] | None = None  # time and work done when measuring began

    def timed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches, with the time spent waiting for them taken."""
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            self.at.waited += time.perf_counter() - start
            if batch is None:
                return
            self.at.samples += len(batch.positions)
            yield batch

    def advance(self, work: float) -> None:
        """Count one step."""
        self.at.step, self.at.batch, self.at.work = self.at.step + 1, self.at.batch + 1, self.at.work + work
        self._done += work

    def lap(self) -> dict[str, float]:
        """seconds, samples_per_s and wait_share of the current pass so far, earlier sessions counted, and rss_mb."""
        now = time.perf_counter()
        self.at.seconds += max(now - self._lapped, 1e-9)
        self._lapped = now
        return {
            "seconds": self.at.seconds,
            "samples_per_s": self.at.samples / self.at.seconds,
            "wait_share": self.at.waited / self.at.seconds,
            "rss_mb": peak_rss_mb(),
        }

    def due(self) -> bool:
        """Whether a checkpoint interval has passed."""
        if self.at.interval is None:
            self.at.interval = self._measured()
        return self.at.interval is not None and self.at.work >= self.at.interval

    def _measured(self) -> float | None:
        """Whole steps that fit an interval, once half a second or more was seen after the first step."""
        if self._probe is None:
            self.settle()
            self._probe = (time.perf_counter(), self._done)
            slow = self._probe[0] - self._start > self.course.checkpoint_seconds * _MARGIN
            return 1.0 if slow else None
        began, done = self._probe
        seconds, work = time.perf_counter() - began, self._done - done
        if seconds < 0.5:
            return None
        self.settle()
        seconds = time.perf_counter() - began
        return max(1.0, float(int(self.course.checkpoint_seconds * _MARGIN * work / seconds)))


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
