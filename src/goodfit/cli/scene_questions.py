"""The plain questions about a scene, asked at the terminal; the answers are recipe keys like any other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..core.errors import UsageError
from ..core.messages import say
from .console import Console

if TYPE_CHECKING:
    from ..core.recipe import Recipe

YES = {"yes", "y", "true", "是", "对", "会"}
NO = {"no", "n", "false", "否", "不", "不会"}
OPEN = {"", "auto", "?"}


def asked_about(asked: Recipe, console: Console) -> Recipe:
    """The recipe with the questions answered that it leaves open.

    Args:
        asked: what the command asks for.
        console: shows the questions; answers come from standard input, one a line.
    Raises: UsageError if standard input ends before the last question.
    """
    from ..augment.scene import QUESTIONS

    given = []
    for question in QUESTIONS:
        key = f"scene.{question.key}"
        if asked.get(key) == "auto" and (answer := _answer(question.key, console)) is not None:
            asked = asked.with_(key, answer)
            given.append(f"{key}={'yes' if answer else 'no'}")
    console.line(say("scene.ask.keys", console.lang, keys=" ".join(given) or "–"))
    return asked


def _answer(key: str, console: Console) -> bool | None:
    console.line(say(f"scene.ask.{key}", console.lang))
    while True:
        console.line(say("scene.ask.prompt", console.lang), "dim")
        line = sys.stdin.readline()
        if not line:
            raise UsageError(
                "the questions were not answered to the end",
                allowed="yes, no or an empty line for each",
                do=f"answer at a terminal, or write the answers as keys: scene.{key}=yes",
                where="--ask",
            )
        word = line.strip().lower()
        if word in YES | NO | OPEN:
            return None if word in OPEN else word in YES
        console.line(say("scene.ask.again", console.lang))
