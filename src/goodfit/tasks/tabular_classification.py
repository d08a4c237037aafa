"""Classification of rows of a table."""

from .metrics import ACCURACY, BALANCED_ACCURACY, F1_MACRO, LOG_LOSS, ROC_AUC, table
from .tables import table_task

TASK = table_task(
    "tabular_classification", "class", ACCURACY, table(ACCURACY, BALANCED_ACCURACY, F1_MACRO, LOG_LOSS, ROC_AUC)
)
