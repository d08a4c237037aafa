"""The documents keep what they say: commands parse, keys exist, links lead somewhere, Python snippets compile."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

import goodfit
from goodfit.cli.flags import parse
from goodfit.cli.verbs import VERBS
from goodfit.core.asking import split_words
from goodfit.core.recipe import Recipe
from goodfit.core.recipe_yaml import apply_pairs

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    return [(language, text) for language, text in BLOCK.findall(page.read_text("utf-8"))]


def commands() -> list[str]:
    lines = [line for page in PAGES for _, text in blocks(page) for line in text.splitlines()]
    lines = [line.strip().removeprefix(".venv/bin/") for line in lines]
    return sorted({line for line in lines if line.startswith("goodfit ")})


@pytest.mark.parametrize("command", commands())
def test_command_in_a_document_parses(command: str) -> None:
    _, verb, *rest = shlex.split(command, comments=True)
    if verb.startswith("-"):
        return
    words, _ = parse(verb, rest)
    assert len(words) >= VERBS[verb].least
    if "key=value" in VERBS[verb].usage:
        apply_pairs(Recipe(), split_words(words[1 if verb == "evaluate" else 0 :])[1])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_a_document_compiles_and_names_what_exists(page: Path) -> None:
    for language, text in blocks(page):
        if language == "python":
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "goodfit":
                    assert node.attr in goodfit.__all__


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_files_that_contributing_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:tests|docs|core|tasks|audit|diagnose|models|data|cli)/[\w/]+\.(?:py|json|md))`", text)
    places = (ROOT, ROOT / "src" / "goodfit")
    assert named
    assert [name for name in named if not any((place / name).exists() for place in places)] == []
