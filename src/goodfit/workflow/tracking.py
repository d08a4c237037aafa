"""Copy a run's records to TensorBoard or MLflow, where the recipe switches them on; both are off by default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.errors import MissingExtra
from ..core.run import Run
from ..core.task import Record

Sink = Callable[[Record], None]


def trackers(run: Run) -> list[Sink]:
    """A function for each tracker that is on; each takes the epoch records of this run.

    Raises: MissingExtra if a tracker's library is not installed.
    """
    found: list[Sink] = []
    if run.recipe.track.tensorboard:
        found.append(_tensorboard(run))
    if run.recipe.track.mlflow:
        found.append(_mlflow(run))
    return found


def figures(record: Record) -> dict[str, float]:
    """Flat names and finite values, as trackers take them."""
    named = {f"{part}/{k}": v for part in ("train", "select", "cost") for k, v in getattr(record, part).items()}
    return {k: float(v) for k, v in {**named, "lr": record.lr}.items() if v - v == 0}


def _tensorboard(run: Run) -> Sink:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise _missing("tensorboard") from None
    writer: Any = SummaryWriter(str(run.folder / "tensorboard"))

    def write(record: Record) -> None:
        for name, value in figures(record).items():
            writer.add_scalar(name, value, record.step)
        writer.flush()

    return write


def _mlflow(run: Run) -> Sink:
    try:
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise _missing("mlflow") from None
    client: Any = MlflowClient()
    experiment = client.get_experiment_by_name("goodfit")
    number = experiment.experiment_id if experiment else client.create_experiment("goodfit")
    mine = client.create_run(number, run_name=run.id, tags={"goodfit.run": run.id})

    def write(record: Record) -> None:
        for name, value in figures(record).items():
            client.log_metric(mine.info.run_id, name.replace("/", "."), value, step=record.step)

    return write


def _missing(library: str) -> MissingExtra:
    return MissingExtra(
        f"{library} is not installed", do="pip install 'goodfit[track]', or switch it off", where=f"track.{library}"
    )
