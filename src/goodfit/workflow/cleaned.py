"""The list of what an audit leaves: a table that a later command takes as its data; the user's files stay as they are.

Left out is what the audit left out (files that cannot be used, conflicts, copies of held-out samples) and all but one
of each group of equal samples on the training side. Labels are changed only where that was asked for, and only where
the proposal is sure enough. Everything else is for a person to decide and only named.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.files import write_atomic, write_json
from ..core.finding import Finding
from ..core.target_kinds import KINDS
from .prepare import Prepared

RELABELLED = 0.7  # confidence of a proposal from which it is taken: right in 81 to 84 % of the cases, where the given
# label is right in none or few; see benchmarks/label_noise.py


def proposed_labels(findings: Sequence[Finding]) -> dict[str, tuple[str, str, float]]:
    """Id -> (given, proposed, confidence) of the proposals that are sure enough."""
    found = {}
    for finding in findings:
        if {"given", "proposed", "confidence"} <= finding.details.keys():
            columns = (finding.details[name] for name in ("given", "proposed", "confidence"))
            for name, given, proposed, sure in zip(finding.ids, *columns, strict=True):
                if sure >= RELABELLED:
                    found[name] = (given, proposed, sure)
    return found


def write_cleaned(
    folder: Path, data: Prepared, place: Mapping[str, str], relabelled: Mapping[str, tuple[str, str, float]]
) -> dict[str, Any]:
    """Write cleaned.csv (path, label, part) and left_out.json into a folder.

    left_out.json has an object a sample: path and reason; of one that is kept under another label also given, proposed
    and confidence.

    Args:
        relabelled: as `proposed_labels` gives it.
    Returns: path, left_out (path of the list), kept, relabelled (samples), reasons (reason -> samples left out).
    Raises: DataError for samples that are no files, or targets that have no column in a table of paths.
    """
    whole, kind = data.whole, data.schema.target_kind
    if not all(str(where) for where in whole.index.where) or KINDS[kind].showing is not None:
        raise DataError(
            "a cleaned list can be written of files with labels only",
            got=data.schema.format,
            allowed="pictures or texts in files",
            do="leave --fix out and mend what findings.json lists",
        )
    reasons = _reasons(data)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("path", "label", "part"))
    kept = [i for i in range(len(whole)) if str(whole.index.id[i]) not in reasons]
    changed = []
    for i in kept:
        name = str(whole.index.id[i])
        label = KINDS[kind].text(whole.index.target[i], data.schema.classes)
        if name in relabelled:
            given, label, sure = relabelled[name]
            facts = {"given": given, "proposed": label, "confidence": sure}
            changed.append({"path": place.get(name, name), "reason": "relabelled", **facts})
        writer.writerow((_absolute(str(whole.index.where[i])), label, whole.index.part[i] or ""))
    path, left_out = folder / "cleaned.csv", folder / "left_out.json"
    write_atomic(path, out.getvalue())
    write_json(left_out, [*({"path": place.get(name, name), "reason": why} for name, why in reasons.items()), *changed])
    counts = {"kept": len(kept), "relabelled": len(changed), "reasons": dict(Counter(reasons.values()))}
    return {"path": str(path), "left_out": str(left_out), **counts}


def _reasons(data: Prepared) -> dict[str, str]:
    """Id -> why it is left out."""
    audit = data.audit
    kept = {str(name) for name in data.whole.index.id[audit.keep]}
    reasons = dict(audit.quarantined)
    reasons |= {name: "conflict" for group in audit.conflicts for name in group}
    reasons |= {name: "copy of a held-out sample" for name, _ in audit.leaks}
    part = dict(zip(map(str, data.whole.index.id), data.whole.index.part, strict=True))
    for group in audit.duplicates:
        side = [name for name in group if name in kept and part.get(name) != "test"]
        reasons |= dict.fromkeys(side[1:] if len(side) == len(group) else side, "copy")
    others = np.setdiff1d(data.whole.index.id.astype(str), np.array([*kept, *reasons], dtype=str))
    return reasons | {str(name): "left out by the audit" for name in others}


def _absolute(path: str) -> str:
    return str(Path(path).absolute())
