"""Gradient boosting of trees, LightGBM behind our seam: a step is one round, the model is stored in its text form.

Sources: Ke et al. 2017, "LightGBM"; Friedman 2002, "Stochastic Gradient Boosting" (rows drawn for each tree); the
settings for small tables: benchmarks/tables.py.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from ..core.errors import CheckpointError, DataError
from ..core.interrupt import asked_to_stop
from ..core.recipe import Recipe
from ..core.task import Loader, Record, State
from ..models.tabular_inputs import MISSING, Encoded, Inputs
from .optim import number
from .rebalance import answer_shift, class_weights
from .whole import WholeLoader, as_logits, made_record

SMALL_TABLE = 5000  # rows below which trees stay small and see few inputs each: RMSE -9 % on Ames, none on Adult
LEAVES, LEAVES_SMALL = 31, 16
LR, LR_SMALL = 0.05, 0.03
INPUTS_SEEN, INPUTS_SEEN_SMALL = 0.5, 0.3  # share of the inputs that a tree may use
LEAST_SEEN = 8  # but at least so many inputs, of which a tree needs several to see how they act together
ROWS_SEEN = 0.8  # share of the rows that a tree is fitted on; Friedman 2002 finds 0.5 to 0.8 best
LEAST_LEAF, LEAST_LEAF_SMALL = 20, 5  # rows of a leaf at least
LEAVES_AT_LEAST = 20  # that a table of few rows can be cut into
BLOCK = 10  # rounds between two looks at select
ROUNDS, ROUNDS_SMALL = 1500, 2000  # at most; patience ends most runs far earlier
STILL = 10  # looks without a better score before it ends: 100 rounds
_OBJECTIVES = {"mse": "regression", "mae": "regression_l1", "huber": "huber", "quantile": "quantile"}
_TEXT = "booster"


class BoostingLearner:
    """Boosted trees over the encoded rows of a table.

    Args:
        recipe: resolved; lr, loss, l1, weight_decay (of leaf values), model.width (leaves), depth and dropout (of
            inputs) are read.
        inputs: of the table.
        classes: 0 = the target is a number.
        scale: (mean, std) of a numeric target, learnt in standard deviations.
        threads: of LightGBM.
        rows: of the whole table, which decide how large trees may grow.
        counts: (K,) training rows of each class, where uneven ones are to be rebalanced; else empty.
    """

    family = "boosting"

    def __init__(
        self,
        recipe: Recipe,
        inputs: Inputs,
        classes: int,
        scale: tuple[float, float],
        threads: int,
        rows: int,
        counts: Sequence[int] = (),
    ) -> None:
        self.inputs, self.classes, self.scale = inputs, classes, scale
        self.train, self._checkpoint_seconds = recipe.train, recipe.engine.checkpoint_seconds
        self._weight, self._shift = class_weights(recipe.train, counts), answer_shift(recipe.train, counts)
        self.params = parameters(recipe, classes, threads, rows, len(inputs.names))
        self._booster: Any = None
        self._start: Any = None
        self._rounds = 0
        self._reached = 0  # rounds of a former training that are repeated
        self._seen: tuple[Loader, int, np.ndarray] | None = None

    @property
    def steps_taken(self) -> int:
        """Rounds of this training."""
        return self._rounds

    def fit(
        self,
        loader: Loader,
        evaluate: Callable[[], Mapping[str, float]],
        resume: State | None,
        should_stop: Callable[[], bool],
    ) -> Iterator[Record]:
        """See `core.task.Learner.fit`. A resumed training repeats its rounds in silence: the same trees.

        A signal to stop is heeded meanwhile; it then stands where the former training stood, whose records are good.
        """
        steps = max(1, round(number(self.train.epochs, "train.epochs")))
        silent = self._reached = int(resume.meta["position"]["step"]) if resume is not None else 0
        lapped = time.perf_counter()
        self._booster, self._seen = self._new(*cast(WholeLoader, loader).whole(), start=self._start), None
        self._rounds = 0 if self._start is None else 1  # going on from a model takes its first round at once
        while self._rounds < steps:
            if should_stop() if self._rounds >= silent else asked_to_stop():  # a deadline must not cost trees it had
                yield self._record("stopped", steps, {}, lapped)
                return
            self._booster.update()
            self._rounds += 1
            if self._rounds <= silent:
                continue
            if self._rounds % BLOCK == 0 or self._rounds == steps:
                yield self._record("epoch", steps, evaluate(), lapped)
                lapped = time.perf_counter()
            elif time.perf_counter() - lapped > self._checkpoint_seconds:
                yield self._record("interval", steps, {}, lapped)

    def _new(self, rows: Encoded, target: np.ndarray, start: Any = None) -> Any:
        """A booster without a round, or one that has taken the first round upon the trees of an earlier model."""
        lgb = _lightgbm()
        places = self._categorical()
        weight = None if self._weight is None else self._weight[target]
        labels = self._labels(target)
        data = lgb.Dataset(matrix(rows), labels, weight=weight, categorical_feature=places, params=self.params)
        try:
            if start is None:
                return lgb.Booster(self.params, data)
            return lgb.train(self.params, data, 1, init_model=start, keep_training_booster=True)
        except lgb.basic.LightGBMError as error:
            raise DataError("LightGBM cannot learn from these rows", got=error, do="look at the audit") from None

    def _categorical(self) -> list[int]:
        first = len(self.inputs.numbers)
        return list(range(first, first + len(self.inputs.categories)))

    def _labels(self, target: np.ndarray) -> np.ndarray:
        return np.asarray(target if self.classes else (target - self.scale[0]) / self.scale[1], dtype=np.float64)

    def _record(self, kind: str, steps: int, select: Mapping[str, float], lapped: float) -> Record:
        loss = {"loss": float(self._booster.eval_train()[0][2])} if self._rounds else {}
        lr = number(self.train.lr, "train.lr")
        step, seconds = max(self._rounds, self._reached), time.perf_counter() - lapped
        return made_record(kind, step, steps, loss, select, lr, seconds)

    def trial(self, rows: int) -> Callable[[], float]:
        """One round on made-up rows, again and again."""
        booster = self._on_made_up(rows)

        def step() -> float:
            booster.update()
            return float(booster.eval_train()[0][2])

        return step

    def made_up(self, rounds: int, rows: int) -> BoostingLearner:
        """This learner after some rounds on made-up rows, to measure what a model costs."""
        self._booster, self._rounds, self._seen = self._on_made_up(rows), rounds, None
        for _ in range(rounds):
            self._booster.update()
        return copy.copy(self)

    def _on_made_up(self, rows: int) -> Any:
        random = np.random.default_rng(0)
        target = random.integers(0, self.classes, rows) if self.classes else random.normal(*self.scale, rows)
        return self._new(self.inputs.made_up(rows), target)

    # prediction ----------------------------------------------------------------------------------------------------

    def predict(self, loader: Loader, plain: bool = False) -> np.ndarray:
        """(N, K) float32 logits, or (N, 1) numbers; only trees that are new since the last call are asked again."""
        known = self._seen if self._seen is not None and self._seen[0] is loader else None
        rows, _ = cast(WholeLoader, loader).whole()
        first = known[1] if known else 0
        booster, trees = self._booster, self._booster.current_iteration()
        raw = known[2] if known else np.zeros(())
        if trees > first or known is None:
            ways = {"start_iteration": first, "num_iteration": trees - first} if trees > first else {}
            raw = raw + booster.predict(matrix(rows), raw_score=True, num_threads=self.params["num_threads"], **ways)
        self._seen = (loader, trees, raw)
        if self.classes:
            logits = as_logits(raw)
            return logits if self._shift is None else logits - self._shift
        return (raw.reshape(-1, 1) * self.scale[1] + self.scale[0]).astype(np.float32)

    def importance(self) -> dict[str, float]:
        """Input -> share of the gain that its splits brought."""
        gain = np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)
        return dict(zip(self.inputs.names, (gain / max(gain.sum(), 1e-12)).tolist(), strict=True))

    def own_costs(self) -> Mapping[str, float]:
        """Parameters and size of the trees that were grown."""
        trees = self._booster.num_trees()
        leaves = self.params["num_leaves"]
        size = len(self._booster.model_to_string(num_iteration=-1))
        return {"parameters": trees * (3 * leaves - 2), "macs": trees * leaves.bit_length(), "size_bytes": size}

    # state ---------------------------------------------------------------------------------------------------------

    def state(self) -> State:
        """Where training stands; the rounds themselves are repeated."""
        at = {"position": {"step": max(self._rounds, self._reached)}, "family": self.family}
        return State(tensors={"rounds": np.array([self._rounds], dtype=np.int64)}, meta=at)

    def weights(self) -> State:
        """The trees as LightGBM's own text, its bytes in one tensor."""
        text = self._booster.model_to_string(num_iteration=-1)
        meta = {"family": self.family, "steps": self._rounds}
        return State(tensors={_TEXT: np.frombuffer(text.encode("utf-8"), dtype=np.uint8).copy()}, meta=meta)

    def load_weights(self, state: State) -> None:
        """Take over what `weights` gave; a following `fit` adds its trees to these.

        Raises: CheckpointError if it is no booster's text.
        """
        lgb = _lightgbm()
        try:
            text = bytes(np.asarray(state.tensors[_TEXT], dtype=np.uint8)).decode("utf-8")
            self._booster = lgb.Booster(model_str=text)
        except (KeyError, UnicodeDecodeError, lgb.basic.LightGBMError) as error:
            raise CheckpointError("these weights are no boosted trees", got=error, do="train again") from None
        self._start, self._seen = self._booster, None


