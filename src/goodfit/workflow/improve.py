"""`improve`: diagnose a finished study and try the most promising remedies; the test split is not opened again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..core.errors import UsageError
from ..core.recipe import build
from ..core.run import open_stored
from ..core.telling import Tell, silent
from .clock import Clock, command_start
from .finish import finish
from .prepare import prepare
from .remedy import try_remedies
from .session import Candidate, Session
from .study import Study, find_study, same_split

DEFAULT_BUDGET = 10 * 60.0  # seconds


def improve(
    study: Path,
    *,
    budget: float | None = None,
    runs: Path | None = None,
    new: bool = False,
    lang: str = "en",
    tell: Tell = silent,
) -> Study:
    """Weigh remedies for what ails the study's winner, inside the same study.

    Args:
        study: a study folder, or a run inside it.
        budget: seconds; None = 10 minutes.
        runs: unused here, since the study stays where it is.
        new: unused here.
        lang: language that the report shows first.
        tell: hears what happens.
    Returns: the study, its result replaced; `test` is null where another model was kept, since test stays sealed.
    Raises: UsageError if the study is unfinished, or its data or their split have changed.
    """
    began = command_start()
    found = find_study(study)
    if found.result is None:
        raise UsageError("this study is not finished", where=found.folder, do="repeat its command first")
    if budget is None:
        tell("note", key="note.default_budget", minutes=DEFAULT_BUDGET / 60)
    asked = build(found.about["asked"])
    data = prepare(asked, tell, ends=began + (budget or DEFAULT_BUDGET))
    if data.dataset.fingerprint != found.about["fingerprint"]:
        raise UsageError("the data have changed since this study", where=asked.data.path, do="fit them anew")
    same_split(found, data.split.digest())
    opened = Study(found.folder, lock=True)
    number = 1 + len(opened.ledger.events("improved"))
    opened.clock = Clock(
        opened.folder / f"clock-improve-{number}.json", budget or DEFAULT_BUDGET, began=began
    )  # its own
    try:
        session = replace(Session.open(opened, asked, data, tell, continued=False), scope=f"improve.{number}.")
        before = found.result
        run = open_stored(opened.folder / "runs" / before["winner"])
        plan = replace(session.plan(run.recipe), recipe=run.recipe)
        winner = Candidate(name=run.id.rpartition("-")[0], plan=plan, run=run, full=True)
        better = try_remedies(session, winner)
        if better.run.id != winner.run.id:
            finish(session, better, lang=lang, refits=bool(before["refit"]), open_test=False)
        else:
            opened.write("result.json", {**before, "findings": sorted({f.code for f in opened.findings})})
            opened.report(lang)
        opened.ledger.write("improved", run=better.run.id)
    finally:
        opened.release()
    return opened
