"""A stored model, ready to use: learner, recipe, schema, task and temperature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import UsageError
from ..core.recipe import EngineSection, Recipe
from ..core.samples import Index, Schema
from ..core.target_kinds import KINDS
from ..core.task import Learner, Task
from ..engine.engine import Engine
from ..engine.modelfolder import read_model
from ..tasks import TASKS


@dataclass(frozen=True, kw_only=True)
class Model:
    """What `goodfit.load` gives back.

    Attributes:
        folder: where it lies.
        learner: with its weights.
        recipe: it was trained by.
        schema: of the data that it was trained on.
        task: what it does.
        temperature: divides the logits before probabilities are made.
        engine: where it computes.
    """

    folder: Path
    learner: Learner
    recipe: Recipe
    schema: Schema
    task: Task
    temperature: float
    engine: Engine

    def predict(
        self,
        inputs: str | Path | Mapping[str, Any] | np.ndarray | Sequence[str | Path | Mapping[str, Any] | np.ndarray],
    ) -> list[dict[str, Any]]:
        """Answers for files or decoded samples.

        Args:
            inputs: one or several paths, or decoded samples (image: (H, W, 3) uint8; text: str; row: column -> value).
        Returns: one mapping a sample: label and probability, or value; a file may hold several samples.
        Raises: DataError naming the file that cannot be read.
        """
        lone = isinstance(inputs, str | Path | Mapping) or (isinstance(inputs, np.ndarray) and inputs.ndim == 3)
        samples: Sequence[Any] = [inputs] if lone else inputs  # type: ignore[assignment]
        return self.answers([found for s in samples for found in self._open(s)])

    def answers(self, samples: Sequence[Any]) -> list[dict[str, Any]]:
        """Answers for decoded samples: one mapping each."""
        return [self._answer(row) for row in self.probs(samples)]

    def _open(self, sample: Any) -> list[Any]:
        if not isinstance(sample, str | Path) or (self.task.reads_text and not Path(sample).exists()):
            return [sample]
        return [found for _, found in self.task.open_samples(Path(sample), self.schema).samples]

    def _answer(self, row: np.ndarray) -> dict[str, Any]:
        return self.task.answer(row, self.schema.classes)

    def probs(self, samples: Sequence[Any]) -> np.ndarray:
        """(N, K) calibrated probabilities of decoded samples, or (N, 1) numbers."""
        if not len(samples):
            return np.zeros((0, max(1, len(self.schema.classes))))
        loose = Loose(samples, self.schema)
        recipe = self.recipe.with_("engine.loader", "stream").with_("engine.workers", 0)
        loader = self.task.loader(loose, np.arange(len(samples)), recipe, self.engine, False)
        return self.task.probs(self.learner.predict(loader), self.temperature)


class Loose:
    """Decoded samples as a data set, for prediction.

    Args:
        samples: N decoded samples.
        schema: of the model.
    """

    def __init__(self, samples: Sequence[Any], schema: Schema) -> None:
        self.samples, self.schema = list(samples), schema
        n = len(self.samples)
        target = KINDS[schema.target_kind].empty(n, len(schema.classes))
        names = np.array([str(i) for i in range(n)], dtype=object)
        empty = np.array([""] * n, dtype=object)
        self.index = Index(id=names, where=empty, target=target, part=empty)
        self.fingerprint = f"loose {id(self)}"

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, i: int) -> Any:
        return self.samples[i]

    def with_target(self, target: np.ndarray) -> Loose:
        """The same samples: nothing is learnt from them."""
        return self

    def take(self, positions: np.ndarray) -> Loose:
        """The samples at `positions`."""
        return Loose([self.samples[int(i)] for i in positions], self.schema)


def load(path: str | Path, device: str = "auto") -> Model:
    """A stored model.

    Args:
        path: a model folder, or a study or run that holds one.
        device: as `--device`.
    Raises: UsageError if none lies there; CheckpointError if it is damaged.
    """
    folder = _folder(Path(path))
    state, tree = read_model(folder)
    if tree.get("task") not in TASKS:
        raise UsageError(
            "this model is of a task that is not known here",
            got=tree.get("task"),
            allowed=", ".join(TASKS),
            do="use the version of goodfit that made it",
            where=folder,
        )
    task = TASKS[tree["task"]]
    stored = tree["recipe"]["engine"]
    form = {"precision": stored["precision"], "layout": stored["layout"]} if device == "auto" else {}
    engine = Engine.start(EngineSection(device=device, **_able(form)))
    learner, recipe, schema = task.rebuild(tree, engine)
    learner.load_weights(state)
    return Model(
        folder=folder,
        learner=learner,
        recipe=recipe,
        schema=schema,
        task=task,
        temperature=tree["temperature"],
        engine=engine,
    )


def _able(form: dict[str, str]) -> dict[str, Any]:
    """The stored precision only where this machine has it natively; fp32 is always right."""
    from ..engine.hardware import has_fast_bf16

    return form if form.get("precision") != "bf16" or has_fast_bf16() else {}


def _folder(path: Path) -> Path:
    for folder in (path, path / "model"):
        if (folder / "model.json").exists():
            return folder
    raise UsageError(
        "no model lies here",
        where=path,
        allowed="a folder with model.json and model.safetensors",
        do="name the `model` folder of a study",
    )


def paths_of(inputs: Sequence[str]) -> Iterator[Path]:
    """Files named, and files inside folders named, in order.

    Raises: UsageError for a path that does not exist.
    """
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        elif path.exists():
            yield path
        else:
            raise UsageError("no such file", where=name, do="check the path")
