"""Does train cover what it will meet: diversity of classes and sources, redundancy, conditions and regions that miss.

A region is a cluster of the held-out samples in the space of features; a condition is an end of one simple fact. Both
are missing where train has far fewer of them than chance allows, corrected for all that were looked at (Holm 1979).
Sources: see `stats/diversity`; Chung et al. 2020, "Slice Finder", arXiv:1807.06068 (slices that people have words for).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import printable
from ..core.finding import Finding
from ..core.randomness import generator
from ..stats.diversity import clusters, most_covering, nearest, redundant, unit, vendi
from ..stats.paired import holm
from ..stats.special import hypergeometric_tail
from .facts import Facts
from .origins import Origin

ALPHA = 0.01  # chance of any false claim
THIN = 0.25  # share in train over the share held out, below which a region is missing
ENDS = (0.05, 0.1)  # of the held-out samples at either end of a fact: a condition that fewer have is a single case
FEWEST = 8  # held-out samples of a region
A_CLUSTER, MOST_CLUSTERS = 25, 60  # held-out samples of a cluster on average, and clusters
ALIKE = 0.95  # cosine from which one sample stands for another (SemDeDup's setting for half of LAION)
SAID = 0.2  # share of samples that others stand for, from which it is said
DRAWN = 200  # samples of each group whose diversity is compared, since it grows with their number
MOST = 20_000  # samples of each side that are looked at
NEXT = 50  # samples proposed for a label


@dataclass(frozen=True, kw_only=True)
class Space:
    """Samples as points.

    Attributes:
        ids: (N,) names.
        rows: (N, D) unit float32.
        target: (N,) int64 class, -1 unknown; all 0 where there are none.
        held: (N,) bool, samples of the given test (or val) part; the others are to train on.
        labelled: whether the held-out samples have labels.
        classes: names, () where there are none.
    """

    ids: np.ndarray
    rows: np.ndarray
    target: np.ndarray
    held: np.ndarray
    labelled: bool
    classes: tuple[str, ...]


def space_of(
    ids: np.ndarray, features: np.ndarray, target: np.ndarray, held: np.ndarray, classes: tuple[str, ...]
) -> Space:
    """Points of any features: centred, so that what all share does not count, and of length 1."""
    rows = unit(features - features[~held].mean(0)) if (~held).any() else unit(features)
    labelled = bool((target[held] >= 0).any())
    return Space(ids=ids, rows=rows, target=target, held=held, labelled=labelled, classes=classes)


def thin_regions(space: Space, seed: int = 0) -> list[Finding]:
    """Clusters of held-out samples that train hardly has, the largest first."""
    held, train = _some(np.flatnonzero(space.held), seed), _some(np.flatnonzero(~space.held), seed + 1)
    count = min(MOST_CLUSTERS, len(held) // A_CLUSTER)
    if count < 2 or not len(train):
        return []
    centres = clusters(space.rows[held], count, generator(seed, len(held)))
    of_held, close = nearest(space.rows[held], centres)
    of_train, _ = nearest(space.rows[train], centres)
    met = np.bincount(of_held, minlength=count), np.bincount(of_train, minlength=count)
    found = []
    for k in _missing(*met, len(held), len(train)):
        inside = np.flatnonzero(of_held == k)
        ids = space.ids[held[inside[np.argsort(-close[inside], kind="stable")]]]
        numbers = _shares(met, k, len(held), len(train)) | {"class": _commonest(space, held[inside])}
        found.append(Finding(code="GF-D106", severity="warning", numbers=numbers, ids=tuple(map(str, ids))))
    return sorted(found, key=lambda f: -int(f.numbers["count"]))


def missing_conditions(facts: Facts, ids: np.ndarray, held: np.ndarray) -> list[Finding]:
    """Ends of simple facts that held-out samples have and train hardly has: dark, bright, blurred, small, long."""
    names: list[tuple[str, str, float]] = []
    inside: list[np.ndarray] = []
    for f, name in enumerate(facts.names):
        values = facts.values[:, f]
        for end, edge in _ends(values[held]):
            names.append((name, end, edge))
            inside.append(values <= edge if end == "low" else values >= edge)
    if not inside or not held.any() or held.all():
        return []
    met = (np.array([(i & held).sum() for i in inside]), np.array([(i & ~held).sum() for i in inside]))
    totals = int(held.sum()), int((~held).sum())
    found: list[Finding] = []
    said: set[tuple[str, str]] = set()
    for k in sorted(_missing(*met, *totals), key=lambda k: -met[0][k]):  # of two shares the larger says more
        name, end, edge = names[k]
        if (name, end) in said:
            continue
        said.add((name, end))
        numbers = _shares(met, k, *totals) | {"fact": printable(name, 60), "end": end, "edge": edge}
        where = ids[inside[k] & held]
        found.append(Finding(code="GF-D105", severity="warning", numbers=numbers, ids=tuple(map(str, where))))
    return found


def doubles(space: Space) -> list[Finding]:
    """Training samples that others of their class stand for, where they are many."""
    train = np.flatnonzero(~space.held)
    gone = redundant(space.rows[train], space.target[train], ALIKE)
    if gone.sum() < SAID * len(train):
        return []
    ids = tuple(map(str, space.ids[train[gone]]))
    numbers = {"count": len(ids), "share": float(gone.mean()), "alike": ALIKE, "left": int((~gone).sum())}
    return [Finding(code="GF-D107", severity="info", numbers=numbers, ids=ids)]


def label_next(space: Space, seed: int = 0) -> list[Finding]:
    """Of held-out samples without labels those that would cover most of what train does not, the best first."""
    if space.labelled or not space.held.any():
        return []
    held, train = _some(np.flatnonzero(space.held), seed, 4000), _some(np.flatnonzero(~space.held), seed + 1)
    before = nearest(space.rows[held], space.rows[train])[1]
    places, gains = most_covering(space.rows[held], before, NEXT)
    if not len(places):
        return []
    numbers = {"count": len(places), "of": int(space.held.sum()), "cosine": float(before.mean())}
    numbers["after"] = float(before.mean() + gains.sum())
    details = {"gain": tuple(round(float(g), 5) for g in gains)}
    ids = tuple(map(str, space.ids[held[places]]))
    return [Finding(code="GF-D108", severity="info", numbers=numbers, ids=ids, details=details)]


def diversity(space: Space, origins: Sequence[Origin], seed: int = 0) -> list[dict[str, Any]]:
    """A row a class, and a source: samples, drawn (how many were compared), effective (unlike ones), redundant."""
    train = np.flatnonzero(~space.held)
    gone = np.zeros(len(space.ids), dtype=bool)
    gone[train] = redundant(space.rows[train], space.target[train], ALIKE)
    groups = [("class", name, train[space.target[train] == k]) for k, name in enumerate(space.classes)]
    for origin in origins:
        groups += [(origin.kind, name, train[origin.of[train] == s]) for s, name in enumerate(origin.names)]
    groups = [group for group in groups if len(group[2])] or [("all", "", train)]
    drawn = min(DRAWN, *(len(members) for *_, members in groups), len(train))
    rows = []
    for kind, name, members in groups:
        some = _some(members, seed, max(2, drawn))
        about = {"kind": kind, "name": name, "samples": len(members), "drawn": len(some)}
        rows.append({**about, "effective": vendi(space.rows[some]), "redundant": float(gone[members].mean())})
    return rows


def _missing(held: np.ndarray, train: np.ndarray, of_held: int, of_train: int) -> list[int]:
    """Places where train has a quarter of the held-out share or less, and that is no chance."""
    p = [hypergeometric_tail(int(h), of_held, int(h + t), of_held + of_train) for h, t in zip(held, train, strict=True)]
    thin = (held >= FEWEST) & (train / of_train < THIN * held / of_held)
    return [int(k) for k in np.flatnonzero(thin & (holm(p) < ALPHA))]


def _shares(met: tuple[np.ndarray, np.ndarray], k: int, of_held: int, of_train: int) -> dict[str, Any]:
    held, train = int(met[0][k]), int(met[1][k])
    return {"count": held, "share": held / of_held, "train": train, "train_share": train / of_train}


def _ends(values: np.ndarray) -> list[tuple[str, float]]:
    """(end, edge) of either end at each share; none where nothing varies."""
    known = values[np.isfinite(values)]
    if len(known) < 2 * FEWEST or known.min() == known.max():
        return []
    found = []
    for share in ENDS:
        low, high = np.quantile(known, (share, 1 - share), method="inverted_cdf")
        found += [("low", float(low))] if (known <= low).mean() <= 0.5 else []  # where most share it, it is no end
        found += [("high", float(high))] if (known >= high).mean() <= 0.5 else []
    return list(dict.fromkeys(found))


def _commonest(space: Space, positions: np.ndarray) -> str:
    known = space.target[positions]
    known = known[known >= 0]
    if not len(known) or not space.classes:
        return ""
    return printable(space.classes[int(np.bincount(known).argmax())], 60)


def _some(positions: np.ndarray, seed: int, most: int = MOST) -> np.ndarray:
    if len(positions) <= most:
        return positions
    return np.sort(generator(seed, len(positions)).choice(positions, most, replace=False))
