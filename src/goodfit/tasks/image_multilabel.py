"""Image classification, any number of labels a picture."""

from .images import image_task
from .metrics import BCE, F1_SAMPLES, MEAN_AVERAGE_PRECISION, table

TASK = image_task("image_multilabel", "multilabel", F1_SAMPLES, table(F1_SAMPLES, MEAN_AVERAGE_PRECISION, BCE))
