"""What all picture tasks share: ladder, answers, how a sample looks; one task adds its metric and kind of target."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..augment.options import ImageAugment
from ..core.recipe import Recipe
from ..core.samples import Schema, TargetKind
from ..core.task import Metric, Opened, Rung, Task
from ..data.images import open_image
from ..models.small import SMALL
from ..stats.calibration import fit_temperature
from .answers import answer, probs
from .drawn import drawn, pixels
from .image_learner import cost, embed, learner, memory, rebuild, trial
from .image_loaders import loader, remember, warm
from .image_plan import Counts, grow, is_pretrained, is_thumbnail, probe_samples, settle_images, suited
from .planned import quickened
from .rebalancing import leading

# The small net of the ladder's middle; 8 passes bring it to 70 % on 6,700 pictures of CIFAR-10 of which 20 % bear wrong
# labels, and smoothing would blunt what its probabilities say of them.
QUICK = {"model.name": "small_s", "train.epochs": 8.0, "train.label_smoothing": 0.0}


def image_task(name: str, kind: TargetKind, metric: Metric, metrics: Mapping[str, Metric]) -> Task:
    """A picture task.

    Args:
        name: name in TASKS.
        kind: what the target is.
        metric: leading metric.
        metrics: all of them.
    """
    return Task(
        name=name,
        metric=metric.name,
        metrics=metrics,
        augment_options=ImageAugment,
        settle=settle_images,
        ladder=ladder,
        warm=warm,
        loader=loader,
        learner=partial(learner, metric),
        trial=partial(trial, metric),
        probe_samples=probe_samples,
        rebuild=partial(rebuild, metric),
        probs=partial(probs, kind),
        answer=partial(answer, kind),
        open_samples=open_samples,
        show=show,
        remember=remember,
        drawn=drawn,
        seen=pixels,
        embed=embed,
        quick=partial(quickened, QUICK) if kind == "class" else None,
        suited=suited,
        grow=grow,
        cost=partial(cost, metric),
        memory=partial(memory, metric),
        leading=partial(leading, metric.name) if kind == "class" else None,
        temperature=fit_temperature if kind != "number" else None,
    )


def ladder(recipe: Recipe, schema: Schema, counts: Counts) -> tuple[Rung, ...]:
    """Rungs from small to large; with pretrained weights first the head alone, then the whole net."""
    if is_pretrained(recipe):
        whole = {"train.freeze": 0.3, "train.backbone_lr": 0.1}
        head = {"train.freeze": 0.999, "train.epochs": 12.0, "train.lr": 3e-3, "train.label_smoothing": 0.05}
        return (
            _rung("head", "pretrained", head, "rung.head"),
            _rung("whole", "pretrained", whole, "rung.whole"),
        )
    if recipe.model.name != "auto":
        return (_rung(recipe.model.name, "named", {}, "rung.named"),)
    names = tuple(SMALL) if is_thumbnail(schema) else tuple(SMALL)[1:]
    if counts["train"] < 2000:
        names = names[:3]  # a small data set starts with a light model, and cannot feed a wide one
    return tuple(_rung(n, "resnet", {"model.name": n}, "rung.small") for n in names)


def _rung(name: str, family: str, changes: Mapping[str, Any], why: str) -> Rung:
    return Rung(name=name, family=family, apply=partial(_change, changes), why=why)


def _change(changes: Mapping[str, Any], recipe: Recipe) -> Recipe:
    for key, value in changes.items():
        if key == "model.name" or recipe.get(key) == "auto":
            recipe = recipe.with_(key, value)
    return recipe


def open_samples(path: Path, schema: Schema) -> Opened:
    """A file is one picture. Raises: BadImage (a DataError) naming it."""
    return Opened(samples=(("", open_image(path)),))


def show(sample: np.ndarray, side: int = 96) -> dict[str, str]:
    """A sample as the report shows it: a small PNG, base64."""
    from PIL import Image

    image = Image.fromarray(sample)
    image.thumbnail((side, side))
    if max(image.size) < 32:
        image = image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return {"png": base64.b64encode(file.getvalue()).decode("ascii")}
