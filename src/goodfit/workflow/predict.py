"""`predict`: label and calibrated probability of each sample in some files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import DataError
from ..core.telling import Tell, silent
from .model import Model, load, paths_of

BATCH = 64  # samples decoded at a time

Opened = tuple[dict[str, Any], Any]  # what is answered so far, and the decoded sample; None where it cannot be read


def predict(
    model: Path, inputs: Sequence[str], *, device: str = "auto", tell: Tell = silent
) -> Iterator[dict[str, Any]]:
    """One mapping a sample, in order: `input` and the answer, or `input` and `error` for a file that cannot be read.

    Args:
        model: a model folder, or a study that holds one.
        inputs: files or folders; a sample of a file that holds several is named `path:row`.
        device: as `--device`.
        tell: hears what happens.
    Raises: UsageError if the model or a path does not exist.
    """
    yield from (answer for answer, _ in predicted(model, inputs, device=device, tell=tell))


def predicted(model: Path, inputs: Sequence[str], *, device: str = "auto", tell: Tell = silent) -> Iterator[Opened]:
    """As `predict`, each answer with the decoded sample."""
    loaded = load(model, device)
    waiting: list[Opened] = []
    for opened in _opened(loaded, list(paths_of(inputs)), tell):
        waiting.append(opened)
        if len(waiting) == BATCH:
            yield from _answered(loaded, waiting)
            waiting = []
    yield from _answered(loaded, waiting)


def _opened(loaded: Model, paths: Sequence[Path], tell: Tell) -> Iterator[Opened]:
    """Every sample of every file, in order."""
    for path in paths:
        try:
            found = loaded.task.open_samples(path, loaded.schema)
        except DataError as error:
            yield {"input": str(path), "error": str(error)}, None
            continue
        for note in found.notes:
            tell("finding", finding=note)
        for name, sample in found.samples:
            yield {"input": f"{path}:{name}" if name else str(path)}, sample
        for name, fault in found.faults:
            yield {"input": f"{path}:{name}", "error": fault}, None


def _answered(loaded: Model, waiting: Sequence[Opened]) -> Iterator[Opened]:
    readable = [(row, sample) for row, sample in waiting if "error" not in row]
    for (row, _), answer in zip(readable, loaded.answers([sample for _, sample in readable]), strict=True):
        row.update(answer)
    yield from waiting
