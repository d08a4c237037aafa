"""The measuring lock: held by one process at a time, never waited for without end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from goodfit.core.quiet import quiet

HOLD = "from goodfit.core.quiet import quiet\nwith quiet() as held:\n    print(held, flush=True)\n    input()"


@pytest.mark.skipif(sys.platform == "win32", reason="no flock")
def test_second_process_waits_for_its_patience_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # a lock of the test's own: others may be measuring
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert other.stdout is not None
    assert other.stdout.readline().strip() == "True"
    start = time.monotonic()
    with quiet(patience_s=0.1) as held:
        assert not held
    assert 0.1 <= time.monotonic() - start < 5
    other.communicate("\n", timeout=30)
    with quiet(patience_s=5) as held:
        assert held
