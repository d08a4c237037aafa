"""Answers as lines for a person: tables align, scores carry their interval, hostile names stay harmless."""

from __future__ import annotations

from types import SimpleNamespace

from goodfit.cli.answers import audit_lines, plan_lines, prediction_lines, study_lines, table, tree_lines
from goodfit.models.candidates import traits_of

SCORE = {"value": 0.9861, "low": 0.97, "high": 0.995, "n": 360}


def test_nested_answer_is_readable() -> None:
    tree = {"task": "t", "counts": {"train": 3, "test": 1}, "list": [{"a": 1}, {"a": 2.5}], "none": None}
    assert [text for text, _ in tree_lines(tree, "en")] == [
        "  task  t",
        "  none  –",
        "  counts",
        "    train  3",
        "    test   1",
        "  list",
        "    a  1",
        "    a  2.5",
    ]


def test_scores_in_an_answer_show_metric_interval_and_n() -> None:
    tree = {"primary": "accuracy", "test": SCORE, "metrics": {"bce": SCORE, "f1_macro": SCORE}}
    texts = [text for text, _ in tree_lines(tree, "en", shares={"accuracy", "f1_macro"})]
    assert "accuracy 98.61 % (95 % interval 97.00 % to 99.50 %, n 360)" in texts[1]
    assert texts[-2] == "    bce       0.9861 (95 % interval 0.97 to 0.995, n 360)"
    assert texts[-1] == "    f1_macro  98.61 % (95 % interval 97.00 % to 99.50 %, n 360)"


def test_findings_in_an_answer_are_words() -> None:
    finding = {"code": "GF-X999", "severity": "warning", "numbers": {}, "ids": [], "run_id": ""}
    assert ("    ! GF-X999  ", "yellow") in tree_lines({"findings": [finding]}, "en")


def test_chinese_names_count_double_in_a_table() -> None:
    assert [text for text, _ in table([("任务", "a"), ("abcde", "b")])] == ["  任务   a", "  abcde  b"]


def test_study_ends_with_scores_places_findings_and_the_next_step() -> None:
    result = {
        "primary": "accuracy",
        "is_share": True,
        "task": "t",
        "family": "resnet",
        "val": SCORE,
        "test": None,
        "seconds": 65.0,
        "model": "/m",
    }
    finding = SimpleNamespace(code="GF-X999", severity="problem", numbers={}, ids=())
    texts = [text for text, _ in study_lines(result, [finding], 120.0, "en")]
    assert any("1 min 05 s / 2 min" in text for text in texts)
    assert any("accuracy 98.61 %" in text for text in texts)
    assert not any(text.startswith("  test") for text in texts)
    assert any("GF-X999" in text for text in texts)
    assert texts[-1] == "try it: goodfit predict /m FILE"


def test_audit_lists_names_and_says_how_many_more() -> None:
    answer = {
        "class_counts": {"train": {"ant": 1200, "a\nb": 3}},
        "quarantined": [{"id": f"{i}.jpg", "fault": "truncated"} for i in range(23)],
        "duplicates": [["a", "b"]],
        "conflicts": [],
        "leaks": [],
    }
    texts = [text for text, _ in audit_lines(answer, "en")]
    assert "    ant   1,200" in texts
    assert "    a\\nb  3" in texts
    assert "    0.jpg  truncated" in texts
    assert "    … 3 more in --json" in texts
    assert "    a = b" in texts


def test_audit_of_boxes_counts_boxes_and_the_pictures_that_show_them() -> None:
    answer = {"class_counts": {"": {"ant": 1200}}, "picture_counts": {"": {"ant": 310}}}
    texts = [text for text, _ in audit_lines(answer, "en")]
    assert texts[1:3] == ["  boxes (pictures) per class", "    ant  1,200 (310)"]


def test_plan_shows_each_key_with_its_value() -> None:
    answer = {
        "candidates": [{"rung": "small_s", "seconds": 30.0, "parameters": 500_000, "fits": False}],
        "recipe": {"train.lr": 0.1, "seed": 0},
        "reasons": [{"key": "train.lr", "value": 0.1, "why": "no.such.reason", "numbers": {}}],
    }
    texts = [text for text, _ in plan_lines(answer, "en")]
    assert "  small_s · 30 s · 0.5 M parameters · over the budget" in texts
    assert "  train.lr  0.1   no.such.reason value=0.1" in texts
    assert "  seed      0" in texts


def test_candidate_of_a_plan_is_shown_with_its_traits() -> None:
    row = {"rung": "whole", "model": "torchvision/resnet18", **traits_of("torchvision/resnet18")}
    (text,) = [text for text, _ in plan_lines({"candidates": [row]}, "en") if "whole" in text]
    shown = "small data: medium · transfer: high · interpretability: high · augmentation: geometry, colour, mixing"
    assert text == f"  whole · {shown}"
    assert "可迁移性：高" in plan_lines({"candidates": [row]}, "zh")[2][0]


def test_prediction_is_one_line_and_one_more_a_box() -> None:
    assert prediction_lines({"input": "a\n.jpg", "label": "cat", "probability": 0.973}) == ["a\\n.jpg  cat  97.3 %"]
    assert prediction_lines({"input": "a", "value": 3.25}) == ["a  value 3.25"]
    assert prediction_lines({"input": "a", "labels": ["x", "y"]}) == ["a  labels x, y"]
    box = {"label": "b\nc", "probability": 0.5, "box": [1.0, 2.5, 30.0, 40.0]}
    assert prediction_lines({"input": "a", "boxes": [box, box]}) == [
        "a  2",
        *2 * ["    b\\nc  50.0 %  (1, 2.5, 30, 40)"],
    ]
