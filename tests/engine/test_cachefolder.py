"""The cache folder: where it is, what is in it, and that nothing outside it can be deleted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from goodfit.core.errors import UsageError
from goodfit.engine.cachefolder import Entry, cache_folder, delete, entries, size_of


def test_variable_decides_and_the_folder_is_marked_as_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "deep" / "cache"))
    assert cache_folder() == tmp_path / "deep" / "cache"
    assert (cache_folder() / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


@pytest.mark.skipif(sys.platform != "linux", reason="XDG")
def test_platform_place_is_used_without_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOODFIT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "goodfit"


def test_place_that_cannot_be_made_is_an_error_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UsageError, match="set GOODFIT_CACHE"):
        cache_folder()


def test_entries_are_listed_by_size_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "c"))
    folder = cache_folder()
    (folder / "small.json").write_bytes(b"x" * 10)
    (folder / "decoded" / "a").mkdir(parents=True)
    (folder / "decoded" / "a" / "blob").write_bytes(b"x" * 1000)
    (folder / "link").symlink_to(tmp_path)
    assert [(e.path.name, e.size_bytes) for e in entries(folder)] == [("decoded", 1000), ("small.json", 10)]
    assert size_of(folder / "decoded") == 1000


def test_delete_takes_folders_and_files_of_the_cache_only(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    (folder / "decoded").mkdir(parents=True)
    (folder / "probes.json").write_text("{}")
    (tmp_path / "study").mkdir()
    for entry in entries(folder):
        delete(folder, entry)
    assert entries(folder) == []
    for other in (tmp_path / "study", folder / ".." / "study"):
        with pytest.raises(UsageError, match="only entries of the cache"):
            delete(folder, Entry(path=other, size_bytes=0, used=0.0))
    assert (tmp_path / "study").is_dir()
