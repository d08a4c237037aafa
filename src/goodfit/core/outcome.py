"""What came of a run: predictions, scores with intervals, costs, and the result that binds them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .errors import DataError
from .files import write_atomic


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Outputs of one run on one split, the currency of every judgement.

    Attributes:
        ids: (N,) str.
        target: (N,) int64 class index, (N, K) uint8 multilabel, (N,) float64, or (N, M, 6) float32 boxes.
        outputs: (N, K) float32 logits, (N, 1) float32 for a number, or (N, D, 6) float32 boxes found: class, score in
            [0, 1], x1, y1, x2, y2 in pixels of the upright picture, the surest first, padded with class -1.
        split: train, select, confirm, val or test.
        run_id: the run that made them.
        table: per-sample sufficient statistics, name -> (N, ...) array, for tasks whose metric is not made
            from target and outputs alone (detection); empty otherwise.
    """

    ids: np.ndarray
    target: np.ndarray
    outputs: np.ndarray
    split: str
    run_id: str
    table: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.target) == len(self.outputs):
            raise DataError(
                "predictions disagree on the number of samples",
                got=f"ids {len(self.ids)}, target {len(self.target)}, outputs {len(self.outputs)}",
                do="report this",
            )

    def __len__(self) -> int:
        return len(self.ids)

    def save(self, path: Path) -> None:
        """Write an .npz that loads with allow_pickle=False."""
        arrays: dict[str, Any] = {
            "ids": np.asarray(self.ids, dtype=np.str_),
            "target": self.target,
            "outputs": self.outputs,
            "split": np.array(self.split),
            "run_id": np.array(self.run_id),
            **{f"table_{name}": column for name, column in self.table.items()},
        }
        packed = io.BytesIO()
        np.savez_compressed(packed, **arrays)
        write_atomic(path, packed.getvalue())

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what `save` wrote."""
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as z:  # numpy leaks the file of a cut archive
            return cls(
                ids=z["ids"],
                target=z["target"],
                outputs=z["outputs"],
                split=str(z["split"]),
                run_id=str(z["run_id"]),
                table={k[6:]: z[k] for k in z.files if k.startswith("table_")},
            )


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric with its interval and its n; shares are fractions in [0, 1].

    Attributes:
        metric: its name.
        value: the point estimate.
        low: lower end of the 95 % interval; NaN where none can be given.
        high: upper end.
        n: samples it rests on.
        higher_is_better: direction.
    """

    metric: str
    value: float
    low: float
    high: float
    n: int
    higher_is_better: bool = True

    def better_than(self, other: Score | None) -> bool:
        """Whether the point estimate is strictly better; anything finite beats None and NaN."""
        if other is None or np.isnan(other.value):
            return not np.isnan(self.value)
        return self.value > other.value if self.higher_is_better else self.value < other.value

    def as_json(self) -> dict[str, Any]:
        """{value, low, high, n} as `--json` prints it; NaN becomes null."""
        number = lambda x: None if np.isnan(x) else float(x)  # noqa: E731
        return {"value": number(self.value), "low": number(self.low), "high": number(self.high), "n": self.n}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a model costs on this machine.

    Attributes:
        seconds: training wall clock.
        parameters: count.
        macs: multiply-accumulates of one forward pass of one sample.
        size_bytes: the model file.
        latency_ms: one sample, batch of one, median.
        memory_mb: peak while training, predicted or measured.
    """

    seconds: float = float("nan")
    parameters: int = 0
    macs: int = 0
    size_bytes: int = 0
    latency_ms: float = float("nan")
    memory_mb: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What `result.json` of a run holds.

    Attributes:
        run_id: the run.
        task: its task.
        family: family of the architecture (resnet, vgg, vit, linear, ...).
        primary: name of the leading metric.
        scores: split -> metric -> Score; splits are train, select, confirm, val, test.
        cost: of the chosen model.
        steps: optimiser steps of the best weights.
        refit: whether the stored model was refitted on train + val.
        stopped: why training ended: done, patience, deadline, diverged.
    """

    run_id: str
    task: str
    family: str
    primary: str
    scores: Mapping[str, Mapping[str, Score]]
    cost: Cost
    steps: int
    refit: bool = False
    stopped: str = "done"

    def score(self, split: str) -> Score | None:
        """The leading metric on a split, or None."""
        return self.scores.get(split, {}).get(self.primary)

    def to_json(self) -> str:
        """JSON text; NaN is written as null."""
        return json.dumps(_plain(asdict(self)), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read what `to_json` wrote."""
        tree = json.loads(text)
        tree["scores"] = {s: {m: Score(**_with_nan(v)) for m, v in ms.items()} for s, ms in tree["scores"].items()}
        tree["cost"] = Cost(**_with_nan(tree["cost"]))
        return cls(**tree)


def _with_nan(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: float("nan") if value is None else value for key, value in tree.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and value != value else value
