"""Rows of one sample by several annotators become one row; how good each annotator is becomes a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..core.errors import DataError, printable
from ..core.finding import Finding
from ..core.recipe import DataSection
from ..stats.annotators import Merged, merge
from .readers.tabletext import Table
from .targets import FEW_NUMBERS, Row

NAMES = frozenset(
    "annotator annotator_id worker worker_id workerid rater rater_id labeler labeller coder 标注者 标注员".split()
)
_SHOWN = 20


def annotator_column(table: Table, section: DataSection, samples: Sequence[str]) -> str | None:
    """The column of annotators: as named, or one of a customary name where samples occur more than once.

    Raises: DataError if there is no column of the name.
    """
    if section.annotator is not None:
        table.column(section.annotator)
        return section.annotator
    if len(set(samples)) == len(samples):
        return None
    return next((column for column in table.columns if column.lower() in NAMES), None)


def repeats(table: Table) -> int:
    """How often a sample may stand in a table: once for each of its annotators, where a customary column names them."""
    column = next((name for name in table.columns if name.lower() in NAMES), None)
    return 1 if column is None else max(1, len(set(table.column(column))))


def merged(
    rows: Sequence[Row], samples: Sequence[str], people: Sequence[str], column: str
) -> tuple[list[int], list[Row], list[Finding]]:
    """(places of the rows kept, these rows under the merged label, what was found).

    Args:
        rows: one a label.
        samples: what each is about; equal ones are one sample.
        people: who gave each.
        column: where that stands.
    Raises: DataError where labels are no single classes.
    """
    said = [i for i, row in enumerate(rows) if row.label is not None]
    names = sorted({str(rows[i].label) for i in said})
    several = any(isinstance(rows[i].label, tuple) for i in said)
    if several or (len(names) > FEW_NUMBERS and all(isinstance(rows[i].label, float) for i in said)):
        raise DataError(
            "labels of several annotators can be merged where each is one class",
            got="several labels a row" if several else "numbers",
            where=column,
            do="merge them yourself, one row a sample",
        )
    first: dict[str, int] = {}
    for i, name in enumerate(samples):
        first.setdefault(name, i)
    if not said:
        return list(first.values()), [rows[i] for i in first.values()], []
    known = {name: k for k, name in enumerate(dict.fromkeys(samples[i] for i in said))}
    who = {name: k for k, name in enumerate(dict.fromkeys(people[i] for i in said))}
    raw = {str(rows[i].label): rows[i].label for i in said}
    sample = np.array([known[samples[i]] for i in said])
    annotator = np.array([who[people[i]] for i in said])
    label = np.array([names.index(str(rows[i].label)) for i in said])
    found = merge(sample, annotator, label, len(names))
    best = found.true.argmax(1)
    one = {name: raw[names[best[k]]] for name, k in known.items()}
    kept = [replace(rows[i], label=one.get(name)) for name, i in first.items()]
    findings = _findings(found, sample, label, [rows[first[name]].id for name in known], list(who), names, column)
    return list(first.values()), kept, findings


def _findings(
    found: Merged,
    sample: np.ndarray,
    label: np.ndarray,
    ids: Sequence[str],
    people: Sequence[str],
    classes: Sequence[str],
    column: str,
) -> list[Finding]:
    votes = np.zeros(found.true.shape)
    np.add.at(votes, (sample, label), 1)
    best = found.true.argmax(1)
    disputed = np.flatnonzero((votes > 0).sum(1) > 1)
    disputed = disputed[np.argsort(found.true[disputed].max(1), kind="stable")]
    overruled = int((votes[np.arange(len(best)), best] < votes.max(1)).sum())
    order = np.argsort(found.quality, kind="stable")
    said = "; ".join(_said(found, people, int(a)) for a in order[:_SHOWN])
    numbers = {
        "column": printable(column, 60),
        "samples": len(ids),
        "labels": len(label),
        "annotators": len(people),
        "count": len(disputed),
        "overruled": overruled,
        "quality": said,
    }
    details = {
        "merged": tuple(classes[k] for k in best[disputed]),
        "confidence": tuple(round(float(p), 4) for p in found.true[disputed].max(1)),
    }
    names = tuple(str(ids[int(i)]) for i in disputed)
    findings = [Finding(code="GF-D085", severity="info", numbers=numbers, ids=names, details=details)]
    usual = float((found.quality * found.counts).sum() / found.counts.sum())
    poor = [int(a) for a in order if found.high[a] < usual]
    if poor:
        worst = "; ".join(_said(found, people, a) for a in poor[:_SHOWN])
        findings.append(
            Finding(code="GF-D086", severity="warning", numbers={"count": len(poor), "usual": usual, "names": worst})
        )
    return findings


def _said(found: Merged, people: Sequence[str], a: int) -> str:
    share = f"{100 * found.quality[a]:.0f} % [{100 * found.low[a]:.0f}-{100 * found.high[a]:.0f}], n={found.counts[a]}"
    return f"{printable(people[a], 40)} {share}"
