"""Our training engine on a folder, with the parts that `fit` uses: reader, decoded cache, loader, learner, loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from goodfit.core.asking import asked_recipe
from goodfit.core.recipe import Recipe
from goodfit.core.telling import silent
from goodfit.engine import probe
from goodfit.engine.engine import Engine
from goodfit.train.learners import TorchLearner
from goodfit.train.losses import make_loss
from goodfit.workflow.prepare import Prepared, prepare


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A folder that is ready to be trained on.

    Attributes:
        recipe: resolved.
        data: audited and split.
        positions: training samples.
    """

    recipe: Recipe
    data: Prepared
    positions: np.ndarray

    def loader(self, engine: Engine) -> Any:
        """Training batches from the decoded cache."""
        return self.data.task.loader(self.data.dataset, self.positions, self.recipe, engine, True)

    def learner(self, engine: Engine, net: nn.Module | None = None) -> Any:
        """The recipe's learner, or one around a net of torchvision's that is changed by hand."""
        if net is None:
            return self.data.task.learner(self.recipe, self.data.schema, engine, self.loader(engine))
        return TorchLearner(
            net=net,
            family="bench",
            loss=make_loss(self.recipe.train),
            score=lambda outputs, target: (outputs.argmax(1) == target).float(),
            engine=engine,
            train=self.recipe.train,
            seed=0,
            size=int(self.recipe.model.size),
        )

    def chosen(self, engine: Engine, make_net: Callable[[], nn.Module] | None = None) -> Engine:
        """The engine in the form that the probe finds fastest for this net."""
        return probe.choose(self._trial(make_net), engine, key="bench", fresh=True).engine(engine)

    def images_per_second(self, engine: Engine, learner: Any, steps: int) -> float:
        """Training pictures a second over `steps` steps, all of the loop's own work counted."""
        loader = self.loader(engine)
        epochs = steps / loader.steps_per_epoch
        learner.train = learner.train.model_copy(update={"epochs": epochs})
        began = time.perf_counter()
        for _ in learner.fit(loader, dict, None, lambda: False):
            pass
        engine.synchronize()
        return float(steps * loader.batch_size / (time.perf_counter() - began))

    def turn(self, engine: Engine, learner: Any, bare: Callable[[int], float], steps: int) -> dict[str, Any]:
        """One turn of ours and of a bare loop (steps -> pictures a second), as a row keeps it."""
        ours, theirs = self.images_per_second(engine, learner, steps), bare(steps)
        return {
            "ours_img_s": round(ours, 2),
            "bare_img_s": round(theirs, 2),
            "ratio": round(ours / theirs, 4),
            "precision": engine.precision,
            "layout": engine.layout,
            "threads": engine.threads,
        }

    def _trial(self, make_net: Callable[[], nn.Module] | None) -> Callable[[Engine], Callable[[], float]]:
        import torch

        if make_net is None:
            return self.data.task.trial(self.recipe, self.data.schema, int(self.recipe.train.batch_size))

        def make_step(engine: Engine) -> Callable[[], float]:
            torch.manual_seed(0)
            learner = self.learner(engine, make_net())
            side, batch = int(self.recipe.model.size), int(self.recipe.train.batch_size)
            inputs = engine.tensor(torch.randn(batch, 3, side, side).to(engine.dtype))
            step: Callable[[], float] = learner.trial(inputs, torch.arange(batch) % len(self.data.schema.classes))
            return step

        return make_step


def bare_rate(count: int, batch: int, steps: int, take: Callable[[Any, int], None]) -> float:
    """Pictures a second of a loop that draws rows without replacement and hands them to `take` with the step's number.

    Args:
        count: rows there are.
    """
    import torch

    order, first = torch.randperm(count), 0
    began = time.perf_counter()
    for step in range(steps):
        if first + batch > count:
            order, first = torch.randperm(count), 0
        take(order[first : first + batch], step)
        first += batch
    return steps * batch / (time.perf_counter() - began)


def bench(folder: Path, pairs: Sequence[str]) -> Bench:
    """Read and decode a folder and settle a recipe for it; training positions are train, select and confirm together.

    Args:
        folder: class folders with train and test.
        pairs: key=value words.
    """
    asked = asked_recipe(str(folder), pairs)
    data = prepare(asked, silent)
    recipe, _ = data.task.settle(asked, data.schema, data.counts)
    data.task.warm(data.dataset, recipe, 0.0, lambda done, total: None)
    split = data.split
    positions = np.sort(np.concatenate([split.train, split.select, split.confirm]))
    return Bench(recipe=recipe, data=data, positions=positions)
