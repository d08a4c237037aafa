"""Is there any signal: do predictions know more about the targets than shuffled targets would let them?

Source: permutation tests for classifiers, Ojala and Garriga 2010, JMLR 11.
"""

from __future__ import annotations

import numpy as np

from ..core.randomness import generator
from ..core.task import Metric


def permutation_p(
    metric: Metric, target: np.ndarray, outputs: np.ndarray, seed: int, draws: int | None = None
) -> float:
    """One-sided p-value of the metric against targets permuted over the samples; large = no signal seen.

    Args:
        metric: its direction says what "as good as" means.
        target: (N, ...).
        outputs: (N, K).
        draws: permutations; the smallest p is 1 / (draws + 1). None = 500, or 100 where a value costs a matching.
    """
    draws = draws or (500 if metric.digest is None else 100)
    sign = 1.0 if metric.higher_is_better else -1.0
    seen = sign * metric.value(target, outputs)
    random = generator(seed, len(target), 14)
    shuffled = [sign * metric.value(target[random.permutation(len(target))], outputs) for _ in range(draws)]
    return float((1 + (np.asarray(shuffled) >= seen - 1e-12).sum()) / (1 + draws))
