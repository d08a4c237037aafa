"""`audit`: read and check the data, train nothing; findings as a file and as a page, and a cleaned list if asked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ..audit.listing import listed
from ..core.errors import DataError
from ..core.files import write_json
from ..core.finding import WEIGHT
from ..core.recipe import Recipe
from ..core.telling import Tell, silent
from ..report import audit_page
from .cleaned import proposed_labels, write_cleaned
from .clock import Clock, command_start
from .coverage import coverage_findings
from .embedding import embedded
from .label_check import label_findings
from .prepare import Prepared, about, prepare
from .pricing import price
from .sources import source_findings, view_of
from .study import safe_name, study_id

LABELS_SHARE = 0.5  # of what a budget leaves after the checks: the other half prices what was found
SHOWN = 24  # samples of a finding whose pictures are on the page


def audit(
    asked: Recipe,
    *,
    budget: float | None = None,
    runs: Path = Path("runs"),
    lang: str = "en",
    fix: Literal["leave_out", "relabel"] | None = None,
    tell: Tell = silent,
) -> dict[str, Any]:
    """What the data are and what is wrong with them; with a budget also what that costs.

    Args:
        asked: names the data.
        budget: seconds of the whole command, in which labels are judged and findings priced by experiment; None =
            labels where that is short.
        runs: folder in which the audit's own folder lies.
        lang: the language that the page shows first.
        fix: also write a list of the samples that are left, which a later command takes as its data; relabel = with
            the proposed label where the confidence in it is RELABELLED or more.
    Returns: format, task, classes, counts, findings, quarantined, duplicates, conflicts, leaks; findings_file and page,
        absolute paths; sources (doubtful samples of each), worlds (train against test) and diversity (of each class and
        source); prices (code -> as findings.json has it); cleaned (path, kept, relabelled, left_out by reason) or None.
    Raises: DataError if they cannot be used.
    """
    began = command_start()
    data = prepare(asked, tell, keep_scan=True)
    name = safe_name(Path(asked.data.path).name or "data")
    folder = runs.absolute() / f"{name}-audit-{study_id('audit', asked, data.whole.fingerprint, None)}"
    folder.mkdir(parents=True, exist_ok=True)
    place = _places(data, Path(asked.data.path))
    view, seen = view_of(data), embedded(asked, data, tell)
    left = None if budget is None else max(0.0, LABELS_SHARE * (began + budget - time.time()))
    labels = label_findings(asked, data, seen, left, tell)
    features, at = (None, None) if seen is None else (seen.features, data.audit.keep[seen.positions])
    missing, diverse = coverage_findings(view, features, at)
    sources, told = source_findings(view, [*data.audit.findings, *labels], features, at)
    told["diversity"] = diverse
    more = [*labels, *sources, *missing]
    for finding in more:
        tell("finding", finding=finding)
    findings = sorted([*data.audit.findings, *more], key=lambda found: WEIGHT[found.severity])
    prices = {}
    if budget is not None:
        clock = Clock(folder / "clock.json", budget, began=began)
        prices = price(asked, data, findings, folder, clock, tell, seen)
    entries = [
        {**entry, **({"price": prices[entry["code"]]} if entry["code"] in prices else {})}
        for entry in listed(findings, lambda name: place.get(name, name))
    ]
    findings_file, page = folder / "findings.json", folder / "audit.html"
    write_json(findings_file, entries)
    facts = {
        "name": Path(asked.data.path).name or asked.data.path,
        "format": data.schema.format,
        "samples": len(data.whole),
        "kept": len(data.audit.keep),
        "balance": data.audit.to_json()["balance"],
        **told,
    }
    audit_page.write(page, entries, _pictures(data, entries, place), facts, lang)
    relabelled = proposed_labels(labels) if fix == "relabel" else {}
    cleaned = write_cleaned(folder, data, place, relabelled) if fix else None
    return {
        **about(data),
        **data.audit.to_json(),
        **told,
        "findings": [f.to_json() for f in findings],
        "fingerprint": data.dataset.fingerprint,
        "findings_file": str(findings_file),
        "page": str(page),
        "prices": prices,
        "cleaned": cleaned,
    }


def _places(data: Prepared, named: Path) -> dict[str, str]:
    """Id -> path relative to the folder that was named; ids of rows, arrays and archives stand for themselves."""
    root = os.path.abspath(named.expanduser())
    if not os.path.isdir(root):
        return {}
    found = {}
    for name, where in zip(data.whole.index.id, data.whole.index.where, strict=True):
        if where and os.path.isabs(str(where)) or os.path.exists(str(where)):
            inside = os.path.relpath(os.path.abspath(str(where)), root).replace(os.sep, "/")
            if not inside.startswith("../"):
                found[str(name)] = inside
    return found


def _pictures(
    data: Prepared, entries: Sequence[Mapping[str, Any]], place: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Path -> what the task shows of a sample, of those that the page shows and that can be decoded."""
    wanted = set(_shown(entries))
    pictures: dict[str, dict[str, str]] = {}
    for i, name in enumerate(data.whole.index.id):
        path = place.get(str(name), str(name))
        if path in wanted:
            try:
                pictures[path] = data.task.show(data.whole[i])
            except DataError:  # it is on the list because it cannot be decoded
                continue
    return pictures


def _shown(entries: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    for entry in entries:
        for sample in entry["samples"][:SHOWN]:
            yield from (str(sample[key]) for key in ("path", "other") if key in sample)
