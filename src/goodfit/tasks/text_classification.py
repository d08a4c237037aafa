"""Text classification, one label a text."""

from .metrics import ACCURACY, BALANCED_ACCURACY, F1_MACRO, LOG_LOSS, table
from .texts import text_task

TASK = text_task("text_classification", "class", ACCURACY, table(ACCURACY, BALANCED_ACCURACY, F1_MACRO, LOG_LOSS))
