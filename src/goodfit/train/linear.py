"""A learner without gradients of its own: n-grams weighted by naive Bayes under a linear model, one output a column.

Source: Wang and Manning 2012, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification" (NB-SVM, here
with the logistic loss); ridge regression over idf-weighted n-grams for numbers.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from ..core.errors import CheckpointError
from ..core.samples import TargetKind
from ..core.task import Loader, Record, State
from ..models.ngrams import Ngrams, fit_ngrams

SMOOTH = 1.0  # added to each n-gram's count of texts; Wang and Manning 2012
FEW_WORDS = 500_000  # words in all training texts below which n-grams that occur once are kept too
GROWN = 5  # a text among 22,389 reviews costs so many times what it costs among 256, and among 8,992 titles too
STEPS = 100  # of L-BFGS; 30 to 50 suffice on IMDb
_TOLERANCE = 1e-6
_LATENCY_CALLS = 20


class NgramLearner:
    """Fits all columns in one go.

    Args:
        kind: class, multilabel or number.
        outputs: K, columns of the answer.
        order: longest n-gram, 1 to 3.
        strength: of the L2 penalty, against the summed loss.
        scale: (mean, std) of a numeric target; (0, 1) otherwise.
        weight: (K,) weight of each class's texts, where uneven ones are rebalanced so.
        shift: (K,) taken off the answers, where uneven ones are rebalanced so.
    """

    family = "linear"

    def __init__(
        self,
        *,
        kind: TargetKind,
        outputs: int,
        order: int,
        strength: float,
        scale: tuple[float, float] = (0.0, 1.0),
        weight: np.ndarray | None = None,
        shift: np.ndarray | None = None,
    ) -> None:
        self._class_weight, self._shift = weight, shift
        self.kind, self.outputs, self.order, self.strength, self.scale = kind, outputs, order, strength, scale
        self.ngrams = Ngrams(words=(), keys=np.empty(0, np.int64), order=order)
        self.weight = np.zeros((outputs, 0), np.float32)
        self.bias = np.zeros(outputs, np.float32)
        self.idf = np.zeros(0, np.float32)  # of a numeric target alone
        self.steps_taken = 0

    def fit(
        self,
        loader: Loader,
        evaluate: Callable[[], Mapping[str, float]],
        resume: State | None,
        should_stop: Callable[[], bool],
    ) -> Iterator[Record]:
        """Fit; see `core.task.Learner.fit`. It takes seconds, so a cut fit begins again."""
        if resume is not None and resume.meta.get("steps"):
            self.load_weights(resume)
            return
        self.steps_taken = 0  # weights that were taken over are no start: it is fitted as a whole
        start = time.perf_counter()
        texts, target = _gathered(loader, should_stop)
        found = self._fitted(texts, target, should_stop) if texts else None
        seconds = time.perf_counter() - start
        cost = {"seconds": seconds, "samples_per_s": len(texts) / max(seconds, 1e-9), "wait_share": 0.0}
        if found is None:
            yield Record(kind="stopped", step=0, steps=1, epoch=0, train={}, select={}, lr=0.0, cost=cost)
            return
        self.steps_taken = 1
        yield Record(kind="epoch", step=1, steps=1, epoch=1, train=found, select=evaluate(), lr=0.0, cost=cost)

    def step(self, texts: Sequence[Sequence[str]], target: np.ndarray) -> float:
        """Fit on these texts alone, as often as they cost among many; returns the mean loss. For the probe."""
        losses = [self._fitted(texts, target, lambda: False, least=2) for _ in range(GROWN)]
        return (losses[-1] or {"loss": 0.0})["loss"]

    def _fitted(
        self, texts: Sequence[Sequence[str]], target: np.ndarray, should_stop: Callable[[], bool], least: int = 0
    ) -> dict[str, float] | None:
        """Mean loss over the training texts; None if asked to stop before the end."""
        least = least or (1 if sum(map(len, texts)) < FEW_WORDS else 2)
        self.ngrams, rows = fit_ngrams(texts, self.order, least)
        n, features = rows.shape
        self.weight, self.bias = np.zeros((self.outputs, features), np.float32), np.zeros(self.outputs, np.float32)
        if self.kind == "number":
            self.idf = np.log(n / np.asarray(rows.sum(0)).ravel()).astype(np.float32) + 1
        rows = self._weighed(rows)
        columns = rows.T.tocsr()
        if self.kind == "number":
            mean, std = self.scale
            wanted = (target.astype(np.float64) - mean) / std
            fitted = _minimum(rows, columns, wanted, np.ones(features), self.strength, _squared, None, should_stop)
            if fitted is None:
                return None
            self.weight[0], self.bias[0] = fitted[0] * std, fitted[1] * std + mean
            return {"loss": fitted[2]}
        each = None if self._class_weight is None else self._class_weight[target]
        losses = []
        for k, positive in enumerate(_columns_of(target, self.kind, self.outputs)):
            ratio = _log_ratio(rows, positive)
            signs = np.where(positive, 1.0, -1.0)
            fitted = _minimum(rows, columns, signs, ratio, self.strength, _logistic, each, should_stop)
            if fitted is None:
                return None
            self.weight[k], self.bias[k] = ratio * fitted[0], fitted[1]
            losses.append(fitted[2])
            if self.kind == "class" and self.outputs == 2:  # the other column is its mirror
                self.weight[1], self.bias[1] = -self.weight[0], -self.bias[0]
                break
        if self._shift is not None:
            self.bias -= self._shift * (2 if self.outputs == 2 else 1)  # two columns are halved when they answer
        return {"loss": float(np.mean(losses))}

    def _weighed(self, rows: csr_matrix) -> csr_matrix:
        """Rows as the model takes them: of unit length under idf for numbers, else 0 and 1."""
        if self.kind != "number":
            return rows
        weighed = rows.multiply(self.idf).tocsr()
        length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(1)).ravel())
        return csr_matrix(weighed.multiply(1 / np.maximum(length, 1e-9)[:, None]), dtype=np.float32)

    def predict(self, loader: Loader, plain: bool = False) -> np.ndarray:
        """(N, K) float32 in the loader's order: log odds a column (halved where two mirror each other), or numbers."""
        outputs = [self._answers(batch.inputs) for batch in loader.epoch(0)]
        return np.concatenate(outputs) if outputs else np.zeros((0, self.outputs), np.float32)

    def _answers(self, texts: Sequence[Sequence[str]]) -> np.ndarray:
        found = np.asarray(self._weighed(self.ngrams.rows(texts)) @ self.weight.T + self.bias, dtype=np.float32)
        return found / 2 if self.kind == "class" and self.outputs == 2 else found

    def state(self) -> State:
        """A snapshot; before the end there is nothing worth keeping."""
        return self.weights()

    def weights(self) -> State:
        """Vocabulary, weights and bias."""
        tensors = {
            "words": torch.from_numpy(np.frombuffer(_joined(self.ngrams.words), dtype=np.uint8).copy()),
            "keys": torch.from_numpy(self.ngrams.keys),
            "weight": torch.from_numpy(self.weight),
            "bias": torch.from_numpy(self.bias),
            "idf": torch.from_numpy(self.idf),
        }
        position = {"step": self.steps_taken}
        return State(tensors=tensors, meta={"steps": self.steps_taken, "order": self.order, "position": position})

    def load_weights(self, state: State) -> None:
        """Take over what `weights` gave. Raises: CheckpointError if it is another model's."""
        tensors = {name: _array(value) for name, value in state.tensors.items()}
        if tensors.keys() != {"words", "keys", "weight", "bias", "idf"} or len(tensors["bias"]) != self.outputs:
            raise CheckpointError("these weights are of another model", got=sorted(tensors), do="use the model's own")
        words = tensors["words"].astype(np.uint8).tobytes().decode("utf-8", "surrogatepass")
        self.ngrams = Ngrams(
            words=tuple(words.split("\n")) if words else (),
            keys=tensors["keys"].astype(np.int64),
            order=int(state.meta["order"]),
        )
        self.weight, self.bias = tensors["weight"].astype(np.float32), tensors["bias"].astype(np.float32)
        self.idf, self.steps_taken = tensors["idf"].astype(np.float32), int(state.meta["steps"])

    def own_costs(self) -> Mapping[str, float]:
        """Size and speed, which only the fitted model knows."""
        text = list(self.ngrams.words[:200]) or ["a"]
        times = []
        for _ in range(_LATENCY_CALLS):
            start = time.perf_counter()
            self._answers([text])
            times.append(time.perf_counter() - start)
        size = self.weight.nbytes + self.ngrams.keys.nbytes + sum(len(w) + 1 for w in self.ngrams.words)
        return {
            "parameters": int(self.weight.size + self.bias.size),
            "macs": int(self.order * len(text) * self.outputs),
            "size_bytes": int(size),
            "latency_ms": 1000 * statistics.median(times),
        }


