"""The list of what an audit leaves: a table that a later command takes as its data; the user's files stay as they are.

Left out is what the audit left out (files that cannot be used, conflicts, copies of held-out samples) and all but one
of each group of equal samples on the training side. Everything else is for a person to decide and only named.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.files import write_atomic, write_json
from ..core.target_kinds import KINDS
from .prepare import Prepared


def write_cleaned(folder: Path, data: Prepared, place: Mapping[str, str]) -> dict[str, Any]:
    """Write cleaned.csv (path, label, part) and left_out.json (path, reason) into a folder.

    Returns: path, left_out (path of the list), kept, reasons (reason -> samples).
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
    for i in kept:
        label = KINDS[kind].text(whole.index.target[i], data.schema.classes)
        writer.writerow((_absolute(str(whole.index.where[i])), label, whole.index.part[i] or ""))
    path, left_out = folder / "cleaned.csv", folder / "left_out.json"
    write_atomic(path, out.getvalue())
    write_json(left_out, [{"path": place.get(name, name), "reason": why} for name, why in reasons.items()])
    counts = Counter(reasons.values())
    return {"path": str(path), "left_out": str(left_out), "kept": len(kept), "reasons": dict(counts)}


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
