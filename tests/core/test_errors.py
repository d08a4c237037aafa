"""Errors: one line, the four things, exit codes, advice in every docstring."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from goodfit.core import errors
from goodfit.core.errors import GoodfitError, Interrupted, UsageError, did_you_mean, printable

SOURCE = Path(errors.__file__).parents[1]
TREE = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GoodfitError)]
CODES = {
    "GoodfitError": 1,
    "UsageError": 1,
    "RecipeError": 1,
    "MissingExtra": 1,
    "DeviceError": 1,
    "RunLocked": 1,
    "DataError": 2,
    "CheckpointError": 1,
    "BudgetError": 3,
    "Interrupted": 1,  # the instance carries 128 + signal
}


def test_exit_codes_are_pinned() -> None:
    assert {kind.__name__: kind.exit_code for kind in TREE} == CODES


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_docstring_is_advice(kind: type[GoodfitError]) -> None:
    assert kind.__doc__
    assert kind.__doc__.strip()[0].isupper()


def test_every_error_of_the_source_says_what_to_do() -> None:
    names, silent = {kind.__name__ for kind in TREE} - {"Interrupted"}, []
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                advised = any(keyword.arg == "do" for keyword in node.keywords)
                silent += [] if advised else [f"{file.relative_to(SOURCE)}:{node.lineno}"]
    assert not silent


def test_error_says_where_wrong_got_allowed_do_in_that_order() -> None:
    error = UsageError("too hot", got=90, allowed="at most 40", do="cool it", where="oven")
    assert str(error) == "oven: too hot; got 90; allowed: at most 40; cool it"


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
def test_interruption_exits_with_128_plus_signal(number: int, code: int) -> None:
    assert Interrupted(number).exit_code == code


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("猫", "猫"),
        ("x" * 301, "x" * 299 + "…"),
        (3.5, "3.5"),
    ],
)
def test_printable_is_one_safe_line(value: object, shown: str) -> None:
    assert printable(value) == shown


def test_hostile_place_is_escaped_in_the_message() -> None:
    assert "\n" not in str(GoodfitError("bad", where="a\nb", got="c\x1b]0;x\x07"))


def test_did_you_mean_names_one_near_word_or_nothing() -> None:
    assert did_you_mean("epoch", ["epochs", "lr"]) == "Did you mean 'epochs'?"
    assert did_you_mean("zzz", ["epochs", "lr"]) == ""
