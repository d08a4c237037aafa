"""The chapter on learning: train and select side by side only where both are the same figure."""

from __future__ import annotations

import json
from pathlib import Path

from study_fixture import make_numbers, make_study

from goodfit.core.messages import say
from goodfit.report import working
from goodfit.report.story import read


def chapter(folder: Path) -> dict[str, object]:
    found = working.learning(read(folder))
    assert found is not None
    return found


def drop_train_scores(folder: Path) -> Path:
    """As a metric leaves it that is no mean over samples."""
    for path in folder.glob("runs/*/records.jsonl"):
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for record in records:
            record["train"].pop("score", None)
        path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return folder


def test_gap_of_the_score_is_shaded_and_named_and_that_of_the_loss_is_not(tmp_path: Path) -> None:
    told = chapter(make_study(tmp_path / "study"))
    loss, score = told["figures"]  # type: ignore[misc]
    assert ('class="gap"' in loss[1], 'class="gap"' in score[1]) == (False, True)
    assert "a gap of" in told["sentence"].en  # type: ignore[attr-defined]


def test_metric_without_a_train_score_is_shown_on_select_alone(tmp_path: Path) -> None:
    told = chapter(drop_train_scores(make_study(tmp_path / "study")))
    _, score = told["figures"]  # type: ignore[misc]
    assert 'class="gap"' not in score[1]
    assert 'class="line-train"' not in score[1]
    assert score[3].en == say("report.learning.how_select", "en")
    assert "gap" not in told["sentence"].en  # type: ignore[attr-defined]


def test_loss_of_numbers_is_shown_on_train_alone_since_select_is_in_another_unit(tmp_path: Path) -> None:
    loss = chapter(make_numbers(tmp_path / "study"))["figures"][0]  # type: ignore[index]
    assert ('class="line-train"' in loss[1], 'class="line-select"' in loss[1]) == (True, False)
    assert loss[0] == "loss"
