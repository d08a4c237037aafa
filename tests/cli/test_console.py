"""The console: plain lines where no terminal is, a moving display where one is, hostile words harmless."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import goodfit
from goodfit.cli.console import Console
from goodfit.core.experiment import Arm, Experiment
from goodfit.core.finding import Finding
from goodfit.core.messages import LANGUAGES, texts

SHOW = """
import sys, time
from goodfit.cli.console import Console
console = Console(lang="en", budget=60.0)
with console.live():
    console("stage", name="train")
    for epoch in range(1, 4):
        time.sleep(0.5)
        values = {"loss": 0.5, "select": 0.9, "metric": "accuracy", "is_share": True, "lr": 0.1, "eta": 3.0 - epoch}
        console("epoch", run="[red]small_s", epoch=epoch, epochs=3, **values)
"""


def on_terminal(code: str) -> str:
    """What a program writes to a terminal."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen([sys.executable, "-c", code], stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        seen = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:  # Linux says so when the last writer is gone
                break
            if not piece:
                break
            seen += piece
        assert process.wait(30) == 0
    os.close(leader)
    return seen.decode()


def test_terminal_sees_a_bar_with_time_left_and_the_budget() -> None:
    seen = on_terminal(SHOW)
    assert "━" in seen
    assert "of the budget left" in seen
    assert "epoch 3/3" in seen
    assert "\x1b[?25h" in seen  # the cursor is back
    assert "[red]small_s" in seen  # words from data are no markup


def console(capsys: pytest.CaptureFixture[str], **options: Any) -> Console:
    del capsys
    return Console(lang="en", **options)


def test_plain_lines_hold_no_escape_and_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    out = console(capsys)
    with out.live():
        out("stage", name="read")
        out("note", key="cli.saved", path="a\x1b[31m\nb")
        out("decision", line={"key": "k", "value": "v", "why": "w", "numbers": {}})
        out("finding", finding=Finding(code="GF-X999", severity="problem", numbers={"n": 3}))
        out("score", part="test", metric="accuracy", is_share=True, value=0.9, low=0.8, high=0.95, n=10)
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "saved: a\\x1b[31m\\nb" in text
    assert "test: accuracy 90.00 % (95 % interval 80.00 % to 95.00 %, n 10)" in text


def test_fast_epochs_share_a_line_and_the_last_is_always_shown(capsys: pytest.CaptureFixture[str]) -> None:
    out = console(capsys)
    for epoch in range(1, 101):
        out("epoch", run="r", epoch=epoch, epochs=100, loss=0.1, select=0.5, metric="accuracy", lr=0.1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "epoch 100/100" in lines[-1]


def test_unknown_event_is_let_pass(capsys: pytest.CaptureFixture[str]) -> None:
    console(capsys)("something new", a=1)
    assert capsys.readouterr().out == ""


def told(event: str, key: str) -> set[str]:
    """Literal values of `key` in the calls that tell an event, and in `watched`, which tells of progress."""
    source = "\n".join(path.read_text("utf-8") for path in Path(goodfit.__file__).parent.rglob("*.py"))
    found = set(re.findall(rf'"{event}", {key}="(\w+)"', source))
    return found | set(re.findall(r'watched\([\w.]+, "(\w+)"', source)) if event == "progress" else found


@pytest.mark.parametrize(
    ("event", "key", "prefix"), [("stage", "name", "cli.stage."), ("progress", "what", "cli.what.")]
)
def test_words_of_stages_and_progress_are_those_that_are_told(event: str, key: str, prefix: str) -> None:
    for lang in LANGUAGES:
        assert {k.removeprefix(prefix) for k in texts(lang) if k.startswith(prefix)} == told(event, key)


@pytest.mark.parametrize(("lang", "verdict"), [("en", "worse"), ("zh", "更差")])
def test_arm_that_is_not_kept_is_said_with_its_verdict(
    lang: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    base = Arm(
        name="base", changes={}, runs=("r",), values=(6.0,), effect=0.0, low=0.0, high=0.0, p=1.0,
        verdict="no effect", seconds=3.0,
    )  # fmt: skip
    arm = replace(base, name="dropout", effect=-0.31, low=-0.4, high=-0.2, verdict="worse")
    experiment = Experiment(
        question="remedy", finding="GF-F001", metric="mae", n=9, seeds=(0, 1), base=base, arms=(arm,),
        kept="base", equivalence=0.1,
    )  # fmt: skip
    Console(lang=lang)("experiment", experiment=experiment, is_share=False)
    head, said = capsys.readouterr().out.splitlines()
    assert "mae" in head
    assert "-0.31" in said and "-0.4" in said and "-0.2" in said and verdict in said and "%" not in said
