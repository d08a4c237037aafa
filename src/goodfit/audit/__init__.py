"""CHECKS: what is looked at before anything is trained; `run` does them all, in this order."""

from __future__ import annotations

from ..core.catalog import Catalog
from ..data.near_pairs import NONE, NearPairs
from ..data.samples import Samples
from ..data.scan import Scan
from . import balance, boxes, duplicates, files, labels, light, names, near, reliability, sources, tables, texts, worlds
from .auditing import Audit, Progress, run_checks
from .check import Check

CHECKS: Catalog[Check] = Catalog(
    "check",
    {
        check.name: check
        for room in (
            files,
            duplicates,
            near,
            light,
            texts,
            labels,
            boxes,
            balance,
            sources,
            names,
            reliability,
            worlds,
            tables,
        )
        for check in room.CHECKS
    },
)


def run(dataset: Samples, scan: Scan, copies: NearPairs = NONE, *, progress: Progress | None = None) -> Audit:
    """Audit a data set that was read, scanned and looked through for near copies; see `auditing.run_checks`."""
    return run_checks(CHECKS.values(), dataset, scan, copies, progress=progress)


__all__ = ["CHECKS", "Audit", "Check", "run"]
