"""Text classification, any number of labels a text."""

from .metrics import BCE, F1_SAMPLES, MEAN_AVERAGE_PRECISION, table
from .texts import text_task

TASK = text_task("text_multilabel", "multilabel", F1_SAMPLES, table(F1_SAMPLES, MEAN_AVERAGE_PRECISION, BCE))
