"""Input bottleneck: the share of time in which compute waits for the next batch."""

from __future__ import annotations

import numpy as np

from ..core.finding import Finding
from .evidence import Evidence, Symptom

SHARE = 0.30  # stalls of 10 to 70 % are common, Mohan et al. 2021; below 30 % a cure gains less than 1.4x
FEWEST_SECONDS = 5.0  # waited in total: a short run's first batches say nothing


def look(evidence: Evidence) -> Finding | None:
    """More than SHARE of the time after the first epoch was spent waiting (of all, where there is only one epoch)."""
    timed = [r.cost for r in evidence.epochs if {"seconds", "wait_share"} <= r.cost.keys()]
    timed = timed[1:] or timed
    seconds = np.array([c["seconds"] for c in timed])
    waited = float((seconds * np.array([c["wait_share"] for c in timed])).sum()) if timed else 0.0
    if waited < FEWEST_SECONDS or waited < SHARE * seconds.sum():
        return None
    return evidence.finding(
        "GF-S001",
        "warning",
        share=waited / float(seconds.sum()),
        waited=waited,
        seconds=float(seconds.sum()),
        samples_per_s=float(np.median([c.get("samples_per_s", 0.0) for c in timed])),
        loader=evidence.recipe.engine.loader,
    )


SYMPTOM = Symptom(name="input_bottleneck", code="GF-S001", look=look, source="Mohan et al. 2021, arXiv:2007.06775")
