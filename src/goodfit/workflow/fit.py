"""`fit`: read, audit, split, plan, climb, diagnose, try remedies, refit, open the test split once, tell the story."""

from __future__ import annotations

from pathlib import Path

from ..core.recipe import Recipe
from ..core.telling import Tell, silent
from .climb import climb
from .clock import command_start
from .finish import finish
from .prepare import Prepared, prepare
from .remedy import try_remedies
from .session import Session
from .story import open_story
from .study import Study, open_study

DEFAULT_BUDGET = 20 * 60.0  # seconds; said aloud when it is used


def fit(
    asked: Recipe,
    *,
    budget: float | None = None,
    runs: Path = Path("runs"),
    new: bool = False,
    lang: str = "en",
    tell: Tell = silent,
) -> Study:
    """The best model that the budget can buy, with proof.

    Args:
        asked: what is set stays; what is `auto` is planned.
        budget: seconds of wall clock for the whole command; None = 20 minutes.
        runs: folder of studies.
        new: start another study even if this one exists.
        lang: language that the report shows first.
        tell: hears what happens.
    Returns: the finished study; a study that was finished before is returned as it is.
    Raises: DataError, UsageError; BudgetError if not even the first model fits; Interrupted after a signal.
    """
    began = command_start()
    if budget is None:
        tell("note", key="note.default_budget", minutes=DEFAULT_BUDGET / 60)
        budget = DEFAULT_BUDGET
    data = prepare(asked, tell, ends=began + budget)
    study, continued = open_study(runs, "fit", asked, data.dataset.fingerprint, budget, new, began)
    try:
        if study.result is None:
            _story(Session.open(study, asked, data, tell, continued), data, lang)
    finally:
        study.release()
    return study


def _story(session: Session, data: Prepared, lang: str) -> None:
    open_story(session.study, "fit", session.asked, data)
    winner = climb(session)
    winner = try_remedies(session, winner)
    finish(session, winner, lang=lang, refits=session.asked.train.refit is not False, open_test=True)
