"""Checks between samples: the same picture twice, under two labels, or on both sides of a split.

Two samples are the same if their decoded pixels are: a copy under another name, format or with other metadata counts.

Sources: Barz and Denzler 2020, "Do we train on test data?", arXiv:1902.00423; Northcutt et al. 2021, arXiv:2103.14749.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from ..core.errors import DataError
from ..core.finding import Severity
from .check import Check, Outcome, View, finding, pairs

MOST_LEAKED = 0.5  # above this share a test score would say nothing


def same_samples(view: View, within: np.ndarray) -> list[np.ndarray]:
    """Groups of positions (two or more each) that hold the same content.

    Args:
        within: (N,) bool, samples to compare.
    """
    positions = np.flatnonzero(within & (view.scan.seen != ""))
    if not len(positions):
        return []
    _, code = np.unique(view.scan.seen[positions].astype(str), return_inverse=True)
    order = np.argsort(code, kind="stable")
    edges = [0, *(np.flatnonzero(np.diff(code[order])) + 1), len(order)]
    return [positions[order[a:b]] for a, b in pairwise(edges) if b - a > 1]


def leaks(view: View) -> Outcome:
    """The training-side copy of a held-out picture is left out; test stays whole.

    A copy in given train of a picture in given val leaks as well. Test labels are not looked at.
    Raises: DataError if more than half of the test part is leaked.
    """
    rank = view.rank
    groups = [group for group in same_samples(view, view.kept) if len(np.unique(rank[group])) > 1]
    if not groups:
        return Outcome()
    leaking = [(i, group[np.argmax(rank[group])]) for group in groups for i in group if rank[i] < rank[group].max()]
    drop, held = np.array(leaking, dtype=np.int64).T
    leaked = sum(int((rank[group] == 2).sum()) for group in groups if rank[group].max() == 2)
    tests = int((rank == 2)[view.kept].sum())
    if tests and leaked > MOST_LEAKED * tests:
        raise DataError(
            "most of the test part is also in the training data, so a test score would mean nothing",
            got=f"{leaked} of {tests} test samples",
            allowed=f"at most {MOST_LEAKED:.0%}",
            do="name another test set (data.test=), or none",
        )
    severity: Severity = "problem" if tests and leaked > 0.01 * tests else "warning"
    return Outcome(
        findings=(pairs("GF-D005", severity, view, drop, held, held_out=len(groups), leaked=leaked, test=tests),),
        drop=tuple(drop.tolist()),
        leaks=tuple((str(view.index.id[i]), str(view.index.id[j])) for i, j in leaking),
    )


def conflicts(view: View) -> Outcome:
    """The same picture under different labels on the training side: all its copies are left out.

    Where the target is a number, two measurements of one thing differ by noise: they are kept, and never split apart.
    """
    if view.schema.target_kind == "number":
        return Outcome()
    side = view.kept & ~view.test
    groups = [group for group in same_samples(view, side) if _differ(view.index.target[group])]
    if not groups:
        return Outcome()
    drop = np.concatenate(groups)
    others = np.concatenate([_another(group, view.index.target) for group in groups])
    share = len(drop) / max(1, int(side.sum()))
    return Outcome(
        findings=(pairs("GF-D004", "warning", view, drop, others, groups=len(groups), share=share),),
        drop=tuple(drop.tolist()),
        conflicts=_names(view, groups),
    )


def copies(view: View) -> Outcome:
    """The same picture more than once under one label: kept, but never split apart."""
    groups = same_samples(view, view.kept)
    groups = [group for group in groups if not (view.test[group].all() and _differ(view.index.target[group]))]
    if not groups:
        return Outcome()
    extra = np.concatenate([group[1:] for group in groups])
    first = np.concatenate([np.repeat(group[:1], len(group) - 1) for group in groups])
    return Outcome(
        findings=(pairs("GF-D003", "info", view, extra, first, groups=len(groups)),),
        duplicates=_names(view, groups),
    )


def shared_groups(view: View) -> Outcome:
    """The same person, patient or video on both sides of a given split: the score may be too good."""
    group = view.index.group
    if group is None or not (view.kept & view.test).any():
        return Outcome()
    both = np.intersect1d(group[view.kept & view.test].astype(str), group[view.kept & ~view.test].astype(str))
    cut = np.flatnonzero(view.kept & ~view.test & np.isin(group.astype(str), both))
    return Outcome(findings=(finding("GF-D021", "warning", view, cut, groups=len(both)),) if len(cut) else ())


def bind(view: View, near: Sequence[Sequence[int]] = ()) -> np.ndarray | None:
    """(N,) int64 number of what must not be split apart: equal group, equal content or near copies; None for nothing.

    Args:
        near: groups of positions that checks found to belong together.
    """
    same = [*same_samples(view, view.kept), *(np.array(group, dtype=np.int64) for group in near)]
    if view.index.group is None and not same:
        return None
    parent = np.arange(len(view.index))
    if view.index.group is not None:
        _, first, code = np.unique(view.index.group.astype(str), return_index=True, return_inverse=True)
        parent = first[code]
    for group in same:
        _join(parent, group)
    return np.array([_root(parent, i) for i in range(len(parent))], dtype=np.int64)


def _join(parent: np.ndarray, members: Iterable[int]) -> None:
    roots = [_root(parent, int(i)) for i in members]
    for root in roots:
        parent[root] = min(roots)


def _root(parent: np.ndarray, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = int(parent[i])
    return i


def _another(group: np.ndarray, target: np.ndarray) -> np.ndarray:
    """For each of a group, a member under another label."""
    labels = target[group].reshape(len(group), -1)
    return np.array([group[np.argmax((labels != label).any(1))] for label in labels], dtype=np.int64)


def _differ(target: np.ndarray) -> bool:
    return bool((target != target[0]).any())


def _names(view: View, groups: list[np.ndarray]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(str(name) for name in view.index.id[group]) for group in groups)


CHECKS = (
    Check(name="leaks", codes=("GF-D005",), look=leaks, source="Barz and Denzler 2020"),
    Check(name="conflicts", codes=("GF-D004",), look=conflicts, source="Northcutt et al. 2021"),
    Check(name="copies", codes=("GF-D003",), look=copies, source="Barz and Denzler 2020"),
    Check(
        name="shared_groups",
        codes=("GF-D021",),
        look=shared_groups,
        source="Roberts et al. 2021, doi:10.1038/s42256-021-00307-0",
    ),
)
