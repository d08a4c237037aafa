"""What an audit says of coverage: in the space of a pretrained network where one is named, else of what is measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..audit import coverage
from ..audit.check import View
from ..audit.facts import facts_of, light_features
from ..audit.origins import origins_of
from ..core.finding import Finding
from ..core.target_kinds import KINDS

LEAST = 40  # samples to train on below which nothing is said


def coverage_findings(
    view: View, features: np.ndarray | None = None, at: np.ndarray | None = None
) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Regions and conditions that train lacks, samples that others stand for, what to label next; diversity by class.

    Args:
        view: of the whole data set.
        features: (M, D) of a network; None = what is known without one.
        at: (M,) positions that the features belong to.
    Returns: findings; a row a class or source.
    """
    held_out = view.test if view.test.any() else view.index.part == "val"
    usable = np.flatnonzero(view.kept & view.scan.ok) if at is None else at
    if int((~held_out[usable]).sum()) < LEAST:
        return [], []
    space = coverage.space_of(
        view.index.id[usable],
        light_features(view.scan)[usable] if features is None else features,
        _classes(view)[usable],
        held_out[usable],
        view.schema.classes if KINDS[view.schema.target_kind].is_exclusive else (),
    )
    facts = facts_of(view.scan).take(usable)
    findings = [
        *coverage.missing_conditions(facts, space.ids, space.held),
        *coverage.thin_regions(space),
        *(coverage.doubles(space) if features is not None else ()),  # measured facts alone are no reason to drop one
        *coverage.label_next(space),
    ]
    origins = [type(o)(kind=o.kind, names=o.names, of=o.of[usable]) for o in origins_of(view)]
    return findings, coverage.diversity(space, origins)


def _classes(view: View) -> np.ndarray:
    kind = KINDS[view.schema.target_kind]
    known = kind.known(view.index.target)
    return np.where(known, view.index.target if kind.is_exclusive else 0, -1).astype(np.int64)
