"""Models asked about an operation: answers to the samples as it makes them, by nets that never saw it and that did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ..augment.scene import Operation, everything_off
from ..core.outcome import Predictions
from ..core.randomness import permutation
from ..core.recipe import Recipe
from ..core.task import Learner, Loader
from ..engine.engine import Engine
from ..stats.label_moves import Kept, Move, kept, moves
from .prepare import Prepared

DRAWS = 4  # of each sample where an operation is drawn by chance
SAME = 0.01  # mean change of an input, in its standard deviations, below which an operation did nothing to it
IDLE = 0.02  # share of draws that must change a sample; below, the operation does nothing here (hue on grey pictures)
GRID = 8  # an input is known again by its means over so many squares a side
FOLDS = 2
FOLD_STREAM = 0x5CE


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who is asked, and about what.

    Attributes:
        data: the samples.
        recipe: resolved, the operation's keys as the models were trained with them.
        engine: where to compute.
        pairs: (learner, positions of samples that it has not seen).
    """

    data: Prepared
    recipe: Recipe
    engine: Engine
    pairs: Sequence[tuple[Learner, np.ndarray]]

    def answers(self, changes: Mapping[str, Any], view: str = "", draw: int = 0) -> Answers:
        """What the models say of the samples under an operation, all others off."""
        recipe = with_augment(self.recipe, {**everything_off(), **changes})
        positions, outputs, marks = [], [], []
        for learner, held in self.pairs:
            loader = drawn(self.data, held, recipe, self.engine, view, draw)
            seen, mark = _predicted(learner, loader)
            positions.append(loader.positions)
            outputs.append(seen)
            marks.append(mark)
        return Answers(
            positions=np.concatenate(positions), outputs=np.concatenate(outputs), marks=np.concatenate(marks)
        )


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers to N samples.

    Attributes:
        positions: (N,) in the data set.
        outputs: (N, K) of the learner.
        marks: (N, M) by which an input is known again.
    """

    positions: np.ndarray
    outputs: np.ndarray
    marks: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """How models that never saw an operation take it.

    Attributes:
        kept: share of their skill that survives; None where they have none to lose.
        moves: classes that become other ones.
        idle: the operation changes nothing here.
    """

    kept: Kept | None
    moves: tuple[Move, ...] = ()
    idle: bool = False


def references(subject: Subject) -> tuple[Answers, ...]:
    """Answers with every operation off: to plain samples, then to those of each draw, whose crop may lie elsewhere."""
    plain, first = subject.answers({}, "plain"), subject.answers({})
    if not (np.abs(first.marks - plain.marks).mean(1) > SAME).any():
        return (plain,) * (DRAWS + 1)
    return (plain, first, *(subject.answers({}, draw=k) for k in range(1, DRAWS)))


def reaction(subject: Subject, operation: Operation, known: Sequence[Answers]) -> Reaction:
    """Ask models that were trained without an operation about samples under it.

    Args:
        subject: who is asked.
        operation: about what.
        known: of `references`.
    """
    plain = known[0]
    target = subject.data.dataset.index.target[plain.positions]
    probs = lambda outputs: subject.data.task.probs(outputs, 1.0)  # noqa: E731
    seen = [subject.answers(operation.changes, view, k) for k, view in enumerate(operation.views)] or [
        subject.answers(operation.changes, draw=k) for k in range(DRAWS)
    ]
    same = [plain] * len(seen) if operation.views else known[1:]
    changed = np.stack([np.abs(a.marks - b.marks).mean(1) > SAME for a, b in zip(seen, same, strict=True)])  # (D, N)
    if changed.mean() < IDLE:
        return Reaction(kept=None, idle=True)
    some, times = changed.any(0), np.maximum(changed.sum(0), 1)
    under, before = (
        (np.stack([rightness(target, answers.outputs) for answers in looks]) * changed).sum(0)[some] / times[some]
        for looks in (seen, same)
    )
    found: list[Move] = []
    if target.ndim == 1:
        first = changed.argmax(0)
        pairs = (
            [(answers.outputs, here) for answers, here in zip(seen, changed, strict=True)]
            if operation.views
            else [(np.stack([a.outputs for a in seen])[first, np.arange(len(first))], some)]
        )
        for outputs, here in pairs:
            found += moves(target[here], probs(plain.outputs[here]), probs(outputs[here]))
    return Reaction(kept=kept(before, under, commonest(target)), moves=_surest(found))


def _surest(found: Sequence[Move]) -> tuple[Move, ...]:
    """One move a class, the surest first."""
    best: dict[int, Move] = {}
    for move in sorted(found, key=lambda m: -m.low):
        best.setdefault(move.source, move)
    return tuple(best.values())


def rightness(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """(N,) how right each answer is: 0 or 1 of a class, the share of labels where there are several."""
    if target.ndim == 1:
        return np.asarray(outputs.argmax(1) == target, dtype=np.float64)
    return np.asarray(((outputs > 0) == (target > 0)).mean(1), dtype=np.float64)


def commonest(target: np.ndarray) -> float:
    """Share that is right by always giving the commonest answer, label by label where there are several."""
    if target.ndim == 1:
        return float(np.bincount(target[target >= 0]).max() / max(1, (target >= 0).sum()))
    present = (target > 0).mean(0)
    return float(np.maximum(present, 1 - present).mean())


def folds(pool: np.ndarray, seed: int) -> np.ndarray:
    """(N,) fold of each sample, each fold as large as the other."""
    fold = np.empty(len(pool), dtype=np.int64)
    fold[permutation(seed, 0, len(pool), FOLD_STREAM)] = np.arange(len(pool)) % FOLDS
    return fold


def fold_models(
    data: Prepared, recipe: Recipe, engine: Engine, pool: np.ndarray, late: Callable[[], bool]
) -> list[tuple[Learner, np.ndarray]] | None:
    """A model for each fold of a pool, trained on the others; None where time ran out.

    Args:
        data: the samples.
        recipe: resolved for as many samples as a fold leaves.
        engine: where to compute.
        pool: (N,) positions.
        late: looked at every step.
    """
    fold, task, found = folds(pool, recipe.seed), data.task, []
    for k in range(FOLDS):
        inside, held = pool[fold != k], pool[fold == k]
        examples = task.loader(data.dataset, inside, recipe, engine, False)
        learner = task.learner(recipe, data.schema, engine, examples)
        for record in learner.fit(task.loader(data.dataset, inside, recipe, engine, True), dict, None, late):
            if record.kind == "stopped":
                return None
        found.append((learner, held))
    return found


def as_predictions(answers: Answers, data: Prepared) -> Predictions:
    """Answers to plain samples as the paired comparison takes them."""
    index, order = data.dataset.index, np.argsort(answers.positions)
    positions = answers.positions[order]
    return Predictions(
        ids=index.id[positions].astype(str),
        target=index.target[positions],
        outputs=answers.outputs[order],
        split="select",
        run_id="",
    )


def with_augment(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe with keys under `augment.` replaced, those alone that its task knows."""
    known = {key: value for key, value in changes.items() if key in recipe.augment}
    return recipe.model_copy(update={"augment": {**recipe.augment, **known}})


def drawn(data: Prepared, positions: np.ndarray, recipe: Recipe, engine: Engine, view: str, draw: int) -> Loader:
    """The task's loader of samples as an operation makes them."""
    assert data.task.drawn is not None
    return data.task.drawn(data.dataset, positions, recipe, engine, view=view, draw=draw)


def _predicted(learner: Any, loader: Loader) -> tuple[np.ndarray, np.ndarray]:
    """(outputs, marks) of a pass."""
    marks: list[torch.Tensor] = []

    def look(inputs: torch.Tensor) -> tuple[list[torch.Tensor], list[float]]:
        marks.append(nn.functional.adaptive_avg_pool2d(inputs.float(), GRID).flatten(1).cpu())
        return [inputs], [1.0]

    outputs = learner.predict_views(loader, look)
    return outputs, torch.cat(marks).numpy()
