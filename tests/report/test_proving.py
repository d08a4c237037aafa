"""The chapter on experiments: an arm that was lost has no figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from study_fixture import make_study

from goodfit.report import proving
from goodfit.report.story import read


def test_lost_arm_has_a_row_without_figures_and_no_line_in_the_forest(tmp_path: Path) -> None:
    story = read(make_study(tmp_path / "study"))
    (experiment,) = story.experiments
    lost = replace(experiment, arms=(replace(experiment.arms[0], values=(), name="mixup"), *experiment.arms[1:]))
    told = proving.tried(replace(story, experiments=(lost,)))
    assert told is not None
    row, other = told["experiments"][0]["rows"][:2]
    assert (row["effect"], row["interval"], row["p"], row["values"]) == ("–", "–", "–", [])
    assert row["verdict"].en == "did not finish"
    assert other["effect"] != "–"
    figure = str(told["experiments"][0]["figure"])
    assert other["name"].en in figure
    assert row["name"].en not in figure
