"""Floors and doors: every import goes sideways within its folder or down, and heavy libraries have one door each."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "goodfit"

FLOORS = {
    "core": 1,
    "stats": 2,
    "data": 3,
    "augment": 4,
    "models": 4,
    "engine": 4,
    "train": 5,
    "tasks": 6,
    "audit": 7,
    "diagnose": 7,
    "search": 7,
    "ensemble": 7,
    "compress": 7,
    "export": 7,
    "report": 7,
    "launch": 7,
    "workflow": 8,
    "web": 9,
    "serve": 9,
    "cli": 10,
    "": 11,  # the package's own front: __init__ and api
}

# Library -> the only places that may import it; a place is a file, or a folder ending in "/".
DOORS = {
    "torchvision": ("models/vision.py", "models/torch_detectors.py", "models/found.py"),
    "timm": ("models/vision.py",),
    "huggingface_hub": ("models/download.py",),
    "accelerate": ("engine/engine.py",),
    "pandas": ("data/readers/",),
    "pyarrow": ("data/readers/columnar.py",),
    "openpyxl": ("data/readers/workbook.py",),
    "sklearn": ("data/readers/", "train/row_linear.py", "train/logistic.py"),
    "lightgbm": ("train/boosting.py",),
    "transformers": ("models/hub.py",),
    "faster_coco_eval": (),
    "jinja2": ("report/",),
    "rich": ("cli/console.py",),
    "mlflow": ("workflow/",),
    "tensorboard": ("workflow/",),
}
# Doors are imported inside functions; these alone may stand at a file's top.
LIGHT = {"jinja2", "rich"}
CORE_MAY_IMPORT = set(sys.stdlib_module_names) | {"numpy", "pydantic", "yaml"}
BANNED = {"torchaudio", "ultralytics", "albumentations", "ffcv", "decord", "pickle", "typer"}


class Import(NamedTuple):
    """One import statement: where it stands, what it names, and whether it runs when the file is imported."""

    file: Path
    line: int
    target: str
    is_late: bool

    @property
    def place(self) -> str:
        return self.file.relative_to(SOURCE).as_posix()

    @property
    def room(self) -> str:
        return room(self.place)

    def __str__(self) -> str:
        return f"{self.place}:{self.line} imports {self.target}"


def room(place: str) -> str:
    return place.split("/")[0] if "/" in place else ""


def imports_of(file: Path) -> list[Import]:
    found: list[Import] = []
    _walk(ast.parse(file.read_text("utf-8")), file, False, found)
    return found


def _walk(node: ast.AST, file: Path, late: bool, found: list[Import]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            found += [Import(file, child.lineno, alias.name, late) for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            found += [Import(file, child.lineno, name, late) for name in _targets(child, file)]
        inside = late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        _walk(child, file, inside or _is_type_checking(child), found)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _targets(node: ast.ImportFrom, file: Path) -> list[str]:
    """Absolute dotted names; a relative import is resolved to goodfit.<...>, down to the file that it means."""
    if not node.level:
        return [node.module or ""]
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts[: -node.level]
    base = ".".join([*parts, *(node.module or "").split(".")]).rstrip(".")
    return [f"{base}.{alias.name}" if _is_module(f"{base}.{alias.name}") else base for alias in node.names]


def _is_module(dotted: str) -> bool:
    path = SOURCE.parent.joinpath(*dotted.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


IMPORTS = [found for file in sorted(SOURCE.rglob("*.py")) for found in imports_of(file)]


def climb(found: Import) -> str | None:
    """What is wrong with an import inside the package, or None."""
    parts = found.target.split(".")
    if parts[0] != "goodfit":
        return None
    target_room = parts[1] if len(parts) > 1 and parts[1] in FLOORS else ""
    if found.room == target_room:
        own_front = len(parts) == 2 and found.file.name != "__init__.py" and found.room != ""
        return "its own folder's front" if own_front else None
    here, there = FLOORS[found.room], FLOORS[target_room]
    if there >= here:
        return f"a climb from floor {here} ({found.room}) to floor {there} ({target_room or 'the package front'})"
    return None


def test_every_folder_has_a_floor() -> None:
    folders = {path.parent.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.py") if path.parent != SOURCE}
    assert folders <= set(FLOORS), f"give a floor to {folders - set(FLOORS)}"


def test_no_import_climbs() -> None:
    wrong = [f"{found}: {reason}" for found in IMPORTS if (reason := climb(found))]
    assert not wrong, "\n".join(wrong)


def test_nothing_inside_imports_the_package_by_its_name() -> None:
    wrong = []
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            wrong += [f"{file.relative_to(SOURCE)}:{node.lineno}" for name in names if name.split(".")[0] == "goodfit"]
    assert not wrong, "write a relative import: " + ", ".join(wrong)


@pytest.mark.parametrize("library", DOORS)
def test_heavy_library_has_one_door(library: str) -> None:
    mine = [found for found in IMPORTS if found.target.split(".")[0] == library]
    outside = [str(found) for found in mine if not any(_in(found.place, door) for door in DOORS[library])]
    assert not outside, f"the door of {library} is {DOORS[library]}: " + "; ".join(outside)
    early = [str(found) for found in mine if not found.is_late]
    assert library in LIGHT or not early, "import it inside the function behind the door: " + "; ".join(early)


def _in(place: str, door: str) -> bool:
    return place.startswith(door) if door.endswith("/") else place == door


def test_core_imports_standard_library_numpy_pydantic_and_yaml_only() -> None:
    tops = {(str(found), found.target.split(".")[0]) for found in IMPORTS if found.room == "core"}
    wrong = [text for text, top in tops if top not in CORE_MAY_IMPORT and top != "goodfit"]
    assert not wrong, wrong


def test_torch_starts_on_floor_four_and_late_on_floor_three() -> None:
    torch = [found for found in IMPORTS if found.target.split(".")[0] == "torch"]
    low = [str(found) for found in torch if FLOORS[found.room] < 3]
    early = [str(found) for found in torch if FLOORS[found.room] == 3 and not found.is_late]
    assert not low + early, low + early


def test_banned_libraries_are_not_imported() -> None:
    wrong = [str(found) for found in IMPORTS if found.target.split(".")[0] in BANNED]
    assert not wrong, wrong


def test_the_walk_sees_a_planted_climb(tmp_path: Path) -> None:
    """The guard guards: a late import from a higher floor, and one under TYPE_CHECKING, are both found."""
    file = SOURCE / "stats" / "planted.py"
    tree = ast.parse("def f():\n    from ..train import loop\nif TYPE_CHECKING:\n    from ..cli.main import main\n")
    found: list[Import] = []
    _walk(tree, file, False, found)
    assert [bool(climb(one)) for one in found] == [True, True]
    assert all(one.is_late for one in found)
