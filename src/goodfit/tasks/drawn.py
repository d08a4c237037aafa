"""Samples in their own order, each as chance or an exact view makes it: what a model is asked about an operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..augment.images import ImagePreparer, Moment
from ..augment.scene_views import VIEWS
from ..core.recipe import Recipe
from ..core.samples import Dataset
from ..core.task import Loader
from ..engine.engine import Engine
from . import picture_batches
from .image_loaders import preparer, preprocess


def drawn(
    dataset: Dataset, positions: np.ndarray, recipe: Recipe, engine: Engine, *, view: str = "", draw: int = 0
) -> Loader:
    """A plain loader, in order and with all samples, whose pictures are augmented; see `Task.drawn`.

    Args:
        dataset: the samples.
        positions: (N,) of those to serve.
        recipe: resolved; its keys under `augment.` say what chance does; mixing is left out, since it needs partners.
        engine: where to compute.
        view: name of an exact view, in place of what chance does.
        draw: number of the draw; others give other pictures.
    """
    unmixed = recipe.model_copy(update={"augment": {**recipe.augment, "mixup": 0.0, "cutmix": 0.0}})
    seen = _Seen(prepare=preparer(unmixed, dataset, engine), view=view, draw=draw)
    side = preprocess(recipe, dataset.schema).short_side
    return picture_batches.batches(dataset, positions, recipe, engine, False, side, seen)


def pixels(inputs: torch.Tensor, recipe: Recipe, dataset: Dataset) -> np.ndarray:
    """(B, H, W, 3) uint8 of a batch's inputs, as a person sees them."""
    plain = preprocess(recipe, dataset.schema)
    mean, std = (torch.tensor(row).view(1, 3, 1, 1) for row in (plain.mean, plain.std))
    shown = ((inputs.float().cpu() * std + mean) * 255).round().clamp(0, 255)
    return np.ascontiguousarray(shown.permute(0, 2, 3, 1).numpy().astype(np.uint8))


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A preparer that augments although nothing is trained, or shows an exact view.

    Attributes:
        prepare: of the recipe.
        view: name of an exact view, "" for what chance does.
        draw: number of the draw.
    """

    prepare: ImagePreparer
    view: str
    draw: int

    def __call__(self, images: Any, target: np.ndarray, moment: Moment) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.view:
            return self.prepare(images, target, replace(moment, training=True, epoch=self.draw))  # type: ignore[type-var]
        see = VIEWS[self.view]
        views = [see(np.asarray(image)) for image in _each(images)]
        same = all(view.shape == views[0].shape for view in views)
        return self.prepare(np.stack(views) if same else views, target, moment)


def _each(images: Any) -> Sequence[Any]:
    return list(images.cpu().numpy() if isinstance(images, torch.Tensor) else images)
