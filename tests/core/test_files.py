"""Files are whole or absent: cut anywhere, or on a full disk, the old content stays."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from goodfit.core.files import append_line, read_lines, write_atomic, write_json

FULL = """
import resource, signal, sys
from pathlib import Path
from goodfit.core.files import write_atomic
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(Path(sys.argv[1]), b"n" * 5000)
except OSError as error:
    print(error.errno)
"""


def test_written_file_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "a.txt"
    write_atomic(path, "one")
    write_atomic(path, b"two \xff")
    assert path.read_bytes() == b"two \xff"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_full_disk_leaves_the_old_content_and_no_rest(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands in for a full disk: the write fails half-way with an OSError."""
    assert resource.RLIMIT_FSIZE is not None
    path = tmp_path / "model.json"
    write_atomic(path, "old")
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "27"  # EFBIG
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["model.json"]


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"猫": [1, None]})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"x": float("nan")})
    assert json.loads(path.read_text("utf-8")) == {"猫": [1, None]}


def test_lines_read_back_and_an_unfinished_one_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert read_lines(path) == []
    append_line(path, '{"n": 1}')
    with open(path, "ab") as file:
        file.write(b'{"n": 2, "te')
    assert read_lines(path) == [{"n": 1}]
    append_line(path, '{"n": 3}')
    assert read_lines(path) == [{"n": 1}, {"n": 3}]
