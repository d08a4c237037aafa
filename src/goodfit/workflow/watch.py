"""Long work outside training, watched: its progress is told, a signal stops it, a budget that is used up ends it."""

from __future__ import annotations

from collections.abc import Callable

from ..core.errors import BudgetError, Interrupted
from ..core.interrupt import asked_to_stop
from ..core.telling import Tell


def watched(tell: Tell, what: str, left: Callable[[], float]) -> Callable[[int, int], None]:
    """A progress callback (done, total) that also ends the work where it must end.

    Args:
        tell: hears of the progress.
        what: is being done; its words are `cli.what.<what>`.
        left: seconds of the budget that are left; infinite without one.
    Raises: from the callback: Interrupted after a signal; BudgetError where nothing is left.
    """

    def progress(done: int, total: int) -> None:
        tell("progress", what=what, done=done, total=total, unit="")
        stop_if_asked()
        if done < total and left() <= 0:
            raise BudgetError(
                "the budget is used up before the data are ready",
                got=f"{done} of {total} done ({what})",
                do="give a larger --budget, or less data with data.limit",
            )

    return progress


def stop_if_asked() -> None:
    """Raises Interrupted where a signal asked this process to stop: what is finished lies in the cache or the study."""
    if number := asked_to_stop():
        raise Interrupted(number)
