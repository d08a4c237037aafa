"""The linear floor of a table: logistic or ridge regression over scaled numbers, marks and one column a category.

Sources: Cox 1958 (logistic regression), Hoerl and Kennard 1970 (ridge); scikit-learn does the fitting.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from ..core.errors import CheckpointError
from ..core.interrupt import asked_to_stop
from ..core.recipe import Recipe
from ..core.task import Loader, Record, State
from ..models.tabular_inputs import Encoded, Inputs
from .optim import number
from .rebalance import answer_shift, class_weights
from .whole import WholeLoader, made_record

LOSSES = ("ce", "mse")  # that it can be fitted for
MOST_ITERATIONS = 300  # of L-BFGS; Adult converges in about 100
SLICE = 50  # of them between two looks at whether to stop; each slice starts L-BFGS anew from where the last one ended
NEVER = -20.0  # logit of a class without a training sample


class LinearLearner:
    """One step fits everything.

    Args:
        recipe: resolved; weight_decay is read.
        inputs: of the table.
        classes: 0 = the target is a number.
        scale: (mean, std) of a numeric target, learnt in standard deviations.
        counts: (K,) training rows of each class, where uneven ones are to be rebalanced; else empty.
    """

    family = "linear"

    def __init__(
        self, recipe: Recipe, inputs: Inputs, classes: int, scale: tuple[float, float], counts: Sequence[int] = ()
    ) -> None:
        self.inputs, self.classes, self.scale = inputs, classes, scale
        self.decay, self.seed = number(recipe.train.weight_decay, "train.weight_decay"), recipe.seed
        self._class_weight, self._shift = class_weights(recipe.train, counts), answer_shift(recipe.train, counts)
        outputs, width = max(1, classes), linear_width(inputs)
        self._weight, self._bias = np.zeros((outputs, width)), np.zeros(outputs)
        self._steps = 0

    @property
    def steps_taken(self) -> int:
        """1 once it is fitted."""
        return self._steps

    def fit(
        self,
        loader: Loader,
        evaluate: Callable[[], Mapping[str, float]],
        resume: State | None,
        should_stop: Callable[[], bool],
    ) -> Iterator[Record]:
        """See `core.task.Learner.fit`."""
        self._steps = 0
        if resume is not None and int(resume.meta["position"]["step"]) > 0:
            self.load_weights(resume)
            self._steps = 1
            return
        began = time.perf_counter()
        if should_stop():
            yield made_record("stopped", 0, 1, {}, {}, 0.0, 0.0)
            return
        loss = self._solve(*cast(WholeLoader, loader).whole(), should_stop)
        if loss is None:
            yield made_record("stopped", 0, 1, {}, {}, 0.0, time.perf_counter() - began)
            return
        self._steps = 1
        yield made_record("epoch", 1, 1, {"loss": loss}, evaluate(), 0.0, time.perf_counter() - began)

    def _solve(self, rows: Encoded, target: np.ndarray, should_stop: Callable[[], bool]) -> float | None:
        """Fit; returns the mean loss on the training rows, None if it was stopped."""
        x = design(self.inputs, rows)
        if self.classes:
            if not self._fit_classes(x, target, should_stop):
                return None
            scores = x @ self._weight.T + self._bias
            shifted = scores - scores.max(1, keepdims=True)
            log_probs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
            return float(-log_probs[np.arange(len(target)), target].mean())
        from sklearn.linear_model import Ridge

        y = (target - self.scale[0]) / self.scale[1]
        found = Ridge(alpha=max(self.decay * len(y), 1e-9), solver="lsqr").fit(x, y)
        self._weight, self._bias = found.coef_.reshape(1, -1), np.array([found.intercept_])
        return float(((x @ self._weight.T + self._bias)[:, 0] - y).__pow__(2).mean())

    def _fit_classes(self, x: Any, target: np.ndarray, should_stop: Callable[[], bool]) -> bool:
        """Fit in slices, each going on from the last; False if a signal came between two of them.

        Where time is up without a signal, what the slices so far have found is kept: it is nearly the whole.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        self._weight = np.zeros((self.classes, x.shape[1]))
        self._bias = np.full(self.classes, NEVER)
        present = np.unique(target)
        if len(present) < 2:
            self._bias[present] = 0.0
            return True
        weight = None if self._class_weight is None else self._class_weight[target]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what is left to gain is below what select can tell
            model = LogisticRegression(C=1 / max(self.decay * len(target), 1e-9), max_iter=SLICE, warm_start=True)
            for taken in range(0, MOST_ITERATIONS, SLICE):
                if taken and asked_to_stop():
                    return False
                if taken and (should_stop() or model.n_iter_.max() < SLICE):
                    break
                model.fit(x, target, sample_weight=weight)
        binary = len(present) == 2
        self._weight[present] = np.stack([-model.coef_[0], model.coef_[0]]) / 2 if binary else model.coef_
        self._bias[present] = np.array([-1, 1]) * model.intercept_[0] / 2 if binary else model.intercept_
        if self._shift is not None:
            self._bias -= self._shift
        return True

    def trial(self, rows: int) -> Callable[[], float]:
        """A fit on made-up rows."""
        random = np.random.default_rng(0)
        target = random.integers(0, self.classes, rows) if self.classes else random.normal(*self.scale, rows)
        made_up = self.inputs.made_up(rows)
        return lambda: self._solve(made_up, target, lambda: False) or 0.0

    def predict(self, loader: Loader, plain: bool = False) -> np.ndarray:
        """(N, K) float32 logits, or (N, 1) numbers."""
        rows, _ = cast(WholeLoader, loader).whole()
        scores = np.asarray(design(self.inputs, rows) @ self._weight.T + self._bias)
        return (scores if self.classes else scores * self.scale[1] + self.scale[0]).astype(np.float32)

    def importance(self) -> dict[str, float]:
        """Input -> share of the absolute weights of its scaled columns."""
        owner = _owners(self.inputs)
        weight = np.bincount(owner, weights=np.abs(self._weight).sum(0), minlength=len(self.inputs.names))
        return dict(zip(self.inputs.names, (weight / max(weight.sum(), 1e-12)).tolist(), strict=True))

    def own_costs(self) -> Mapping[str, float]:
        """None: its costs follow from the recipe."""
        return {}

    def state(self) -> State:
        """The weights, once they are found."""
        found = self.weights()
        return State(tensors=found.tensors, meta={**found.meta, "position": {"step": self._steps}})

    def weights(self) -> State:
        """Coefficients and offsets."""
        return State(
            tensors={"weight": self._weight.copy(), "bias": self._bias.copy()},
            meta={"family": self.family, "steps": self._steps},
        )

    def load_weights(self, state: State) -> None:
        """Take over what `weights` gave. Raises: CheckpointError if it is of other inputs."""
        found = {key: np.asarray(state.tensors.get(key, np.zeros(0)), dtype=np.float64) for key in ("weight", "bias")}
        if found["weight"].shape != self._weight.shape or found["bias"].shape != self._bias.shape:
            raise CheckpointError("these weights are of another model", got=found["weight"].shape, do="train again")
        self._weight, self._bias = found["weight"].copy(), found["bias"].copy()


def linear_width(inputs: Inputs) -> int:
    """Columns of `design`."""
    return len(inputs.numbers) + len(inputs.marked) + sum(inputs.cardinalities)


def design(inputs: Inputs, rows: Encoded) -> Any:
    """(N, width) sparse matrix: scaled numbers, marks, one column a code of each category."""
    from scipy import sparse

    parts = [sparse.csr_matrix(np.concatenate([inputs.scaled(rows.numbers), inputs.marks(rows.numbers)], 1))]
    n = len(rows)
    for k, count in enumerate(inputs.cardinalities):
        shape = (n, count)
        parts.append(sparse.csr_matrix((np.ones(n), (np.arange(n), rows.codes[:, k])), shape=shape))
    return sparse.hstack(parts, format="csr")


def _owners(inputs: Inputs) -> np.ndarray:
    """(width,) place of the input that each column of `design` comes from."""
    numbers = len(inputs.numbers)
    categories = [np.full(count, numbers + k) for k, count in enumerate(inputs.cardinalities)]
    return np.concatenate([np.arange(numbers), np.array(inputs.marked, dtype=np.int64), *categories]).astype(np.int64)
