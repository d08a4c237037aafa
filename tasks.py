"""The words a developer needs: `python3 tasks.py demo | test | fix | check | docs | bench | all`.

Needs Python 3.11 or newer and nothing else: makes `.venv` beside this file and installs the pinned versions into it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
UV = "uv==0.13.8"  # resolves the same everywhere and ignores what pip is configured to look at first
STAMP = VENV / "installed.json"

PLAIN = ("-e", ".")
EVERYTHING = ("-e", ".[all]", "--group", "dev", "--group", "bench")


def demo(words: Sequence[str]) -> int:
    """Install goodfit into .venv and fit the handwritten digits."""
    install(PLAIN)
    return run("goodfit", "fit", "digits", *words)


def test(words: Sequence[str]) -> int:
    """Install every extra and development dependency, and run the tests."""
    install(EVERYTHING)
    return run("pytest", "-n", "2", *words)


def fix(words: Sequence[str]) -> int:
    """Format, mend what can be mended by itself, and make docs/recipe.md anew."""
    install(EVERYTHING)
    return (
        run("ruff", "check", "--fix", ".")
        or run("ruff", "format", ".")
        or run("python", str(ROOT / "tests" / "docs" / "recipe_page.py"))
    )


def check(words: Sequence[str]) -> int:
    """Format, lint, types, floors and pinned names; what pre-commit runs."""
    install(EVERYTHING)
    return (
        run("ruff", "format", "--check", ".")
        or run("ruff", "check", ".")
        or run("mypy")
        or run("pytest", "-q", "tests/test_floors.py", "tests/test_flags.py", "tests/test_names.py")
    )


def docs(words: Sequence[str]) -> int:
    """Test the documentation: commands parse, keys and files exist, Python compiles."""
    install(EVERYTHING)
    return run("pytest", "-q", "tests/docs", *words)


def bench(words: Sequence[str]) -> int:
    """Run one script of benchmarks/ by its name; without a name, list them."""
    scripts = {path.stem: path for path in sorted((ROOT / "benchmarks").glob("*.py")) if not path.stem.startswith("_")}
    if not words or words[0] not in scripts:
        print("benchmarks:", ", ".join(scripts) or "none")
        return 1 if words else 0
    install(EVERYTHING)
    return run("python", str(scripts[words[0]]), *words[1:])


def all_(words: Sequence[str]) -> int:
    """check, test, docs."""
    return check(()) or test(()) or docs(())


WORDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo,
    "test": test,
    "fix": fix,
    "check": check,
    "docs": docs,
    "bench": bench,
    "all": all_,
}


def install(what: Sequence[str]) -> None:
    """Bring `.venv` to the pinned versions; nothing is done when it already holds them."""
    wanted = _wanted(what)
    if wanted in _installed():
        return
    if not (BIN / _program("python")).exists():
        _make_venv()
    _call([BIN / _program("python"), "-m", "pip", "install", "--quiet", UV])
    words: list[str | Path] = ["pip", "install", "--compile-bytecode", "--python", VENV, "-c", "constraints.txt", *what]
    _call([BIN / _program("uv"), *words])  # compiled now: PYTHONDONTWRITEBYTECODE would have it done at each start
    STAMP.write_text(json.dumps([*_installed(), wanted]), "utf-8")


def run(program: str, *words: str) -> int:
    """Run a program of `.venv` in the checkout; its exit code."""
    try:
        return subprocess.run([str(BIN / _program(program)), *words], cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:  # the program heard it too and has answered
        return 130


def _make_venv() -> None:
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
    if made.returncode:
        raise SystemExit("no virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv")


def _call(command: Sequence[str | Path]) -> None:
    done = subprocess.run([str(word) for word in command], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"this failed: {' '.join(map(str, command))}")


def _wanted(what: Sequence[str]) -> str:
    text = "".join((ROOT / name).read_text("utf-8") for name in ("pyproject.toml", "constraints.txt"))
    return hashlib.sha256(f"{ROOT} {sys.version_info[:2]} {list(what)} {text}".encode()).hexdigest()


def _installed() -> list[str]:
    try:
        return json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return []


def _program(name: str) -> str:
    return f"{name}.exe" if os.name == "nt" else name


def main(argv: Sequence[str]) -> int:
    """Run one word."""
    if sys.version_info < (3, 11):
        raise SystemExit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}")
    if not argv or argv[0] not in WORDS:
        print(f"usage: python3 tasks.py {' | '.join(WORDS)}\n")
        print("\n".join(f"  {name:6} {(word.__doc__ or '').splitlines()[0]}" for name, word in WORDS.items()))
        return 0 if not argv else 1
    return WORDS[argv[0]](argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
