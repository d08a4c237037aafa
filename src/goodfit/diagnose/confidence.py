"""Overconfidence: probabilities, as the model gives them, that promise more than val delivers."""

from __future__ import annotations

import math

from ..core.finding import Finding
from ..core.target_kinds import KINDS
from ..stats.calibration import expected_calibration_error, fit_temperature, probabilities, top_label
from ..stats.intervals import known
from .evidence import Evidence, Symptom

EXCESS = 0.05  # mean confidence over accuracy; modern nets show 0.04 to 0.17, Guo 2017, table 1
SURE = 2.58  # standard errors by which it must exceed 0: one false alarm in 200 on calibrated runs at the limit
FEWEST = 50  # decisions


def look(evidence: Evidence) -> Finding | None:
    """Mean confidence exceeds accuracy by more than EXCESS and by more than chance explains."""
    if not KINDS[evidence.target_kind].has_logits or evidence.val is None:
        return None
    target, outputs = known(evidence.val)
    if target.ndim == 1 and outputs.shape[1] < 2:
        return None
    probs = probabilities(outputs, target)
    confidence, right = top_label(probs, target)
    if len(right) < FEWEST:
        return None
    excess = float((confidence - right).mean())
    error = float((confidence - right).std(ddof=1)) / math.sqrt(len(right))
    if excess < EXCESS or excess < SURE * error:
        return None
    return evidence.finding(
        "GF-F008",
        "info",
        confidence=float(confidence.mean()),
        accuracy=float(right.mean()),
        excess=excess,
        ece=expected_calibration_error(probs, target),
        temperature=fit_temperature(outputs, target),
        n=len(right),
    )


SYMPTOM = Symptom(
    name="overconfident",
    code="GF-F008",
    look=look,
    source="Guo et al. 2017, arXiv:1706.04599; limit: a calibration error of 0.05",
)
