"""The documents keep what they say: commands parse, keys and findings exist, links lead somewhere, Python compiles."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

import goodfit
from goodfit.augment.box_options import BoxAugment
from goodfit.augment.options import ImageAugment
from goodfit.augment.text_options import TextAugment
from goodfit.cli.flags import parse
from goodfit.cli.verbs import VERBS
from goodfit.core.asking import split_words
from goodfit.core.messages import has
from goodfit.core.recipe import Recipe, known_keys
from goodfit.core.recipe_yaml import apply_pairs

from .recipe_page import page as recipe_page

AUGMENTS = (ImageAugment, BoxAugment, TextAugment)
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_recipe_key_and_finding_that_a_document_names_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    sections = {key.partition(".")[0] for key in known_keys() if "." in key}
    keys = set(known_keys()) | {f"augment.{name}" for model in AUGMENTS for name in model.model_fields}
    files = re.compile(r".*\.(csv|npz|json|safetensors)")
    named = {key for key in re.findall(r"`([a-z_]+\.[a-z_0-9]+)`", text) if not files.fullmatch(key)}
    assert [key for key in named if key.partition(".")[0] in {*sections, "augment"} and key not in keys] == []
    assert [code for code in re.findall(r"GF-[A-Z]\d{3}", text) if not has(f"finding.{code}.title")] == []


def test_page_of_the_recipe_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "recipe.md").read_text("utf-8") == recipe_page(), "python3 tasks.py fix writes it anew"


def test_every_key_of_the_recipe_has_a_sentence() -> None:
    rows = [line for line in recipe_page().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []
    assert len(rows) == len(known_keys()) + sum(len(model.model_fields) for model in AUGMENTS)


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_readme_gives_the_same_two_commands_and_names_the_benchmarks(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert "```\npython3 tasks.py demo\npython3 tasks.py test\n```" in text
    assert "BENCHMARKS.md" in text


def test_picture_of_the_report_is_small_enough_for_a_readme() -> None:
    assert 20_000 < (ROOT / "docs" / "images" / "report.png").stat().st_size < 250_000


def test_study_files_that_the_architecture_lists_are_those_the_code_writes() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    listed = set(re.findall(r"`([a-z]+\.(?:jsonl?|html|txt|yaml|npz|safetensors))`", text))
    assert len(listed) >= 15
    assert [name for name in sorted(listed) if name not in source] == []


def test_rooms_that_the_architecture_draws_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    folders = set(re.findall(r"^([a-z]+)/ ", text, re.MULTILINE))
    there = {path.parent.name for path in (ROOT / "src" / "goodfit").glob("*/__init__.py")}
    assert folders == there


def test_files_that_contributing_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:tests|docs|core|tasks|audit|diagnose|models|data|cli)/[\w/]+\.(?:py|json|md))`", text)
    places = (ROOT, ROOT / "src" / "goodfit")
    assert named
    assert [name for name in named if not any((place / name).exists() for place in places)] == []
