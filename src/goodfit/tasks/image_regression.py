"""Image regression: one number a picture."""

from .images import image_task
from .metrics import MAE, MSE, R2, table

TASK = image_task("image_regression", "number", MAE, table(MAE, MSE, R2))
