"""Labels that predictions contradict, the worst first, each with the label proposed instead; and how many are wrong.

The predictions come from models that did not see the sample; see `stats/label_noise` for the sources.
"""

from __future__ import annotations

import numpy as np

from ..core.errors import printable
from ..core.finding import Finding
from ..stats.label_noise import Noise, quality

SAID = 0.01  # estimated share of wrong labels from which it is a warning; ten test sets have 3.3 % (Northcutt 2021)


def wrong_labels(
    ids: np.ndarray, given: np.ndarray, probabilities: np.ndarray, classes: tuple[str, ...], noise: Noise
) -> list[Finding]:
    """What is contradicted.

    Args:
        ids: (N,) of the samples.
        given: (N,) int64 labels.
        probabilities: (N, K) of models that did not see the sample.
        classes: K names.
        noise: the estimated rate over them.
    Returns: one finding, whose samples are ranked and carry given, proposed and confidence (of the proposal, 0 to 1).
    """
    scores = quality(probabilities, given)
    order = np.argsort(scores, kind="stable")
    doubtful = order[scores[order] < 0]
    if not len(doubtful):
        return []
    proposed = probabilities[doubtful].argmax(1)
    confidence = probabilities[doubtful, proposed]
    numbers = {
        "count": len(doubtful),
        "n": len(given),
        "rate": noise.rate,
        "low": noise.low,
        "high": noise.high,
        "expected": round(noise.rate * len(given)),
        "worst": printable(ids[doubtful[0]], 120),
        "worst_given": printable(classes[given[doubtful[0]]], 60),
        "worst_proposed": printable(classes[proposed[0]], 60),
    }
    details = {
        "given": tuple(classes[k] for k in given[doubtful]),
        "proposed": tuple(classes[k] for k in proposed),
        "confidence": tuple(round(float(c), 4) for c in confidence),
    }
    return [
        Finding(
            code="GF-D080",
            severity="warning" if noise.low >= SAID else "info",
            numbers=numbers,
            ids=tuple(str(name) for name in ids[doubtful]),
            details=details,
        )
    ]
