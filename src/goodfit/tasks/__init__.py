"""The kinds of problem that goodfit solves, one file each."""

from ..core.catalog import Catalog
from ..core.task import Task
from . import (
    detection,
    image_classification,
    image_multilabel,
    image_regression,
    tabular_classification,
    tabular_regression,
    text_classification,
    text_multilabel,
    text_regression,
)

TASKS: Catalog[Task] = Catalog(
    "task",
    {
        "image_classification": image_classification.TASK,
        "image_multilabel": image_multilabel.TASK,
        "image_regression": image_regression.TASK,
        "tabular_classification": tabular_classification.TASK,
        "tabular_regression": tabular_regression.TASK,
        "detection": detection.TASK,
        "text_classification": text_classification.TASK,
        "text_multilabel": text_multilabel.TASK,
        "text_regression": text_regression.TASK,
    },
)

__all__ = ["TASKS"]
