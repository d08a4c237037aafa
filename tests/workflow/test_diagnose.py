"""`diagnose` on studies in any state: before the first run, with contradicting labels, on a ladder with limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goodfit.core.errors import UsageError
from goodfit.core.finding import Finding
from goodfit.core.recipe import Recipe
from goodfit.diagnose import Evidence
from goodfit.workflow import diagnose as room
from goodfit.workflow.prepare import about
from goodfit.workflow.study import Study

from .stage import candidate, data, pricer


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study that was cut before its first run."""
    study = Study(tmp_path / "study")
    study.write("study.json", {"asked": Recipe().model_dump(mode="json"), **about(data())})
    return study


def with_run(study: Study, model: str = "small_s") -> Study:
    plan = pricer(1e-3)(Recipe().with_("model.name", model), data())
    candidate(study.folder / "runs", f"{model}-0123abcd", 0.6, True, plan)
    return study


def underfits(evidence: Evidence) -> list[Finding]:
    return [Finding(code="GF-F002", severity="warning", run_id=evidence.run_id, numbers={"still_falling": False})]


def test_study_that_was_cut_before_its_first_run_says_to_go_on(study: Study) -> None:
    with pytest.raises(UsageError, match="cut before its first run.*repeat its command"):
        room.diagnose(study.folder)


def test_contradicting_labels_that_the_audit_counted_reach_the_symptoms(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Evidence] = []

    def look(evidence: Evidence) -> list[Finding]:
        seen.append(evidence)
        return []

    monkeypatch.setattr(room, "look", look)
    room.diagnose(with_run(study).folder)
    study.add_findings([Finding(code="GF-D004", severity="warning", numbers={"count": 7})])
    room.diagnose(study.folder)
    assert [evidence.counts["conflicts"] for evidence in seen] == [0, 7]


@pytest.mark.parametrize(("model", "larger"), [("small_s", True), ("small_m", False)])
def test_larger_model_is_a_remedy_where_the_ladder_has_one(
    model: str, larger: bool, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "look", underfits)
    names = room.diagnose(with_run(study, model).folder)["remedies"]
    assert ("larger_model" in names) is larger


def test_model_beyond_the_limits_is_no_remedy(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "look", underfits)
    line: dict[str, Any] = {"value": False, "why": "limits.dropped", "numbers": {"rung": "small_m"}}
    with_run(study).ledger.decide("limits.small_m", lambda: line)
    assert "larger_model" not in room.diagnose(study.folder)["remedies"]
