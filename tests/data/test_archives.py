"""Archives: harmless ones are unpacked once, hostile ones are refused before anything is written."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data import archives
from goodfit.data.archives import unpack
from goodfit.data.reading import read

from .drawing import folders, png


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def refused(path: Path, tmp_path: Path, words: str) -> None:
    before = set(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=words) as caught:
        unpack(path, tmp_path / "cache")
    assert caught.value.exit_code == 2
    left = {p for p in tmp_path.rglob("*") if p.is_file()} - before
    assert not left, "nothing may be written"


HOSTILE = [
    "../evil.png",
    "a/../../evil.png",
    "/tmp/evil.png",
    "..\\evil.png",
    "C:\\evil.png",
    "\\\\host\\share\\evil.png",
    "..",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_zip_slip_is_refused(tmp_path: Path, name: str) -> None:
    refused(zipped(tmp_path / "a.zip", {"ok/1.png": png(), name: png()}), tmp_path, "leads out")


@pytest.mark.parametrize("name", HOSTILE)
def test_tar_slip_is_refused(tmp_path: Path, name: str) -> None:
    refused(tarred(tmp_path / "a.tar.gz", [(tarfile.TarInfo(name), png())]), tmp_path, "leads out")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_tar_with_link_or_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("a/1.png")
    info.type, info.linkname = kind, "/etc/passwd"
    refused(tarred(tmp_path / "a.tar", [(info, b"")], "w"), tmp_path, "a link or a device")


def test_zip_with_symbolic_link_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a/1.png")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(tmp_path / "a.zip", tmp_path, "a link or a device")


def test_bomb_is_refused_by_its_declared_size(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "a.zip", {"a/1.png": b"\0" * (40 << 20)}), tmp_path, "as a bomb does")


def test_tar_bomb_is_refused(tmp_path: Path) -> None:
    refused(
        tarred(tmp_path / "a.tar.xz", [(tarfile.TarInfo("a/1.png"), b"\0" * (40 << 20))], "w:xz"),
        tmp_path,
        "as a bomb does",
    )


def test_lying_size_is_caught_while_writing(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a/1.png": b"\0" * 50_000})
    raw = bytearray(path.read_bytes())
    size = (50_000).to_bytes(4, "little")
    place = raw.rindex(size)
    raw[place : place + 4] = (100).to_bytes(4, "little")
    path.write_bytes(raw)
    refused(path, tmp_path, "larger than it says|damaged")


@pytest.mark.parametrize("cut", [0, 10, 60])
def test_damaged_archive_is_one_clear_line(tmp_path: Path, cut: int) -> None:
    whole = zipped(tmp_path / "a.zip", {"a/1.png": png()}).read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[:cut])
    refused(tmp_path / "a.zip", tmp_path, "damaged")


def test_name_held_twice_is_refused(tmp_path: Path) -> None:
    refused(
        tarred(tmp_path / "a.tar", [(tarfile.TarInfo("a/1.png"), png(1)), (tarfile.TarInfo("a/1.png"), png(2))], "w"),
        tmp_path,
        "twice",
    )


def test_disk_that_is_too_small_is_an_error_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: os.statvfs_result and type("U", (), {"free": 10})())
    refused(zipped(tmp_path / "a.zip", {"a/1.png": png()}), tmp_path, "disk is too small")


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_class_folders_in_an_archive_are_read(tmp_path: Path, kind: str) -> None:
    import shutil

    folders(tmp_path / "pack" / "flowers", {"rose": 3, "tulip": 2})
    file = shutil.make_archive(str(tmp_path / "flowers"), kind, tmp_path / "pack")
    dataset = read(DataSection(path=file), tmp_path / "cache")
    assert dataset.schema.classes == ("rose", "tulip")
    assert len(dataset) == 5
    assert all(str(where).startswith(str(tmp_path / "cache")) for where in dataset.index.where)


def test_archive_is_unpacked_once_and_again_after_a_change(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"x/1.png": png(1)})
    first = unpack(path, tmp_path / "cache")
    marker = first / "x" / "1.png"
    inode = marker.stat().st_ino
    assert unpack(path, tmp_path / "cache") == first
    assert marker.stat().st_ino == inode
    zipped(path, {"x/1.png": png(1), "x/2.png": png(2)})
    assert unpack(path, tmp_path / "cache") != first


def test_hostile_names_inside_an_archive_stay_inside(tmp_path: Path) -> None:
    names = ["<img src=x onerror=alert(1)>", "=cmd()", "new\nline", "CON"]
    members = {f"{name}/{i}.png": png(7 * k + i) for k, name in enumerate(names) for i in range(2)}
    dataset = read(DataSection(path=str(zipped(tmp_path / "a.zip", members))), tmp_path / "cache")
    assert set(dataset.schema.classes) == set(names)
    assert len(dataset) == 8


def test_hymenoptera_zip_with_its_val_folder_as_test(tmp_path: Path, shared_data: Path) -> None:
    section = DataSection(path=str(shared_data / "hymenoptera.zip"), test="hymenoptera/val")
    dataset = read(section, tmp_path / "cache")
    assert dataset.schema.classes == ("ants", "bees")
    assert [int((dataset.index.part == part).sum()) for part in ("train", "val", "test")] == [243, 0, 153]
