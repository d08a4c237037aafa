"""A run: the folder that holds a recipe and all that came of it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .errors import GoodfitError
from .files import append_line, read_lines, write_atomic, write_json
from .finding import Finding
from .outcome import Predictions, Result
from .recipe import Recipe
from .recipe_yaml import dump, load_file, to_yaml
from .samples import Split
from .task import Reason, Record

RUN_SCHEMA = 1


def identity(recipe: Recipe, fingerprint: str) -> str:
    """What makes two runs the same run: resolved recipe and data; 12 hex digits.

    The engine's own keys count, since they change the bits; `data.path` does not, so a moved folder is the same.
    """
    tree = recipe.model_dump(mode="json")
    tree["data"].pop("path")
    tree.pop("track")
    text = json.dumps([RUN_SCHEMA, tree, fingerprint], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=6).hexdigest()


class Run:
    """One run: recipe.yaml (asked), plan.yaml (ran), records.jsonl, predictions/, checkpoints/, model/, result.json.

    Args:
        folder: the run's folder; made if absent.
        asked: the recipe as asked.
        recipe: the resolved recipe that runs.
        reasons: why each resolved value is what it is.
    """

    def __init__(self, folder: Path, asked: Recipe, recipe: Recipe, reasons: Sequence[Reason] = ()) -> None:
        self.folder, self.asked, self.recipe = folder, asked, recipe
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "plan.yaml").exists():
            write_atomic(folder / "recipe.yaml", dump(asked))
            write_atomic(folder / "plan.yaml", plan_text(recipe, reasons))
        self.records = [record_from_json(line) for line in read_lines(self._records)]

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def _records(self) -> Path:
        return self.folder / "records.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    def append(self, record: Record) -> None:
        """Keep a record, durably."""
        append_line(self._records, json.dumps(record_to_json(record), allow_nan=False))
        self.records.append(record)

    def rewind(self, step: int) -> None:
        """Drop records after `step`, and of an end that will come again: training goes on from a checkpoint there."""
        self.records = [r for r in self.records if r.step <= step and r.kind == "epoch"]
        lines = [json.dumps(record_to_json(r), allow_nan=False) for r in self.records]
        write_atomic(self._records, "".join(line + "\n" for line in lines))

    @property
    def history(self) -> list[Record]:
        """Records of finished epochs."""
        return [r for r in self.records if r.kind == "epoch"]

    def save_split(self, split: Split) -> None:
        """Keep the positions of train, select and confirm; test stays out of the file."""
        import numpy as np

        path = self.folder / "split.npz"
        if not path.exists():
            packed = io.BytesIO()
            np.savez_compressed(
                packed, train=split.train, select=split.select, confirm=split.confirm, seed=np.array(split.seed)
            )
            write_atomic(path, packed.getvalue())

    def save_predictions(self, predictions: Predictions) -> None:
        predictions.save(self.folder / "predictions" / f"{predictions.split}.npz")

    def predictions(self, split: str) -> Predictions | None:
        """Stored predictions of a split, or None."""
        path = self.folder / "predictions" / f"{split}.npz"
        return Predictions.load(path) if path.exists() else None

    def save_findings(self, findings: Sequence[Finding]) -> None:
        write_json(self.folder / "findings.json", [f.to_json() for f in findings])

    def findings(self) -> list[Finding]:
        path = self.folder / "findings.json"
        return [Finding.from_json(t) for t in json.loads(path.read_text("utf-8"))] if path.exists() else []

    def close(self, result: Result) -> Result:
        """Write the result; the run is then finished."""
        write_atomic(self.folder / "result.json", result.to_json())
        return result

    def result(self) -> Result | None:
        """The stored result, or None while the run is unfinished."""
        path = self.folder / "result.json"
        return Result.from_json(path.read_text("utf-8")) if path.exists() else None


def open_stored(folder: Path) -> Run:
    """A run that lies on disk. Raises GoodfitError if the folder is none."""
    if not (folder / "plan.yaml").exists():
        raise GoodfitError("this folder holds no run", where=folder, do="name a folder with a plan.yaml")
    return Run(folder, load_file(folder / "recipe.yaml"), load_file(folder / "plan.yaml"))


def plan_text(recipe: Recipe, reasons: Sequence[Reason]) -> str:
    """plan.yaml: the resolved recipe and the reason of each value."""
    return to_yaml({"recipe": recipe.model_dump(mode="json"), "reasons": [asdict(r) for r in reasons]})


def record_to_json(record: Record) -> dict[str, Any]:
    """A record as JSON; a number that is not finite becomes a string, so that divergence can be read back."""
    finite = lambda v: v if not isinstance(v, float) or v - v == 0 else str(v)  # noqa: E731
    return {
        k: {n: finite(x) for n, x in v.items()} if isinstance(v, dict) else finite(v) for k, v in asdict(record).items()
    }


def record_from_json(tree: dict[str, Any]) -> Record:
    """What `record_to_json` wrote."""
    return Record(**_numbers_back(tree))


def _numbers_back(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers_back(v) for key, v in value.items()}
    return float(value) if isinstance(value, str) and value in ("nan", "inf", "-inf") else value
