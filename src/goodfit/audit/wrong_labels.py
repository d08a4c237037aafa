"""Labels that predictions contradict, the worst first, each with the label proposed instead; and how many are wrong.

The predictions come from models that did not see the sample; see `stats/label_noise` for the sources.
"""

from __future__ import annotations

import numpy as np

from ..core.errors import printable
from ..core.finding import Finding
from ..stats.label_noise import Judged

SAID = 0.01  # estimated share of wrong labels from which it is a warning; ten test sets have 3.3 % (Northcutt 2021)
TRUSTED = 0.5  # probability of the given label below which it is doubted
BEYOND_DOUBT = 0.9  # and below which it is while fewer are listed than are wrong by the count: on flowers the ranking's
# average precision over what is listed went from 0.83 to 0.86


def wrong_labels(ids: np.ndarray, given: np.ndarray, judged: Judged, classes: tuple[str, ...]) -> list[Finding]:
    """What is contradicted.

    Args:
        ids: (N,) of the samples.
        given: (N,) int64 labels.
        judged: of them.
        classes: K names.
    Returns: one finding, whose samples are ranked and carry given, proposed and confidence (of the proposal, 0 to 1);
        or that nothing can be told, where the predictions are too poor.
    """
    if judged.noise is None:
        return [Finding(code="GF-D082", severity="info", numbers={"n": len(given)})]
    trust, noise = judged.trust(given), judged.noise
    order = np.argsort(trust, kind="stable")
    likely = np.arange(len(order)) < round(noise.rate * len(given))  # as many as are wrong by the count
    doubtful = order[trust[order] < np.where(likely, BEYOND_DOUBT, TRUSTED)]
    if not len(doubtful):
        return []
    proposed, confidence = proposals(judged, given)
    proposed, confidence = proposed[doubtful], confidence[doubtful]
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


def proposals(judged: Judged, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((N,) most probable class other than the given one, (N,) its probability)."""
    others = judged.true.copy()
    others[np.arange(len(given)), given] = -1.0
    return others.argmax(1), others.max(1)
