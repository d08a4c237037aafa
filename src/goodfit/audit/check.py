"""What an audit check is: a function from what was read and scanned to findings and samples to leave out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..core.finding import Finding, Severity
from ..core.samples import Index, Schema
from ..data.near_pairs import NONE, NearPairs
from ..data.scan import Scan


@dataclass(frozen=True, kw_only=True)
class View:
    """What a check looks at.

    Attributes:
        schema: of the data set.
        index: all N samples.
        scan: of all N samples.
        notes: findings made while reading.
        refused: (id, fault) met while reading.
        kept: (N,) bool, samples that earlier checks left in.
        near: pairs of samples that are copies but not equal.
    """

    schema: Schema
    index: Index
    scan: Scan
    notes: tuple[Finding, ...]
    refused: tuple[tuple[str, str], ...]
    kept: np.ndarray
    near: NearPairs = NONE

    @property
    def rank(self) -> np.ndarray:
        """(N,) 2 in the given test part, 1 in the given val part, else 0: what is higher must not be trained on."""
        return np.select([self.index.part == "test", self.index.part == "val"], [2, 1], 0)

    @property
    def test(self) -> np.ndarray:
        """(N,) bool, samples of the given test part."""
        return self.index.part == "test"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a check found.

    Attributes:
        findings: in order of weight.
        drop: positions to leave out.
        faults: (id, word) of quarantined files.
        duplicates: groups of ids with the same content.
        conflicts: groups of ids with the same content and different labels.
        leaks: (id on the training side, id held out) with the same content.
        bound: groups of positions that must not be split apart.
    """

    findings: tuple[Finding, ...] = ()
    drop: tuple[int, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    conflicts: tuple[tuple[str, ...], ...] = ()
    leaks: tuple[tuple[str, str], ...] = ()
    bound: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Check:
    """One entry of CHECKS.

    Attributes:
        name: unique.
        codes: finding codes that it may give.
        look: pure.
        source: where its rule comes from.
    """

    name: str
    codes: tuple[str, ...]
    look: Callable[[View], Outcome]
    source: str


def finding(code: str, severity: Severity, view: View, positions: np.ndarray, **numbers: object) -> Finding:
    """A finding about samples, with their count and ids."""
    names = tuple(str(name) for name in view.index.id[positions])
    return Finding(code=code, severity=severity, numbers={"count": len(positions), **numbers}, ids=names)


def pairs(
    code: str, severity: Severity, view: View, positions: np.ndarray, others: np.ndarray, **numbers: object
) -> Finding:
    """A finding about samples that concern each other; `others` are the partners of `positions`."""
    found = finding(code, severity, view, positions, **numbers)
    return replace(found, others=tuple(str(name) for name in view.index.id[others]))
