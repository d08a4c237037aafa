"""The plain questions at the terminal: yes, no, Enter, nonsense and the end of input."""

from __future__ import annotations

import io

import pytest

from goodfit.augment.scene import QUESTIONS
from goodfit.cli.console import Console
from goodfit.cli.scene_questions import asked_about
from goodfit.core.errors import UsageError
from goodfit.core.recipe import Recipe


def ask(monkeypatch: pytest.MonkeyPatch, lines: list[str], asked: Recipe | None = None, lang: str = "en") -> Recipe:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    return asked_about(asked or Recipe(), Console(lang=lang))


def test_answers_become_keys_and_enter_leaves_it_to_the_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    got = ask(monkeypatch, ["yes", "", "n", "auto", "", "Y", "no"])
    assert (got.scene.mirrors, got.scene.upside_down, got.scene.rotates) == (True, "auto", False)
    assert (got.scene.colour_matters, got.scene.outdoor) == (True, False)
    out = "".join(capsys.readouterr())
    assert "scene.mirrors=yes scene.rotates=no scene.colour_matters=yes scene.outdoor=no" in " ".join(out.split())


def test_nonsense_is_asked_again_and_chinese_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    got = ask(monkeypatch, ["maybe", "是", *[""] * (len(QUESTIONS) - 1)], lang="zh")
    assert got.scene.mirrors is True


def test_what_was_answered_on_the_command_line_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Recipe().with_("scene.mirrors", False)
    got = ask(monkeypatch, [*[""] * (len(QUESTIONS) - 1)], asked)
    assert got == asked


def test_the_end_of_input_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="scene.upside_down=yes"):
        ask(monkeypatch, ["yes"])
