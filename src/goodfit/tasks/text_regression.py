"""A number for a text."""

from .metrics import MAE, MSE, R2, table
from .texts import text_task

TASK = text_task("text_regression", "number", MAE, table(MAE, MSE, R2))
