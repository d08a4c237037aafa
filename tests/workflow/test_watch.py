"""Work outside training: told as it goes, stopped by a signal, ended by a budget that is used up."""

from __future__ import annotations

from typing import Any

import pytest

from goodfit.core.errors import BudgetError, Interrupted
from goodfit.core.telling import silent
from goodfit.workflow import watch


def test_progress_is_told_under_its_name() -> None:
    heard: list[dict[str, Any]] = []
    progress = watch.watched(lambda event, /, **values: heard.append(values), "scan", lambda: 1.0)
    progress(3, 10)
    assert heard == [{"what": "scan", "done": 3, "total": 10, "unit": ""}]


@pytest.mark.parametrize("number", [2, 15])
def test_signal_stops_the_work(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(watch, "asked_to_stop", lambda: number)
    with pytest.raises(Interrupted) as caught:
        watch.watched(silent, "decode", lambda: 1.0)(1, 2)
    assert caught.value.exit_code == 128 + number


def test_used_up_budget_ends_unfinished_work_in_words() -> None:
    progress = watch.watched(silent, "scan", lambda: 0.0)
    with pytest.raises(BudgetError, match="9 of 10 done.*--budget.*data.limit"):
        progress(9, 10)
    progress(10, 10)  # what is finished is of use
