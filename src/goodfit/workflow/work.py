"""What a run is given: data, engine and clock; which samples it fits on and where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.task import State
from ..core.telling import Tell
from ..engine.engine import Engine
from .clock import Clock
from .prepare import Prepared

LOOK = 2000  # training samples that are predicted without augmentation, to measure the gap


def looked_at(samples: int) -> int:
    """How many of so many training samples are predicted without augmentation once training has ended."""
    return min(LOOK, samples)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a run needs besides its recipe.

    Attributes:
        data: the samples.
        engine: where to compute, precision and layout settled.
        clock: the study's.
        tell: hears what happens.
        deadline: clock seconds at which training must have ended; infinite = none.
    """

    data: Prepared
    engine: Engine
    clock: Clock
    tell: Tell
    deadline: float = float("inf")


@dataclass(frozen=True, kw_only=True)
class Goal:
    """Which samples a run fits on, and where it ends.

    Attributes:
        positions: training samples.
        refit: trained on train + val: nothing is left to select on, all planned steps are taken.
        stop_at: step after which training ends; None = as the recipe plans.
        start: weights to go on from; None = fresh ones.
    """

    positions: np.ndarray
    refit: bool = False
    stop_at: int | None = None
    start: State | None = None