def parameters(recipe: Recipe, classes: int, threads: int, rows: int, inputs: int) -> dict[str, Any]:
    """LightGBM's parameters of a resolved recipe."""
    train, model, small = recipe.train, recipe.model, rows < SMALL_TABLE
    seen = max(INPUTS_SEEN_SMALL if small else INPUTS_SEEN, min(1.0, LEAST_SEEN / inputs))
    objective = _OBJECTIVES.get(str(train.loss), "binary" if classes == 2 else "multiclass")
    found: dict[str, Any] = {
        "objective": objective,
        "learning_rate": number(train.lr, "train.lr"),
        "num_leaves": max(2, int(number(model.width, "model.width"))),
        "max_depth": -1 if model.depth == "auto" else int(model.depth),
        "feature_fraction": seen * (1 - model.dropped),
        "bagging_fraction": ROWS_SEEN,
        "bagging_freq": 1,
        "min_data_in_leaf": max(1, min(LEAST_LEAF_SMALL if small else LEAST_LEAF, rows // LEAVES_AT_LEAST)),
        "lambda_l1": train.l1,
        "lambda_l2": number(train.weight_decay, "train.weight_decay"),
        "seed": recipe.seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    if objective == "multiclass":
        found["num_class"] = classes
    if objective == "huber":
        found["alpha"] = train.huber_delta
    if objective == "quantile":
        found["alpha"] = train.quantile
    return found


def matrix(rows: Encoded) -> np.ndarray:
    """(N, F + C) float64 as LightGBM takes them: missing cells are NaN, categories their codes."""
    codes = np.where(rows.codes == MISSING, np.nan, rows.codes.astype(np.float64))
    return np.concatenate([rows.numbers, codes], 1)


def _lightgbm() -> Any:
    import lightgbm

    quiet = logging.getLogger("lightgbm")  # what it says of its own accord would stand between our answers
    if not quiet.handlers:
        quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    lightgbm.register_logger(quiet)
    return lightgbm
