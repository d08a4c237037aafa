"""What every test stands on: its own cache folder, no network, fixed property tests, shared data where there are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Two test processes share the cores; more compute threads would only fight. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

settings.register_profile("goodfit", deadline=None, derandomize=True, database=None, max_examples=25)
settings.load_profile("goodfit")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared data sets; a stranger's clone has none, and the tests that want it are skipped."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared/data beside the checkout")
    return SHARED


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches of a test never touch the user's; one folder a session, so that what is decoded once stays."""
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("GOODFIT_CACHE", str(folder))
    return folder
