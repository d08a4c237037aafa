"""Checks of boxes: too small to be found, twice around one thing, pictures that show nothing.

What is wrong with a box itself (outside, inverted, without area) is mended while reading and comes as a note.
Sources: the stride of a detector's finest map bounds what it can see, Lin et al. 2017, arXiv:1612.03144; doubled boxes
are counted as false alarms by COCO's evaluator.
"""

from __future__ import annotations

import numpy as np

from ..core.finding import Finding
from ..core.target_kinds import CLASS, CROWD
from ..data.boxfaults import TINY
from ..stats.boxes import iou
from .check import Check, Outcome, View, finding

DOUBLED = 0.95  # IoU of two boxes of one class from which they are taken for the same thing
SEEN = 0.0125  # share of the picture's side: 4 pixels of 320, half the finest stride


def unseen(view: View) -> Outcome:
    """Boxes so small that hardly a net can find them: under TINY pixels, or under SEEN of the picture's side."""
    if view.schema.target_kind != "boxes":
        return Outcome()
    target, real = view.index.target, _real(view)
    sides = np.minimum(target[..., 3] - target[..., 1], target[..., 4] - target[..., 2])
    whole = np.maximum(getattr(view.scan, "height", np.ones(len(target))), getattr(view.scan, "width", 1))
    small = real & ((sides < TINY) | (sides < SEEN * np.asarray(whole)[:, None]))
    where = np.flatnonzero(small.any(axis=1))
    if not len(where):
        return Outcome()
    numbers = {"boxes": int(small.sum()), "share": float(small.sum() / max(1, real.sum())), "least": TINY}
    return Outcome(findings=(finding("GF-D061", "info", view, where, **numbers),))


def doubled(view: View) -> Outcome:
    """Two boxes of one class around the same thing; kept, since only a person can say which is right."""
    if view.schema.target_kind != "boxes":
        return Outcome()
    target, real = view.index.target, _real(view)
    counts = np.zeros(len(target), dtype=np.int64)
    for i in np.flatnonzero(real.sum(axis=1) > 1):
        boxes = target[i][real[i]]
        same = (iou(boxes[:, 1:5], boxes[:, 1:5]) >= DOUBLED) & (boxes[:, CLASS, None] == boxes[None, :, CLASS])
        counts[i] = np.triu(same, 1).sum()
    where = np.flatnonzero(counts)
    found = finding("GF-D062", "warning", view, where, boxes=int(counts.sum())) if len(where) else None
    return Outcome(findings=() if found is None else (found,))


def nothing(view: View) -> Outcome:
    """Pictures that show none of the things: welcome as examples of nothing, but worth knowing."""
    if view.schema.target_kind != "boxes":
        return Outcome()
    known = view.index.target[:, 0, CLASS] >= -1
    bare = np.flatnonzero(view.kept & known & ~_real(view).any(axis=1))
    found: tuple[Finding, ...] = ()
    if len(bare):
        found = (finding("GF-D063", "info", view, bare, share=len(bare) / max(1, int(view.kept.sum()))),)
    return Outcome(findings=found)


def _real(view: View) -> np.ndarray:
    """(N, M) bool: rows that are boxes to be found, in pictures that are kept."""
    target = view.index.target
    return np.asarray((target[..., CLASS] >= 0) & (target[..., CROWD] == 0) & view.kept[:, None])


CHECKS = (
    Check(name="unseen_boxes", codes=("GF-D061",), look=unseen, source="Lin et al. 2017, arXiv:1612.03144"),
    Check(
        name="doubled_boxes", codes=("GF-D062",), look=doubled, source="COCO's evaluator counts one of them as wrong"
    ),
    Check(name="no_boxes", codes=("GF-D063",), look=nothing, source="Lin et al. 2014, arXiv:1405.0312"),
)
