"""The command line in this process, for the tests of whole commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from .tiny import Shell


@pytest.fixture
def goodfit(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    """Runs a command with `--json` and studies in the test's folder."""
    return Shell(capfd, tmp_path / "runs")
