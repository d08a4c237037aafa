"""Regression on rows of a table: one number a row."""

from .metrics import MAE, PINBALL_10, PINBALL_50, PINBALL_90, R2, RMSE, table
from .tables import table_task

TASK = table_task("tabular_regression", "number", RMSE, table(RMSE, MAE, R2, PINBALL_10, PINBALL_50, PINBALL_90))
