"""Events become plain sentences in both languages, and words never stop a run."""

from __future__ import annotations

import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from goodfit.core.experiment import Arm, Experiment
from goodfit.core.finding import Finding
from goodfit.core.telling import (
    log_to,
    sentence,
    show_decision,
    show_experiment,
    show_number,
    show_score,
    show_value,
    silent,
    tell_all,
    words,
)

NAN = float("nan")
GUESS = types.SimpleNamespace(
    format="class folders",
    task="image_classification",
    target="folder",
    classes=("ant", "<b>\n"),
    counts={"train": 1200, "test": 3},
    samples=(("a.jpg", "ant"),),
)
ARM = Arm(
    name="dropout",
    changes={"model.dropout": 0.2},
    runs=("r",),
    values=(0.9,),
    effect=0.0123,
    low=-0.004,
    high=0.03,
    p=0.2,
    verdict="cannot tell",
    seconds=3.0,
)
EXPERIMENT = Experiment(
    question="remedy",
    finding="GF-F001",
    metric="accuracy",
    n=210,
    seeds=(0, 1),
    base=replace(ARM, name="base", changes={}, effect=0.0, low=0.0, high=0.0, verdict="no effect"),
    arms=(ARM, replace(ARM, name="of my own", effect=-0.05, low=-0.07, high=-0.03, verdict="worse")),
    kept="base",
    equivalence=0.003,
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
        "is_share": True,
        "lr": 0.001,
        "eta": 65.0,
    },
    "decision": {"line": {"key": "ladder.1", "value": "climb", "why": "no.such.reason", "numbers": {"loss": 0.5}}},
    "finding": {"finding": Finding(code="GF-X999", severity="info")},
    "experiment": {"experiment": EXPERIMENT, "is_share": True},
    "score": {
        "part": "test",
        "metric": "accuracy",
        "is_share": True,
        "value": 0.986,
        "low": 0.97,
        "high": 0.995,
        "n": 360,
    },
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
    ("value", "is_share", "shown"),
    [(0.9861, True, "98.61 %"), (0.31, False, "0.31"), (3.14159, False, "3.142"), (None, True, "–"), (NAN, True, "–")],
)
def test_metric_value_as_people_read_it(value: float | None, is_share: bool, shown: str) -> None:
    assert show_value(value, is_share) == shown


def test_score_without_interval_shows_the_value_alone() -> None:
    score = {"value": 0.5, "low": None, "high": None, "n": 4}
    assert show_score("accuracy", score, "en", True) == "accuracy 50.00 %"
    assert show_score("bce", score, "en", False) == "bce 0.5"


def test_metric_of_an_event_that_does_not_say_what_it_is_stays_a_plain_number() -> None:
    said = sentence("score", "en", {"part": "test", "metric": "bce", "value": 0.31, "low": 0.3, "high": 0.32, "n": 9})
    assert said is not None and "%" not in said.replace("95 % interval", "")


def test_each_arm_of_an_experiment_is_said_with_effect_interval_and_verdict_in_both_languages() -> None:
    head, dropout, own = show_experiment(EXPERIMENT, "en", True)
    assert "2 arms" in head and "2 seeds" in head and "n = 210" in head
    assert dropout == "More dropout: +1.23 points, interval -0.40 to +3.00: cannot tell"
    assert own == "of my own: -5.00 points, interval -7.00 to -3.00: worse"
    assert show_experiment(EXPERIMENT, "en", False)[1] == "More dropout: +0.0123, interval -0.004 to +0.03: cannot tell"
    assert "更差" in show_experiment(EXPERIMENT, "zh", True)[2]


@pytest.mark.parametrize(("lang", "said"), [("en", "More dropout: did not finish"), ("zh", "未完成")])
def test_arm_that_was_lost_is_said_without_figures(lang: str, said: str) -> None:
    lost = replace(EXPERIMENT, arms=(replace(ARM, values=()),))
    line = show_experiment(lost, lang, True)[1]
    assert said in line
    assert not any(c.isdigit() for c in line)


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


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.98765, "0.9877"),
        (999.96, "1000"),
        (21886.4, "21,886"),
        (-1234567, "-1,234,567"),
        (360, "360"),
        (2e16, "2e+16"),
    ],
)
def test_numbers_are_shown_as_people_read_them(value: float, shown: str) -> None:
    assert show_number(value) == shown
    assert show_number(abs(value), "+").startswith("+")
