"""Look at a finished run: which symptoms its records and predictions show."""

from __future__ import annotations

from ..core.finding import Finding
from ..core.telling import silent
from ..diagnose import Evidence, chance_score, diagnose
from .session import Candidate, Session
from .story import note_findings


def examine(session: Session, candidate: Candidate) -> list[Finding]:
    """Diagnose a run and keep what was found, in the run, the study and the ledger."""
    findings = diagnose(evidence(session, candidate))
    on_the_way = [f for f in candidate.run.findings() if f.code.startswith("GF-P")]  # said when they were met
    candidate.run.save_findings([*on_the_way, *findings])
    note_findings(session.study, on_the_way, silent)
    note_findings(session.study, findings, session.tell)
    return findings


def evidence(session: Session, candidate: Candidate) -> Evidence:
    """All that the symptoms look at."""
    run, data = candidate.run, session.data
    target = data.dataset.index.target
    result = run.result()
    return Evidence(
        recipe=run.recipe,
        records=tuple(run.records),
        train=run.predictions("train"),
        augmented=run.predictions("augmented"),
        select=run.predictions("select"),
        confirm=run.predictions("confirm"),
        metric=session.metric,
        chance=chance_score(session.metric, target[data.split.train], target[data.split.val]),
        target_kind=data.schema.target_kind,
        counts={**data.counts, "conflicts": sum(len(group) for group in data.audit.conflicts)},
        steps=run.records[-1].steps if run.records else 0,
        stopped=result.stopped if result else "done",
        run_id=run.id,
    )
