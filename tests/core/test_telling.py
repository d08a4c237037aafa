"""Events become plain sentences in both languages, and words never stop a run."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest

from goodfit.core.finding import Finding
from goodfit.core.telling import log_to, sentence, show_decision, show_score, show_value, silent, tell_all, words

GUESS = types.SimpleNamespace(
    format="class folders",
    task="image_classification",
    target="folder",
    classes=("ant", "<b>\n"),
    counts={"train": 1200, "test": 3},
    samples=(("a.jpg", "ant"),),
)
SAMPLE: dict[str, dict[str, Any]] = {
    "note": {"key": "cli.interrupted"},
    "stage": {"name": "train"},
    "data": {"guess": GUESS},
    "split": {"counts": {"train": 10, "select": 1, "confirm": 1, "test": 2}, "how": ("stratified",)},
    "progress": {"what": "decode", "done": 1200, "total": 5000, "unit": ""},
    "epoch": {
        "run": "small_s",
        "epoch": 3,
        "epochs": 7,
        "loss": 0.25,
        "select": 0.91,
        "metric": "accuracy",
        "lr": 0.001,
        "eta": 65.0,
    },
    "decision": {"line": {"key": "ladder.1", "value": "climb", "why": "no.such.reason", "numbers": {"loss": 0.5}}},
    "finding": {"finding": Finding(code="GF-X999", severity="info")},
    "score": {"part": "test", "metric": "accuracy", "value": 0.986, "low": 0.97, "high": 0.995, "n": 360},
    "saved": {"path": Path("runs/a/model")},
}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("event", SAMPLE)
def test_every_event_has_one_plain_line(event: str, lang: str) -> None:
    text = sentence(event, lang, SAMPLE[event])
    assert text
    assert "\n" not in text


def test_unknown_event_says_nothing() -> None:
    assert sentence("no such event", "en", {}) is None


def test_epoch_line_holds_its_numbers() -> None:
    assert (
        sentence("epoch", "en", SAMPLE["epoch"])
        == "small_s · epoch 3/7 · loss 0.25 · accuracy 91.00 % · lr 0.001 · 1 min 05 s left"
    )


def test_guess_is_shown_with_format_task_classes_counts_and_samples() -> None:
    text = sentence("data", "en", {"guess": GUESS})
    assert text == (
        "format class folders; task image_classification; target folder; classes 2: ant, <b>\\n; "
        "counts train 1,200, test 3; for example a.jpg  ->  ant"
    )


def test_missing_text_or_placeholder_shows_key_and_values_instead_of_failing() -> None:
    assert words("no.such.key", "en", n=3) == "no.such.key n=3"
    assert words("cli.interval", "en", low="1") == "cli.interval low=1"
    assert words("cli.eta", "en", time="a\nb") == "a\\nb left"


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("accuracy", 0.9861, "98.61 %"),
        ("rmse", 3.14159, "3.142"),
        ("accuracy", None, "–"),
        ("accuracy", float("nan"), "–"),
    ],
)
def test_metric_value_as_people_read_it(metric: str, value: float | None, shown: str) -> None:
    assert show_value(metric, value) == shown


def test_score_without_interval_shows_the_value_alone() -> None:
    assert show_score("accuracy", {"value": 0.5, "low": None, "high": None, "n": 4}, "en") == "accuracy 50.00 %"


def test_decision_without_a_text_shows_key_and_value() -> None:
    assert show_decision(SAMPLE["decision"]["line"], "en") == "ladder.1: climb no.such.reason"


def test_hostile_words_from_data_are_escaped() -> None:
    text = sentence("stage", "en", {"name": "\x1b[31m<script>\n"})
    assert text == "\\x1b[31m<script>\\n"


def test_log_gets_a_line_an_event_and_no_progress(tmp_path: Path) -> None:
    heard: list[str] = []
    tell = tell_all(log_to(tmp_path / "log.txt"), lambda event, /, **values: heard.append(event), silent)
    for event, values in SAMPLE.items():
        tell(event, **values)
    assert heard == list(SAMPLE)
    assert len((tmp_path / "log.txt").read_text("utf-8").splitlines()) == len(SAMPLE) - 1