def _gathered(loader: Loader, should_stop: Callable[[], bool]) -> tuple[list[list[str]], np.ndarray]:
    """Words and targets of all training samples; none if asked to stop."""
    texts: list[list[str]] = []
    targets = []
    for batch in loader.epoch(0):
        if should_stop():
            return [], np.empty(0)
        texts += batch.inputs
        targets.append(np.asarray(batch.target))
    return texts, np.concatenate(targets) if targets else np.empty(0)


def _columns_of(target: np.ndarray, kind: TargetKind, outputs: int) -> Iterator[np.ndarray]:
    """(N,) bool of each column: which samples it is to answer with yes."""
    for k in range(outputs):
        yield target[:, k] > 0 if kind == "multilabel" else target == k


def _log_ratio(rows: csr_matrix, positive: np.ndarray) -> np.ndarray:
    """(F,) log of an n-gram's share among the texts of a class over that among all others."""
    inside = SMOOTH + np.asarray(rows[positive].sum(0)).ravel()
    outside = SMOOTH + np.asarray(rows[~positive].sum(0)).ravel()
    return np.asarray(np.log(inside / inside.sum()) - np.log(outside / outside.sum()))


Loss = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]  # (outputs, wanted) -> values, gradient


def _logistic(outputs: np.ndarray, signs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    margin = signs * outputs
    return np.logaddexp(0, -margin), -signs * (0.5 - 0.5 * np.tanh(margin / 2))


def _squared(outputs: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    off = outputs - wanted
    return 0.5 * off * off, off


def _minimum(
    rows: csr_matrix,
    columns: csr_matrix,
    wanted: np.ndarray,
    ratio: np.ndarray,
    strength: float,
    loss: Loss,
    each: np.ndarray | None,
    should_stop: Callable[[], bool],
) -> tuple[np.ndarray, float, float] | None:
    """(weights before the ratio, bias, mean loss) that make the penalised loss least; None if asked to stop.

    Args:
        each: (N,) weight of each sample, None = all alike.
    """
    small = ratio.astype(np.float32)
    stopped = False

    def summed(weight: np.ndarray, bias: float) -> tuple[float, np.ndarray]:
        values, slope = loss(rows @ (small * weight.astype(np.float32)) + bias, wanted)
        return (float(values.sum()), slope) if each is None else (float(each @ values), each * slope)

    def value(point: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias = point[:-1], point[-1]
        total, slope = summed(weight, bias)
        gradient = ratio * (columns @ slope.astype(np.float32)) + strength * weight
        return total + 0.5 * strength * float(weight @ weight), np.append(gradient, slope.sum())

    def look(point: np.ndarray) -> None:
        nonlocal stopped
        if should_stop():
            stopped = True
            raise StopIteration

    options: dict[str, Any] = {"maxiter": STEPS, "ftol": _TOLERANCE, "gtol": 1e-3}
    found = minimize(value, np.zeros(len(ratio) + 1), jac=True, method="L-BFGS-B", callback=look, options=options)
    if stopped:
        return None
    weight, bias = found.x[:-1], float(found.x[-1])
    total, _ = summed(weight, bias)
    return weight.astype(np.float32), bias, total / len(wanted)


def _joined(words: Sequence[str]) -> bytes:
    return "\n".join(words).encode("utf-8", "surrogatepass")


def _array(value: Any) -> np.ndarray:
    return value.numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
