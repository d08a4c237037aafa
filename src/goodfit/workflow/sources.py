"""What an audit says of sources once all findings are known: doubtful samples a source, and train against test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..audit.check import View
from ..audit.facts import facts_of, light_features
from ..audit.origins import origins_of
from ..audit.reliability import doubtful_sources, unlike_sources
from ..audit.worlds import worlds_of
from ..core.finding import Finding
from ..stats.embedding import compact
from .prepare import Prepared


def view_of(data: Prepared) -> View:
    """The whole data set as a check sees it once all checks have passed. The scan must have been kept."""
    assert data.scan is not None
    kept = np.zeros(len(data.whole), dtype=bool)
    kept[data.audit.keep] = True
    whole = data.whole
    return View(schema=whole.schema, index=whole.index, scan=data.scan, notes=(), refused=(), kept=kept)


def source_findings(
    view: View, findings: Sequence[Finding], features: np.ndarray | None = None, at: np.ndarray | None = None
) -> tuple[list[Finding], dict[str, Any]]:
    """Sources with many doubtful samples; and what the answer and the page show of sources.

    Args:
        view: of the whole data set.
        findings: of all checks.
        features: (M, D) of a network, for the classifier between train and test; None = without one.
        at: (M,) positions that the features belong to.
    Returns: findings; sources (a row each) and worlds (None without a given test or val part).
    """
    origins = origins_of(view)
    said, rows = doubtful_sources(findings, view.index.id, origins)
    if origins:
        where = np.flatnonzero(view.kept & view.scan.ok) if at is None else at
        seen = light_features(view.scan)[where] if features is None else compact(features, ~view.test[where])
        said += unlike_sources(view, origins, seen, where, facts_of(view.scan).take(where))
    worlds = worlds_of(view, features, at)
    return said, {"sources": rows, "worlds": None if worlds is None else worlds.to_json()}
