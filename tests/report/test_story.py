"""Reading a study folder: who won, what is judged, what is missing."""

from __future__ import annotations

import json
from pathlib import Path

from study_fixture import make_cut, make_lone_train, make_study

from goodfit.report.story import number, read, score_from


def test_winner_is_the_chosen_run_and_final_its_refit(study: Path) -> None:
    told = read(study)
    assert told.winner is not None and told.winner.id == "small_m-04f1"
    assert told.final is not None and told.final.id == "small_m-refit-5e0d"
    assert told.judged is not None and told.judged.split == "test"
    assert told.unread == ()


def test_without_test_predictions_the_winners_confirm_is_judged_never_the_refits(tmp_path: Path) -> None:
    folder = make_study(tmp_path / "study")
    refit = folder / "runs" / "small_m-refit-5e0d" / "predictions"
    (refit / "test.npz").rename(refit / "confirm.npz")
    told = read(folder)
    assert told.judged is not None
    assert (told.judged.split, told.judged.run_id) == ("confirm", "small_m-04f1")


def test_findings_of_study_and_runs_are_told_once_gravest_first(study: Path) -> None:
    assert [f.code for f in read(study).findings] == ["GF-D999", "GF-F001", "GF-F008"]


def test_half_written_ledger_line_is_left_out_and_left_alone(tmp_path: Path) -> None:
    folder = make_cut(tmp_path / "study")
    before = (folder / "ledger.jsonl").read_bytes()
    assert len(read(folder).lines) == 1
    assert (folder / "ledger.jsonl").read_bytes() == before


def test_pictures_that_are_no_images_are_left_out(tmp_path: Path) -> None:
    folder = make_lone_train(tmp_path / "study")
    tree = {"a": {"png": "bm90IGEgcGljdHVyZQ=="}, "b": {"png": '"><script>'}, "c": {"text": "<hello>"}, "d": 3}
    (folder / "pictures.json").write_text(json.dumps(tree), "utf-8")
    assert {name: p.text for name, p in read(folder).pictures.items()} == {"c": "<hello>"}


def test_scores_are_read_from_objects_and_bare_numbers() -> None:
    score = score_from({"value": 0.5, "low": None, "high": 0.6, "n": 10}, "accuracy")
    assert score is not None and score.n == 10 and score.low != score.low
    assert score_from(0.25, "accuracy") is not None
    assert score_from(None, "accuracy") is None
    assert number(True) is None and number(float("inf")) is None


def test_a_share_is_what_the_study_says_and_an_unknown_metric_is_a_number(tmp_path: Path) -> None:
    told = read(make_lone_train(tmp_path / "study"))
    assert told.is_share("accuracy") and told.is_share("mean_average_precision")
    assert not any(told.is_share(name) for name in ("bce", "mae", "loss", "no_such_metric"))
