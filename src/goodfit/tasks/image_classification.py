"""Image classification, one label a picture."""

from .images import image_task
from .metrics import ACCURACY, BALANCED_ACCURACY, F1_MACRO, LOG_LOSS, table

TASK = image_task("image_classification", "class", ACCURACY, table(ACCURACY, BALANCED_ACCURACY, F1_MACRO, LOG_LOSS))
