"""Run the checks one after another over what was read, and bring together what to keep and what to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.finding import WEIGHT, Finding
from ..core.target_kinds import KINDS
from ..data.near_pairs import NONE, NearPairs
from ..data.reading import count_classes, count_pictures
from ..data.samples import Samples
from ..data.scan import Scan
from .balance import Balance, balance_of
from .check import Check, Outcome, View
from .duplicates import bind

Progress = Callable[[int, int], None]
_SAMPLES = 6  # pictures a class that a report shows
_MOST_GROUPS = 1000  # groups kept for the report


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What the audit of a data set found.

    Attributes:
        keep: (M,) int64 positions that may be used, in data-set order.
        groups: (M,) int64, aligned with `keep`: equal numbers must not be split apart; None where all are free.
        findings: all of them, problems first.
        class_counts: given part ("" = not given) -> class -> samples kept, or boxes in them; empty for a number.
        picture_counts: given part -> class -> pictures kept that show it, where the target is boxes; else empty.
        balance: of the classes outside of test; None for a number.
        quarantined: (id, fault) of files left out.
        duplicates: groups of ids that show the same picture.
        conflicts: groups of ids that show the same picture under different labels; left out.
        leaks: (id on the training side, id held out); the first was left out.
        samples: class -> ids of a few training samples; for a number, low to high under "".
    """

    keep: np.ndarray
    groups: np.ndarray | None
    findings: tuple[Finding, ...]
    class_counts: Mapping[str, Mapping[str, int]]
    picture_counts: Mapping[str, Mapping[str, int]]
    balance: Balance | None
    quarantined: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, ...], ...]
    conflicts: tuple[tuple[str, ...], ...]
    leaks: tuple[tuple[str, str], ...]
    samples: Mapping[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """What `audit.json` holds."""
        return {
            "kept": len(self.keep),
            "quarantined": [{"id": name, "fault": fault} for name, fault in self.quarantined],
            "duplicates": [list(group) for group in self.duplicates[:_MOST_GROUPS]],
            "conflicts": [list(group) for group in self.conflicts[:_MOST_GROUPS]],
            "leaks": [list(pair) for pair in self.leaks[:_MOST_GROUPS]],
            "class_counts": {part: dict(counts) for part, counts in self.class_counts.items()},
            "picture_counts": {part: dict(counts) for part, counts in self.picture_counts.items()},
            "balance": None if self.balance is None else self.balance.to_json(),
            "samples": {name: list(ids) for name, ids in self.samples.items()},
        }


def run_checks(
    checks: Iterable[Check],
    dataset: Samples,
    scan: Scan,
    near: NearPairs = NONE,
    *,
    progress: Progress | None = None,
) -> Audit:
    """Each check sees what the ones before it left in.

    Raises: DataError if the data cannot be used: no sample or one class left, or most of test leaked.
    """
    checks = tuple(checks)
    view = View(
        schema=dataset.schema,
        index=dataset.index,
        scan=scan,
        notes=dataset.notes,
        refused=dataset.refused,
        kept=np.ones(len(dataset), dtype=bool),
        near=near,
    )
    outcomes: list[Outcome] = []
    for done, check in enumerate(checks, start=1):
        outcomes.append(_look(check, view, outcomes))
        kept = view.kept.copy()
        kept[list(outcomes[-1].drop)] = False
        view = replace(view, kept=kept)
        if progress is not None:
            progress(done, len(checks))
    return _gather(view, outcomes)


def _look(check: Check, view: View, before: list[Outcome]) -> Outcome:
    try:
        return check.look(view)
    except DataError as error:
        faults = [fault for outcome in before for fault in outcome.faults]
        if not faults or error.got is None:
            raise
        named = ", ".join(f"{name} ({fault})" for name, fault in faults[:3])
        raise DataError(
            error.wrong, got=f"{error.got}; {len(faults)} refused: {named}", allowed=error.allowed, do=error.do
        ) from None


def _gather(view: View, outcomes: list[Outcome]) -> Audit:
    keep = np.flatnonzero(view.kept)
    every = lambda name: tuple(entry for outcome in outcomes for entry in getattr(outcome, name))  # noqa: E731
    bound = bind(view, every("bound"))
    return Audit(
        keep=keep,
        groups=None if bound is None else bound[keep],
        findings=tuple(sorted(every("findings"), key=lambda found: WEIGHT[found.severity])),
        class_counts=count_classes(view.index.take(keep), view.schema),
        picture_counts=count_pictures(view.index.take(keep), view.schema),
        balance=balance_of(view),
        quarantined=every("faults"),
        duplicates=every("duplicates"),
        conflicts=every("conflicts"),
        leaks=every("leaks"),
        samples=_samples(view),
    )


def _samples(view: View) -> dict[str, tuple[str, ...]]:
    """A few ids of each class, spread over the training side."""
    side = np.flatnonzero(view.kept & ~view.test)
    target = view.index.target[side]
    members = KINDS[view.schema.target_kind].members
    if members is None:
        chosen = {"": side[np.argsort(target, kind="stable")]}
    else:
        rows = members(target, len(view.schema.classes))
        chosen = {name: side[row] for name, row in zip(view.schema.classes, rows, strict=True)}
    return {name: tuple(str(i) for i in view.index.id[_spread(found)]) for name, found in chosen.items()}


def _spread(found: np.ndarray) -> np.ndarray:
    return found[np.unique(np.linspace(0, len(found) - 1, _SAMPLES).astype(np.int64))] if len(found) else found
