"""One run, from a resolved recipe to scored predictions; resumes by itself, and never touches the test split."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import Interrupted
from ..core.finding import Finding
from ..core.interrupt import asked_to_stop
from ..core.outcome import Cost, Result
from ..core.recipe import Recipe
from ..core.run import Run
from ..core.samples import Dataset
from ..core.task import Learner, Loader, Metric, Reason, Record, State, Task
from ..core.telling import Tell
from ..engine.checkpoint import CheckpointStore
from ..engine.modelfolder import write_model
from .planning import work_done
from .scoring import (
    drawn_predictions,
    is_best,
    loss_of,
    metric_name,
    model_tree,
    out_of_patience,
    predictions,
    primary,
    score_all,
)
from .tracking import trackers
from .work import LOOK, Goal, Work

CHECKPOINT_EVERY = 5.0  # seconds: an epoch's end writes a checkpoint if the last is older
CHECKPOINT_SHARE = 0.4  # of engine.checkpoint_seconds, where that is shorter; the loop plans its intervals at the rest
LOST = "GF-P006"  # files that could not be decoded


def train_one(folder: Path, asked: Recipe, recipe: Recipe, reasons: tuple[Reason, ...], work: Work, goal: Goal) -> Run:
    """The run of this recipe: the stored one if it is finished, else trained from where it was left.

    Raises: Interrupted after a signal, with a checkpoint written.
    """
    run = Run(folder, asked, recipe, reasons)
    store = CheckpointStore(run.checkpoints)
    if run.result() is not None:
        _forget(store)
        return run
    task, data = work.data.task, work.data
    if not goal.refit:
        run.save_split(data.split)
    learner = task.learner(recipe, data.schema, work.engine, _examples(recipe, work, goal))
    if goal.start is not None:
        learner.load_weights(goal.start)
    aloud = _Aloud(run, work.tell)
    resume = _resume(run, store, work, aloud)
    ended = _fit(run, learner, store, resume, work, goal, aloud)
    best, damaged = (None, ()) if goal.refit else store.load("best")
    aloud((*store.findings(), *damaged))
    if best is not None:
        learner.load_weights(best)
    if ended.why != "diverged" or best is not None:  # without finite weights there is nothing to predict with
        _predict_all(run, learner, work, goal, aloud)
    steps = int(best.meta["steps"]) if best is not None else learner.steps_taken
    result = _result(run, learner, task, work, goal, ended, steps)
    if result.scores:
        write_model(run.model, learner.weights(), model_tree(recipe, data.schema, task, result, learner.family))
    aloud.keep()
    run.close(result)
    _forget(store)
    return run


def _forget(store: CheckpointStore) -> None:
    """A finished run needs no checkpoint: its model folder holds what counts."""
    for name in ("last", "best"):
        store.remove(name)


@dataclass(frozen=True, kw_only=True)
class _Ended:
    """How training ended.

    Attributes:
        why: done, patience, deadline, diverged.
        seconds: spent on a pass that was not finished, of which there is no record.
    """

    why: str
    seconds: float = 0.0


class _Aloud:
    """Tells findings when they are met and keeps them in the run's folder, so that a cut does not lose them."""

    def __init__(self, run: Run, tell: Tell) -> None:
        self._run, self._tell, self._kept = run, tell, run.findings()

    def __call__(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            finding = replace(finding, run_id=self._run.id)
            self._tell("finding", finding=finding)
            self._kept.append(finding)
            with contextlib.suppress(OSError):  # the disk is full, as it was just told; `keep` tries again at the end
                self.keep()

    def lost(self, dataset: Dataset, loader: Loader) -> None:
        """Say which files could not be read when their turn came: all of the run in one finding, each told once."""
        before = {name for finding in self._kept if finding.code == LOST for name in finding.ids}
        after = before | {str(dataset.index.id[position]) for position in loader.failed}
        if after != before:
            self._kept = [finding for finding in self._kept if finding.code != LOST]
            self([Finding(code=LOST, severity="warning", numbers={"n": len(after)}, ids=tuple(sorted(after)))])

    def keep(self) -> None:
        """Write all findings so far. Raises OSError if the disk is full."""
        self._run.save_findings(self._kept)


def _examples(recipe: Recipe, work: Work, goal: Goal) -> Any:
    some = np.sort(goal.positions[:: max(1, len(goal.positions) // 5000)])
    return work.data.task.loader(work.data.dataset, some, recipe, work.engine, False)


def _resume(run: Run, store: CheckpointStore, work: Work, aloud: _Aloud) -> State | None:
    """The newest good checkpoint; records after it are dropped, since they will be made again."""
    state, findings = store.load("last")
    aloud(findings)
    step = int(state.meta["position"]["step"]) if state is not None else 0
    if state is not None or run.records:
        work.tell("note", key="note.resumed", step=step, run=run.id)
        run.rewind(step)
        store.drop_after("best", step)
    return state


def _fit(
    run: Run,
    learner: Learner,
    store: CheckpointStore,
    resume: State | None,
    work: Work,
    goal: Goal,
    aloud: _Aloud,
) -> _Ended:
    """Train to the end; returns how it ended."""
    data, task, recipe = work.data, work.data.task, run.recipe
    metric = task.metrics[metric_name(recipe, task, data.schema)]
    judge = task.metrics[task.stops_by(recipe)] if task.stops_by is not None else metric
    loader = task.loader(data.dataset, goal.positions, recipe, work.engine, True)
    evaluate = _evaluator(learner, run, work, goal, aloud)
    patience = None if goal.refit else int(recipe.train.patience)
    tired = resume is not None and patience is not None and out_of_patience(run.history, judge, patience)
    saved, every = time.monotonic(), min(CHECKPOINT_EVERY, CHECKPOINT_SHARE * recipe.engine.checkpoint_seconds)
    ended, sinks = _Ended(why="patience" if tired else "done"), trackers(run)
    for record in learner.fit(loader, evaluate, resume, _stop_function(work, learner, goal, tired)):
        if tired:  # the cut fell between the last epoch and the result: the weights are back, nothing is left to do
            break
        if record.kind == "stopped" and record.train.get("loss", 0.0) - record.train.get("loss", 0.0) != 0:
            run.append(record)
            ended = _Ended(why="diverged")
            break
        if record.kind == "epoch":  # where an interval ends is the clock's choice, and the file must not depend on it
            run.append(record)
            for sink in sinks:
                sink(record)
        work.clock.note()
        _tell_epoch(run, record, metric, work)
        if record.kind == "epoch" and not goal.refit and is_best(run.history, judge):
            store.save("best", learner.weights(), record.step)
        due = time.monotonic() - saved > every
        if record.kind != "epoch" or due:
            store.save("last", learner.state(), record.step)
            saved = time.monotonic()
        if record.kind == "stopped":
            store.wait()
        aloud(store.findings())
        aloud.lost(data.dataset, loader)
        if record.kind == "stopped":
            why = _why_stopped(run, work, record, goal)
            ended = _Ended(why=why, seconds=record.cost.get("seconds", 0.0))
            break
        if patience is not None and record.kind == "epoch" and out_of_patience(run.history, judge, patience):
            ended = _Ended(why="patience")
            break
    store.wait()
    return ended


def _why_stopped(run: Run, work: Work, record: Record, goal: Goal) -> str:
    if signal_number := asked_to_stop():
        work.clock.note(every=0.0)
        raise Interrupted(signal_number, where=run.folder)
    if goal.stop_at is not None and record.step >= goal.stop_at:
        return "done"
    return "deadline"


def _stop_function(work: Work, learner: Learner, goal: Goal, at_once: bool) -> Callable[[], bool]:
    def should_stop() -> bool:
        if at_once or asked_to_stop() or work.clock.used > work.deadline:
            return True
        return goal.stop_at is not None and learner.steps_taken >= goal.stop_at

    return should_stop


def _evaluator(learner: Learner, run: Run, work: Work, goal: Goal, aloud: _Aloud) -> Callable[[], Mapping[str, float]]:
    if goal.refit:
        return dict
    data, task = work.data, work.data.task
    loader = task.loader(data.dataset, data.split.select, run.recipe, work.engine, False)

    def evaluate() -> Mapping[str, float]:
        outputs = learner.predict(loader, plain=True)  # test-time views would cost more than they tell here
        target = data.dataset.index.target[loader.positions]  # of those that could be read
        aloud.lost(data.dataset, loader)
        return {name: float(m.value(target, outputs)) for name, m in task.metrics.items()} | {
            "loss": loss_of(task, target, outputs)
        }

    return evaluate


def _tell_epoch(run: Run, record: Record, metric: Metric, work: Work) -> None:
    if record.kind != "epoch":
        return
    done = sum(r.cost.get("seconds", 0.0) for r in run.records)
    so_far = work_done(run.recipe, record.step / record.steps)
    left = done * (work_done(run.recipe) - so_far) / so_far
    work.tell(
        "epoch",
        run=run.id,
        epoch=record.epoch,
        epochs=float(run.recipe.train.epochs),
        loss=record.train.get("loss"),
        select=record.select.get(metric.name),
        metric=metric.name,
        is_share=metric.is_share,
        lr=record.lr,
        eta=left,
        budget_left=None if work.clock.budget is None else work.clock.left,
    )


def _predict_all(run: Run, learner: Learner, work: Work, goal: Goal, aloud: _Aloud) -> None:
    """Keep predictions on select, confirm and some of train, without augmentation; on those of train also with it."""
    split = work.data.split
    step = max(1, len(goal.positions) // LOOK)
    parts = {"train": np.sort(goal.positions[::step][:LOOK])}
    if not goal.refit:
        parts |= {"select": split.select, "confirm": split.confirm}
    for name, positions in parts.items():
        if len(positions):
            run.save_predictions(predictions(learner, positions, name, run.id, run.recipe, work, aloud.lost))
    if work.data.task.drawn is not None and not goal.refit:
        run.save_predictions(drawn_predictions(learner, parts["train"], run.id, run.recipe, work))


def _result(run: Run, learner: Learner, task: Task, work: Work, goal: Goal, ended: _Ended, steps: int) -> Result:
    scores = {}
    for split in ("train", "select", "confirm"):
        if (p := run.predictions(split)) is not None:
            scores[split] = score_all(p, task, run.recipe.seed)
    metric = primary(run.recipe, task, work.data.schema)
    costs: dict[str, Any] = dict(task.cost(run.recipe, work.data.schema, work.engine))
    costs |= learner.own_costs()
    return Result(
        run_id=run.id,
        task=task.name,
        family=learner.family,
        primary=metric.name,
        scores=scores,
        cost=Cost(seconds=sum(r.cost.get("seconds", 0.0) for r in run.records) + ended.seconds, **costs),
        steps=steps,
        refit=goal.refit,
        stopped=ended.why,
    )
