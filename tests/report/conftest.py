"""Makes the study fixture importable, and one finished study for all tests that only read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished `fit` study; do not write into it."""
    from study_fixture import make_study

    return make_study(tmp_path_factory.mktemp("runs") / "shapes-fit-0a1b")
