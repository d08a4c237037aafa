"""Test every operation for label safety on the data themselves: first cheaply, then, where time allows, by training.

1. A model that never saw the operation answers samples under it (`stats/label_moves`). It keeps its skill: the labels
   are safe. Classes become other classes: refused. It merely loses skill: the operation makes pictures that do not
   occur here, and is refused unless training shows that it helps.
2. The controlled experiment, in order of promise: quick models trained with and without the operation on the same
   folds, compared on the same plain samples. It loses: refused; it gains: advised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from ..augment.scene import Answer, Operation, answers, operations
from ..core.outcome import Predictions
from ..core.randomness import permutation
from ..core.recipe import Recipe
from ..core.task import Learner
from ..core.telling import Tell
from ..engine.engine import Engine
from ..stats.paired import Effect, corrected_intervals, paired_effect
from .planning import Plan
from .prepare import Prepared
from .scene_trials import FOLDS, Reaction, Subject, as_predictions, fold_models, reaction, references, with_augment

SAFE = 0.85  # share of skill that must survive for labels to count as safe
POOL, LEAST_POOL = 3000, 400  # samples of train and select that quick models are trained and judged on
EPOCHS = 16.0  # of a quick model at most; digits reach 99.5 % of 99.7 %, and turned shapes show 16 of 16 points by then
SEEDS = 3  # of an experiment at most
BEYOND_DOUBT = 0.995  # level at which a gain needs no further seed, however many operations are tried
LEAST_EPOCHS = 2.0
BASE_PART = 3.0  # the models without any operation may take one part in so many of the time
POOL_STREAM = 0x5CEE
ARMS = 3  # operations that time must allow for, else fewer samples are taken
MOST_PAIRS = 6  # classes that move which are named
ACCURACY = "accuracy"

Verdict = Literal["advised", "allowed", "refused", "idle", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The verdict on one operation.

    Attributes:
        name: of the operation.
        verdict: advised = proven to help; allowed = labels are safe; refused; idle = changes nothing here; unknown.
        why: message key under `scene.why.`.
        numbers: that support it: kept, kept_low, kept_high, plain, seen, n; from, into, share, confidence, usual of the
            surest move, and the pairs of all; points, points_low, points_high, samples of the experiment.
        changes: keys under `augment.` that the operation is.
    """

    name: str
    verdict: Verdict
    why: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All verdicts.

    Attributes:
        judgements: one an operation.
        experiments: how many were trained for.
        samples: that quick models were trained and judged on; 0 where none were.
    """

    judgements: tuple[Judgement, ...]
    experiments: int = 0
    samples: int = 0

    @property
    def refused(self) -> tuple[str, ...]:
        return tuple(j.name for j in self.judgements if j.verdict == "refused")

    def verdict(self, name: str) -> str:
        return next((j.verdict for j in self.judgements if j.name == name), "unknown")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Clocked:
    """The time that tests may take.

    Attributes:
        ends: time.monotonic() at which they must have ended.
        stop: looked at as well.
    """

    ends: float
    stop: Callable[[], bool]

    def late(self) -> bool:
        return self.stop() or time.monotonic() > self.ends

    @property
    def left(self) -> float:
        return self.ends - time.monotonic()


def can_ask(data: Prepared) -> bool:
    """Whether there are pictures with classes to ask about."""
    return data.task.drawn is not None and data.schema.target_kind in ("class", "multilabel")


def inspect(
    data: Prepared,
    plan: Plan,
    fresh: Callable[[int], Recipe],
    clock: Clocked,
    tell: Tell,
    known: Sequence[tuple[Learner, np.ndarray]] | None = None,
) -> Scene:
    """Judge every operation.

    Args:
        data: pictures with classes.
        plan: of the smallest rung, its data decoded.
        fresh: training samples -> recipe of a quick model on so many, augmented as planned but for what is on trial.
        clock: the time there is, cheap tests included; that of the mirror is made in any case.
        tell: hears of the progress.
        known: (learner that saw no operation, samples that it has not seen); None = quick models are trained first.
    """
    said = answers(plan.recipe.scene)
    every = operations(int(plan.recipe.model.size))
    open_ones = [o for o in every if o.name not in said]
    trials = _Trials(data=data, plan=plan, fresh=fresh, clock=clock)
    pairs = known if known is not None else trials.base()
    subject = Subject(data=data, recipe=plan.recipe, engine=plan.engine, pairs=pairs or ())
    reactions: dict[str, Reaction] = {}
    if pairs:
        plain = references(subject)
        for k, operation in enumerate(open_ones):
            if k and clock.late():  # the first is the mirror, on which the plan depends
                break
            tell("progress", what="scene", done=k, total=len(open_ones), unit="")
            reactions[operation.name] = reaction(subject, operation, plain)
    effects = _experiments(trials, _worth_a_trial(open_ones, reactions, plan.recipe), tell)
    judged = {o.name: _judged(o, reactions.get(o.name), effects.get(o.name), data.schema.classes) for o in open_ones}
    judged |= {o.name: _said(o, *said[o.name]) for o in every if o.name in said}
    return Scene(
        judgements=tuple(judged[o.name] for o in every),
        experiments=len(effects),
        samples=len(trials.pool) if effects else 0,
    )


@dataclass(kw_only=True)
class _Trials:
    """Quick models of one set of folds, those without any operation on trial trained once.

    Attributes:
        data: the samples.
        plan: of the smallest rung.
        fresh: see `inspect`.
        clock: the time there is.
    """

    data: Prepared
    plan: Plan
    fresh: Callable[[int], Recipe]
    clock: Clocked
    _pool: np.ndarray | None = None
    _part: float = 1.0
    _base: list[tuple[Learner, np.ndarray]] | None = None

    @property
    def engine(self) -> Engine:
        return self.plan.engine

    @property
    def pool(self) -> np.ndarray:
        """Positions of train and select that time allows for: the arms' worth of quick models."""
        if self._pool is None:
            seen = np.concatenate([self.data.split.train, self.data.split.select])
            most = min(POOL, len(seen))
            while most > LEAST_POOL and (ARMS + 1) * self._seconds(most) > self.clock.left:
                most = max(LEAST_POOL, most // 2)
            order = permutation(self.plan.recipe.seed, 0, len(seen), POOL_STREAM)
            self._pool = np.sort(seen[order[:most]])
            self._part = min(1.0, max(self.clock.left, 0.0) / (BASE_PART * self._seconds(most)))
        return self._pool

    def recipe(self) -> Recipe:
        """Of a quick model; of fewer passes where not even the base would be ready in a third of the time."""
        recipe = self.fresh(len(self.pool) // FOLDS)
        return recipe.with_("train.epochs", max(LEAST_EPOCHS, self._part * float(recipe.train.epochs)))

    def arm_seconds(self) -> float:
        return self._part * self._seconds(len(self.pool))

    def _seconds(self, samples: int) -> float:
        """Predicted time of the models of one arm."""
        recipe = self.fresh(samples // FOLDS)
        return FOLDS * self.plan.seconds(samples // FOLDS, float(recipe.train.epochs))

    def models(self, changes: Mapping[str, Any], seed: int = 0) -> list[tuple[Learner, np.ndarray]] | None:
        """Models of one arm, on folds of their own for each seed; None where time ran out."""
        recipe = with_augment(self.recipe(), changes)
        recipe = recipe.with_("seed", recipe.seed + seed)
        return fold_models(self.data, recipe, self.engine, self.pool, self.clock.late)

    def base(self) -> list[tuple[Learner, np.ndarray]] | None:
        """The models without any operation on trial, of the first seed."""
        if self._base is None:
            self._base = self.models({})
        return self._base

    def is_ready(self, seed: int) -> bool:
        return seed == 0 and self._base is not None

    def has_time_for(self, arms: int) -> bool:
        return arms * self.arm_seconds() < self.clock.left

    def subject(self, pairs: Sequence[tuple[Learner, np.ndarray]]) -> Subject:
        return Subject(data=self.data, recipe=self.plan.recipe, engine=self.engine, pairs=pairs)


def _worth_a_trial(every: Sequence[Operation], reactions: Mapping[str, Reaction], recipe: Recipe) -> list[Operation]:
    """Operations that training may still decide on, the most promising first.

    Safe ones that are not on yet may gain, the wide ones most of all; then those that are merely unfamiliar, the least
    unfamiliar first. What moves labels or does nothing is decided.
    """

    def undecided(operation: Operation) -> bool:
        found = reactions.get(operation.name)
        is_on = all(recipe.augment.get(key) == value for key, value in operation.changes.items())
        return found is not None and found.kept is not None and not found.moves and not is_on

    def place(operation: Operation) -> tuple[bool, bool, float]:
        found = reactions[operation.name].kept
        assert found is not None
        safe = found.value >= SAFE
        return (not safe, not operation.wide if safe else False, -found.value)

    return sorted((o for o in every if undecided(o)), key=place)


def _experiments(trials: _Trials, worth: Sequence[Operation], tell: Tell) -> dict[str, tuple[Effect, float, float]]:
    """Operation -> (effect of training with it, corrected ends), of as many as time allows."""
    without: list[Predictions] = []
    effects: dict[str, Effect] = {}
    for k, operation in enumerate(worth):
        tell("progress", what="scene_trials", done=k, total=len(worth), unit="")
        if (effect := _effect(trials, operation, without)) is None:
            break
        effects[operation.name] = effect
    if not effects:
        return {}
    _, low, high = corrected_intervals(list(effects.values()))
    ends = zip(effects.items(), low, high, strict=True)
    return {name: (effect, max(-1.0, float(a)), min(1.0, float(b))) for (name, effect), a, b in ends}


def _effect(trials: _Trials, operation: Operation, without: list[Predictions]) -> Effect | None:
    """What training with an operation changes; repeated with another seed while a gain is in sight but not yet proven.

    Args:
        trials: quick models.
        operation: on trial.
        without: answers without it, one a seed; those that are missing are added.
    Returns: None where there was no time for a single seed.
    """
    metrics = trials.data.task.metrics
    metric = metrics.get(ACCURACY, metrics[trials.data.task.metric])
    found: list[Predictions] = []
    effect: Effect | None = None
    while len(found) < SEEDS and (effect is None or _in_sight(effect)):
        seed = len(found)
        if seed == len(without):
            may = trials.is_ready(seed) or trials.has_time_for(2)
            pairs = (trials.models({}, seed) if seed else trials.base()) if may else None
            if pairs is None:
                break
            without.append(_plain_answers(trials, pairs))
        pairs = trials.models(operation.changes, seed) if trials.has_time_for(1) else None
        if pairs is None:
            break
        found.append(_plain_answers(trials, pairs))
        effect = paired_effect(without[: len(found)], found, metric)
    return effect


def _in_sight(effect: Effect) -> bool:
    """Whether another seed may prove a gain: larger than its error, and not yet beyond doubt."""
    return effect.effect > effect.error and effect.interval(BEYOND_DOUBT)[0] <= 0


def _plain_answers(trials: _Trials, pairs: Sequence[tuple[Learner, np.ndarray]]) -> Predictions:
    return as_predictions(trials.subject(pairs).answers({}, "plain"), trials.data)


def _judged(
    operation: Operation,
    found: Reaction | None,
    effect: tuple[Effect, float, float] | None,
    classes: Sequence[str],
) -> Judgement:
    verdict, why = _verdict(found, effect, operation.is_daring)
    numbers = (_of_reaction(found, classes) if found else {}) | (_of_effect(*effect) if effect else {})
    return Judgement(name=operation.name, verdict=verdict, why=why, numbers=numbers, changes=dict(operation.changes))


def _of_reaction(found: Reaction, classes: Sequence[str]) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    if (kept := found.kept) is not None:
        numbers |= {"kept": kept.value, "kept_low": kept.low, "kept_high": kept.high, "safe": SAFE}
        numbers |= {"plain": kept.plain, "seen": kept.seen, "n": kept.n}
    for move in found.moves[:1]:
        numbers |= {"from": classes[move.source], "into": classes[move.into], "share": move.share, "of": move.n}
        numbers |= {"confidence": move.confidence, "usual": move.usual}
        numbers["pairs"] = ", ".join(f"{classes[m.source]} → {classes[m.into]}" for m in found.moves[:MOST_PAIRS])
    return numbers


def _of_effect(effect: Effect, low: float, high: float) -> dict[str, Any]:
    return {"points": 100 * effect.effect, "points_low": 100 * low, "points_high": 100 * high, "samples": effect.n}


def _verdict(
    found: Reaction | None, effect: tuple[Effect, float, float] | None, daring: bool = True
) -> tuple[Verdict, str]:
    """What the tests say together: a label that moves outweighs all, an experiment the mere familiarity.

    Args:
        found: how models that never saw the operation take it.
        effect: of training with it.
        daring: whether it needs a reason to be used; pictures that do not occur are reason enough to leave it. A mild
            one is left to remedies, which are experiments: a blanked square is odd to a net, and yet it helps.
    """
    if found is None:
        return "unknown", "no_time"
    if found.idle:
        return "idle", "idle"
    if found.kept is None:
        return "unknown", "cannot_tell"
    if found.moves:
        return "refused", "moves"
    if effect is not None and effect[1] > 0:
        return "advised", "gains"
    if effect is not None and effect[2] < 0:
        return "refused", "loses"
    if found.kept.value >= SAFE:
        return "allowed", "free" if effect is not None else "kept"
    if found.kept.high >= SAFE:
        return "unknown", "unsure"
    return ("refused" if daring else "unknown"), ("no_gain" if effect is not None else "unfamiliar")


def _said(operation: Operation, answer: Answer, question: str) -> Judgement:
    verdicts: Mapping[Answer, Verdict] = {"wanted": "advised", "allowed": "allowed", "refused": "refused"}
    return Judgement(
        name=operation.name,
        verdict=verdicts[answer],
        why=f"said_{answer}",
        numbers={"question": f"scene.{question}"},
        changes=dict(operation.changes),
    )


def advised_changes(scene: Scene, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Keys under `augment.` that the tests switch on or off, of those that nobody asked for.

    A mirror that is safe is used, since it doubles what is seen at no cost; anything else must have proven itself.
    """
    changes: dict[str, Any] = {}
    for judged in scene.judgements:
        if judged.why.startswith("said"):
            continue
        wanted = judged.verdict == "advised" or (judged.name == "flip" and judged.verdict == "allowed")
        if wanted:
            for key, value in judged.changes.items():
                changes[key] = max(changes[key], value) if isinstance(value, float) and key in changes else value
    if scene.verdict("flip") not in ("advised", "allowed"):
        changes["flip"] = False
        changes["test_time"] = "none"
    return {key: value for key, value in changes.items() if asked.get(key, "auto") == "auto"}
