"""`predict`: label and calibrated probability of each file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import DataError
from ..core.telling import Tell, silent
from .model import load, paths_of

BATCH = 64  # files decoded at a time


def predict(
    model: Path, inputs: Sequence[str], *, device: str = "auto", tell: Tell = silent
) -> Iterator[dict[str, Any]]:
    """One mapping a file, in order: `input` and the answer, or `input` and `error` for a file that cannot be read.

    Args:
        model: a model folder, or a study that holds one.
        inputs: files or folders.
        device: as `--device`.
        tell: hears what happens.
    Raises: UsageError if the model or a path does not exist.
    """
    loaded = load(model, device)
    paths = list(paths_of(inputs))
    for start in range(0, len(paths), BATCH):
        rows: list[dict[str, Any]] = []
        samples, owners = [], []
        for path in paths[start : start + BATCH]:
            rows.append({"input": str(path)})
            try:
                samples.append(loaded.task.open_sample(path))
                owners.append(rows[-1])
            except DataError as error:
                rows[-1]["error"] = str(error)
        for row, answer in zip(owners, loaded.predict(samples), strict=True):
            row.update(answer)
        yield from rows
