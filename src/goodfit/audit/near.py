"""Checks between near copies: across parts, inside a part, mirrored, under two labels; pictures and texts alike.

Sources: Barz and Denzler 2020, "Do we train on test data?", arXiv:1902.00423; Broder 1997, "On the resemblance and
containment of documents".
"""

from __future__ import annotations

import numpy as np

from ..core.finding import Severity
from ..core.target_kinds import KINDS
from ..data.near_pairs import NearPairs
from ..stats.minhash import joined
from .check import Check, Outcome, View, pairs
from .duplicates import same_samples


def near_leaks(view: View) -> Outcome:
    """Near copies of held-out samples on the training side are left out, as exact ones are."""
    near, rank = _standing(view), view.rank
    groups = _groups(view, near)
    leaking = [(i, max(group, key=lambda k: rank[k])) for group in groups for i in group if rank[i] < rank[group].max()]
    if not leaking:
        return Outcome()
    drop, held = np.array(sorted(leaking), dtype=np.int64).T
    tests = int((view.kept & view.test).sum())
    held_out = [k for group in groups for k in group if rank[k] == rank[group].max() > rank[group].min()]
    leaked = sum(rank[k] == 2 for k in held_out)
    numbers = {"held_out": len(held_out), "leaked": int(leaked), "test": tests, "alike": float(near.alike.min())}
    severity: Severity = "problem" if tests and leaked > 0.01 * tests else "warning"
    return Outcome(
        findings=(pairs("GF-D040", severity, view, drop, held, **numbers),),
        drop=tuple(int(i) for i in drop),
        leaks=tuple((str(view.index.id[i]), str(view.index.id[j])) for i, j in zip(drop, held, strict=True)),
    )


def near_copies(view: View) -> Outcome:
    """Near copies in one part are kept, never split apart, and named; mirrored ones and doubtful labels apart."""
    near = _standing(view)
    if not len(near):
        return Outcome()
    doubtful = _under_two_labels(view, near)
    kinds: tuple[tuple[str, Severity, np.ndarray], ...] = (
        ("GF-D075", "warning", doubtful),
        ("GF-D073", "info", ~doubtful & ~near.mirrored),
        ("GF-D074", "info", ~doubtful & near.mirrored),
    )
    found = [
        pairs(code, severity, view, near.b[here], near.a[here], alike=float(near.alike[here].min()))
        for code, severity, here in kinds
        if here.any()
    ]
    return Outcome(findings=tuple(found), bound=tuple(map(tuple, _groups(view, near))))


def _standing(view: View) -> NearPairs:
    """The pairs between samples that are still in, an equal one standing for one that was left out."""
    _, code = np.unique(view.scan.seen.astype(str), return_inverse=True)
    stand = np.full(len(view.index), -1, dtype=np.int64)
    kept = np.flatnonzero(view.kept)[::-1]
    stand[code[kept]] = kept  # the first of each that is still in
    near = view.near
    a, b = stand[code[near.a]], stand[code[near.b]]
    here = (a >= 0) & (b >= 0) & (a != b)
    low, high = np.minimum(a, b)[here], np.maximum(a, b)[here]
    return NearPairs(a=low, b=high, alike=near.alike[here], mirrored=near.mirrored[here])


def _groups(view: View, near: NearPairs) -> list[list[int]]:
    """What near copies connect, with the equals of each."""
    same = [(int(group[0]), int(k)) for group in same_samples(view, view.kept) for k in group[1:]]
    inside = {int(k) for k in (*near.a, *near.b)}
    groups = joined([*zip(near.a.tolist(), near.b.tolist(), strict=True), *same])
    return [group for group in groups if inside.intersection(group)]


def _under_two_labels(view: View, near: NearPairs) -> np.ndarray:
    """(P,) bool: pairs outside test whose classes differ; numbers may differ by noise."""
    if KINDS[view.schema.target_kind].counts is None or view.schema.target_kind == "boxes":
        return np.zeros(len(near), dtype=bool)
    target = view.index.target.reshape(len(view.index), -1)
    return (target[near.a] != target[near.b]).any(1) & ~view.test[near.a] & ~view.test[near.b]


CHECKS = (
    Check(name="near_leaks", codes=("GF-D040",), look=near_leaks, source="Barz and Denzler 2020"),
    Check(name="near_copies", codes=("GF-D073", "GF-D074", "GF-D075"), look=near_copies, source="Broder 1997"),
)
