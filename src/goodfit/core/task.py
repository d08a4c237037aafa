"""Two seams: a Task is a record of functions for one kind of problem; a Learner is whatever fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .finding import Finding
from .recipe import DataSection, Recipe, Section
from .samples import Dataset, Schema


@dataclass(frozen=True, kw_only=True)
class Record:
    """What training said of itself, at an epoch's end or between; bit-identical after a resume, except `cost`.

    Attributes:
        kind: epoch (a whole pass), interval (time for a checkpoint), stopped (asked to stop; not a milestone).
        step: optimiser steps taken so far.
        steps: optimiser steps planned.
        epoch: whole epochs finished.
        train: means since the last epoch began: loss, score (leading metric on the augmented batches, where it is a
            mean over samples), grad_norm, update_ratio (update norm over weight norm).
        select: measured on the select split at an epoch's end: loss and the task's metrics; empty between.
        lr: rate of the last step.
        size: input side of the last step, 0 where it has no meaning.
        cost: all that depends on clock or machine: seconds, samples_per_s, wait_share, rss_mb.
    """

    kind: str
    step: int
    steps: int
    epoch: int
    train: Mapping[str, float]
    select: Mapping[str, float]
    lr: float
    size: int = 0
    cost: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class State:
    """Everything needed to go on, or to predict, as arrays and JSON: no code, no pickle.

    Attributes:
        tensors: name -> torch tensor or numpy array.
        meta: JSON values.
    """

    tensors: Mapping[str, Any]
    meta: Mapping[str, Any]


class Loader(Protocol):
    """Batches of some samples, in an order that depends on (seed, epoch) alone.

    A training loader shuffles, augments and drops the last short batch; a plain one keeps order and all samples.

    Attributes:
        batch_size: samples of a batch.
        steps_per_epoch: batches of a pass.
        parts: batches that make up one batch of the recipe and one step, where those are cut; else 1.
    """

    batch_size: int
    steps_per_epoch: int
    parts: int

    @property
    def failed(self) -> Mapping[int, str]:
        """Position in the data set -> what was wrong, of samples that could not be read when their turn came."""
        ...

    @property
    def positions(self) -> np.ndarray:
        """(N,) positions in the data set that a plain pass yields, in its order; after a pass those that it yielded."""
        ...

    def __len__(self) -> int:
        """Samples in one pass."""
        ...

    def epoch(self, number: int, start: int = 0, size: int = 0) -> Iterator[Batch]:
        """Batches of epoch `number` from batch `start` on, inputs of side `size` (0 = the planned one)."""
        ...


@dataclass(kw_only=True)
class Batch:
    """One batch, on the device, ready for the network.

    Attributes:
        inputs: what the network takes: a tensor, or a mapping of tensors.
        target: tensor as the loss takes it.
        positions: (B,) int64 numpy array, positions in the data set.
        weight: (B,) tensor of sample weights, or None.
    """

    inputs: Any
    target: Any
    positions: np.ndarray
    weight: Any = None


class Learner(Protocol):
    """What fits: the torch loop is one, linear models and boosters are others. Nobody above asks which."""

    family: str

    @property
    def steps_taken(self) -> int:
        """Optimiser steps so far."""
        ...

    def fit(
        self,
        loader: Loader,
        evaluate: Callable[[], Mapping[str, float]],
        resume: State | None,
        should_stop: Callable[[], bool],
    ) -> Iterator[Record]:
        """Train, yielding a Record at each epoch's end and at each checkpoint interval.

        Args:
            loader: training batches.
            evaluate: measures the learner as it is now on the select split; called at each epoch's end.
            resume: the state to go on from, or None.
            should_stop: looked at every step; when true a Record of kind `stopped` is yielded and training ends.
        """
        ...

    def predict(self, loader: Loader, plain: bool = False) -> np.ndarray:
        """(N, K) float32 outputs in the loader's order, by the weights that count (the average where there is one).

        Args:
            loader: samples without augmentation.
            plain: each sample once, as it is, even if the model answers by several views of it.
        """
        ...

    def state(self) -> State:
        """A snapshot from which `fit` goes on bit for bit."""
        ...

    def weights(self) -> State:
        """The model alone, as it should be used: what a model folder holds."""
        ...

    def load_weights(self, state: State) -> None:
        """Take over what `weights` gave."""
        ...

    def own_costs(self) -> Mapping[str, float]:
        """Costs that only the fitted model knows, under the names of `Task.cost`, which they replace."""
        ...


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure of merit over (target, outputs).

    Attributes:
        name: the field's name.
        value: (target (N, ...), outputs (N, K)) -> float.
        higher_is_better: direction.
        per_sample: same arguments -> (N,) floats whose mean is the metric, or None where there are none (F1).
        is_share: a fraction in [0, 1], shown as per cent.
        digest: (target, outputs) -> what the metric needs of each sample, where matching answers with targets costs far
            more than the sums behind it; None where `value` is quick.
        of_digest: (digest, (N,) how often each sample counts) -> float; with counts of 1 it equals `value`.
        wrongness: (target, outputs) -> (N,) how wrong each sample is, for showing the worst; None = per_sample's.
    """

    name: str
    value: Callable[[np.ndarray, np.ndarray], float]
    higher_is_better: bool = True
    per_sample: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    is_share: bool = True
    digest: Callable[[np.ndarray, np.ndarray], Any] | None = None
    of_digest: Callable[[Any, np.ndarray], float] | None = None
    wrongness: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None

    def resampled(self, target: np.ndarray, outputs: np.ndarray) -> Callable[[np.ndarray], float]:
        """(N drawn rows) -> the metric on those samples; what can be done once for all draws is done here."""
        if self.digest is None or self.of_digest is None:
            return lambda rows: self.value(target[rows], outputs[rows])
        digest, of_digest, n = self.digest(target, outputs), self.of_digest, len(target)
        return lambda rows: of_digest(digest, np.bincount(rows, minlength=n))


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One step of a ladder: a function from recipe to recipe, cheap rungs first.

    Attributes:
        name: model name as `model.name` takes it.
        family: family of the architecture.
        apply: recipe -> recipe with this rung's model and its own defaults.
        why: message key of the sentence that says what it is for.
        work: of training on one sample, in any unit that all rungs of the ladder share; a rung far beyond the budget
            is then left without the probe that would show it, which for such a one takes minutes. 0 = not known.
    """

    name: str
    family: str
    apply: Callable[[Recipe], Recipe]
    why: str
    work: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why the plan gave a key its value; words under `plan.<why>`."""

    key: str
    value: Any
    why: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What one file holds for `predict`.

    Attributes:
        samples: (name inside the file, decoded sample) pairs, in order; "" names a sample that is the whole file.
        notes: findings made on the way (columns that were not used, rows that were skipped).
        faults: (name inside the file, what is wrong) of samples that cannot be answered.
    """

    samples: Sequence[tuple[str, Any]]
    notes: tuple[Finding, ...] = ()
    faults: Sequence[tuple[str, str]] = ()


class Engine(Protocol):
    """Where computation happens; made by engine/engine, seen above as this."""

    device: str
    precision: str
    layout: str
    threads: int

    def describe(self) -> Mapping[str, Any]: ...


Error = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One kind of problem as a record of functions; no branch on a task's name stands outside its own file.

    Attributes:
        name: name in TASKS.
        metric: leading metric.
        metrics: all metrics, by name.
        augment_options: typed model of the keys under `augment.`.
        settle: (recipe, schema, counts) -> (recipe, reasons): each `auto` that only the task can resolve.
            counts: split name -> samples.
        ladder: (recipe, schema, counts) -> rungs, cheapest first; the recipe's own choice alone where it names one.
        warm: (dataset, recipe, predicted seconds of training on one sample, progress(done, total)) -> findings: what is
            worth doing once before loaders are made.
        loader: (dataset, positions, recipe, engine, training) -> Loader.
        learner: (recipe, schema, engine, examples) -> Learner; examples is a plain Loader over training samples for
            data-dependent starts (whitening), never test; None where stored weights follow.
        trial: (recipe, schema, samples) -> (engine -> function that takes one training step on made-up samples and
            returns the loss), for the probe of speed and precision.
        probe_samples: resolved recipe -> samples of a probed step at most, so that one takes about a second.
        rebuild: (model.json tree, engine) -> (Learner without weights loaded, Recipe, Schema).
        probs: (outputs, temperature) -> (N, K) probabilities, or (N, 1) numbers.
        answer: (one row of probs, classes) -> JSON object for `predict`: label and probability, or value.
        open_samples: (path, schema of the model) -> what the file holds, for predict: one picture, many rows.
        show: decoded sample -> {"png": base64} or {"text": ...}, for the report.
        show_answer: (decoded sample, its target or None, the outputs for it or None) -> as `show`, with both drawn in;
            None where they are said in words.
        drawn: (dataset, positions, recipe, engine, view=name of an exact view, draw=number) -> a plain Loader, in order
            and with all samples, whose samples are as chance or the view makes them: what a model is asked about an
            operation; None where nothing is drawn.
        seen: (inputs of a batch of `drawn`, recipe, dataset) -> decoded samples, as `show` takes them.
        suited: (resolved recipe, epochs) -> changes under `augment.` that a training of that length takes, {} for none;
            None where length does not matter.
        reads_text: whether a string that names no file is itself a sample.
        remember: (recipe, schema) -> facts that a stored model needs to prepare inputs alike, without data or weights.
        grow: resolved recipe -> `train.sizes` that begin with smaller inputs, () where that makes no sense; None where
            inputs have no size.
        leading: (recipe, schema) -> name of the leading metric where the recipe names none and its loss or the data
            decide; None = `metric`.
        stops_by: recipe -> name of the metric by which the best epoch is known, where the leading one is too coarse for
            that; None = the leading one.
        bears: (recipe, name of a remedy) -> whether it means anything to the model of this recipe; None = all do.
        embed: (resolved recipe, schema, engine, loader without augmentation, progress(done, total)) -> (N, D) float32,
            what the head of the recipe's pretrained network sees of each sample; None where there is no such network.
        quick: recipe as asked -> recipe of a small model that learns in seconds to minutes, for questions that want
            several of them, such as which labels are wrong; None where there is none.
        val_share: training-side samples -> share of them for val where the recipe names none; None = by volume alone.
        asked_of: (data section, schema of a model) -> section by which data are read for that model; None = as asked.
        cost: (recipe, schema, engine) -> mapping with parameters, macs, latency_ms, memory_mb, size_bytes.
        memory: (recipe, schema, engine) -> (samples a step -> predicted training memory in MB).
        temperature: (outputs, target) -> fitted temperature; None where calibration has no meaning.
        importance: fitted learner -> named input -> share of what the answers rest on, {} where the model does not say;
            None where inputs have no names.
        decisions: (target, probs) -> (probs, target) that calibration is judged on, where a sample holds several
            answers; None = those of the samples.
    """

    name: str
    metric: str
    metrics: Mapping[str, Metric]
    augment_options: type[Section]
    settle: Callable[[Recipe, Schema, Mapping[str, int]], tuple[Recipe, tuple[Reason, ...]]]
    ladder: Callable[[Recipe, Schema, Mapping[str, int]], tuple[Rung, ...]]
    warm: Callable[[Dataset, Recipe, float, Callable[[int, int], None]], list[Finding]]
    loader: Callable[[Dataset, np.ndarray, Recipe, Any, bool], Loader]
    learner: Callable[[Recipe, Schema, Any, Loader | None], Learner]
    trial: Callable[[Recipe, Schema, int], Callable[[Any], Callable[[], float]]]
    probe_samples: Callable[[Recipe], int]
    rebuild: Callable[[Mapping[str, Any], Any], tuple[Learner, Recipe, Schema]]
    probs: Callable[[np.ndarray, float], np.ndarray]
    answer: Callable[[np.ndarray, tuple[str, ...]], dict[str, Any]]
    open_samples: Callable[[Path, Schema], Opened]
    show: Callable[[Any], dict[str, str]]
    remember: Callable[[Recipe, Schema], dict[str, Any]]
    cost: Callable[[Recipe, Schema, Any], Mapping[str, float]]
    memory: Callable[[Recipe, Schema, Any], Callable[[int], float]]
    show_answer: Callable[[Any, np.ndarray | None, np.ndarray | None], dict[str, str]] | None = None
    drawn: Callable[..., Loader] | None = None
    seen: Callable[[Any, Recipe, Dataset], np.ndarray] | None = None
    suited: Callable[[Recipe, float], dict[str, Any]] | None = None
    reads_text: bool = False
    grow: Callable[[Recipe], tuple[tuple[float, int], ...]] | None = None
    leading: Callable[[Recipe, Schema], str] | None = None
    stops_by: Callable[[Recipe], str] | None = None
    bears: Callable[[Recipe, str], bool] | None = None
    embed: Callable[[Recipe, Schema, Any, Loader, Callable[[int, int], None]], np.ndarray] | None = None
    quick: Callable[[Recipe], Recipe] | None = None
    val_share: Callable[[int], float] | None = None
    asked_of: Callable[[DataSection, Schema], DataSection] | None = None
    temperature: Callable[[np.ndarray, np.ndarray], float] | None = None
    importance: Callable[[Learner], Mapping[str, float]] | None = None
    decisions: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None

    def calibration_error(self, outputs: np.ndarray, target: np.ndarray, temperature: float, error: Error) -> float:
        """The gap between confidence and accuracy at a temperature.

        Args:
            outputs: of the learner.
            target: of the same samples.
            temperature: of the probabilities.
            error: (probs, target) -> the gap, as stats/calibration gives it.
        """
        probs = self.probs(outputs, temperature)
        return float(error(*(self.decisions(target, probs) if self.decisions else (probs, target))))
