"""The built wheel, in a clean environment outside the checkout, holds its texts and template and fits the digits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (built,) = out.glob("*.whl")
    return built


def test_wheel_holds_every_file_of_the_package_and_the_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = [
        p
        for p in (ROOT / "src" / "goodfit").rglob("*")
        if p.is_file() and p.suffix in (".py", ".json", ".html", ".css", ".js")
    ]
    missing = [str(p) for p in files if p.relative_to(ROOT / "src").as_posix() not in names]
    assert not missing
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith("tests/")]


def test_wheel_in_a_clean_environment_fits_the_digits(wheel: Path, tmp_path: Path) -> None:
    """`uv` links from its own cache, so that a clean environment costs seconds and little disk."""
    uv, home = Path(sys.executable).with_name("uv"), tmp_path / "clean"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    install = [uv, "pip", "install", "--python", home, "-c", ROOT / "constraints.txt", wheel]
    subprocess.run([str(word) for word in install], check=True, capture_output=True, cwd=tmp_path)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["GOODFIT_CACHE"] = str(tmp_path / "cache")
    command = [str(home / "bin" / "goodfit"), "fit", "digits", "--budget", "2m", "--json", "--lang", "zh"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["task"] == "image_classification"
    assert result["test"]["value"] > 0.9
    assert "<html" in Path(result["report"]).read_text("utf-8")[:500].lower()
