"""Reading a training curve: where it stood, whether it still falls, whether it turned.

All functions take (E,) values, one an epoch, oldest first; NaN is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Values = Sequence[float] | np.ndarray


@dataclass(frozen=True, kw_only=True)
class Slope:
    """A straight line through part of a curve.

    Attributes:
        change: rise over the part looked at, in the curve's units; negative = falling.
        error: standard error of `change`; infinite where two points or fewer leave it unknown.
        points: how many were used.
    """

    change: float
    error: float
    points: int

    @property
    def is_falling(self) -> bool:
        """Whether the fall is larger than twice its error."""
        return self.change < -2 * self.error

    @property
    def is_rising(self) -> bool:
        """Whether the rise is larger than twice its error."""
        return self.change > 2 * self.error


def slope(values: Values, start: float = 2 / 3, stop: float = 1.0) -> Slope:
    """Least-squares line over the part [start, stop) of a curve, by default its last third, at least 3 points."""
    y = clean(values)
    first = max(0, min(int(start * len(y)), int(stop * len(y)) - 3))
    y = y[first : max(int(round(stop * len(y))), first + 1)]
    if len(y) < 2:
        return Slope(change=0.0, error=math.inf, points=len(y))
    x = np.linspace(0, 1, len(y))
    line = np.polynomial.polynomial.polyfit(x, y, 1)
    left = y - line[0] - line[1] * x
    spread = math.sqrt(float((left**2).sum()) / (len(y) - 2)) if len(y) > 2 else math.inf
    return Slope(change=float(line[1]), error=spread / math.sqrt(float(((x - x.mean()) ** 2).sum())), points=len(y))


def has_converged(values: Values, tolerance: float = 0.02) -> bool:
    """Whether the last third moves by less than `tolerance` of the whole range of the curve; needs 4 points."""
    y = clean(values)
    reach = float(np.ptp(y)) if len(y) else 0.0
    return len(y) >= 4 and (reach == 0 or abs(slope(y).change) <= tolerance * reach)


def level(values: Values, start: float = 2 / 3) -> float:
    """Median of the part from `start` on: where the curve stands, whatever one epoch did; NaN for an empty curve."""
    y = clean(values)
    return float(np.median(y[min(int(start * len(y)), len(y) - 1) :])) if len(y) else math.nan


def turn(values: Values) -> tuple[int, float]:
    """(position of the minimum, relative rise of the end over it); the end is the median of the last three."""
    y = clean(values)
    if not len(y):
        return 0, 0.0
    lowest = int(y.argmin())
    end = float(np.median(y[-3:])) if len(y) - 1 - lowest >= 3 else float(y[-1])
    return lowest, (end - float(y[lowest])) / abs(float(y[lowest])) if y[lowest] else 0.0


def clean(values: Values) -> np.ndarray:
    """(E',) the finite values as float64."""
    y = np.asarray(values, dtype=np.float64)
    return y[np.isfinite(y)]
