"""Decoded once: whole or absent, keyed by what it was made from, honest about bad files."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.data.cache import CacheDoesNotFit, build_cache, would_fit
from goodfit.data.decoding import chunks_of

from .fakes import FakeArrays, fake_files, pictures, write_picture


def test_uniform_pictures_come_back_as_one_array(tmp_path: Path) -> None:
    images = pictures(20)
    cache = build_cache(fake_files(tmp_path / "data", images), np.arange(20), None, tmp_path / "cache")
    assert cache.uniform
    assert cache.shape == (8, 8, 3)
    assert cache.size_bytes == 20 * 8 * 8 * 3
    assert (cache.gather(np.array([7, 3, 7])) == np.stack([images[7], images[3], images[7]])).all()


def test_pictures_of_several_sizes_come_back_one_by_one(tmp_path: Path) -> None:
    images = pictures(10, spread=9)
    cache = build_cache(fake_files(tmp_path / "data", images), np.arange(10), None, tmp_path / "cache")
    assert not cache.uniform
    assert all((a == images[i]).all() for i, a in zip((9, 0, 4), cache.gather(np.array([9, 0, 4])), strict=True))


def test_positions_of_a_part_are_found_by_their_place_in_the_whole(tmp_path: Path) -> None:
    images = pictures(30)
    cache = build_cache(fake_files(tmp_path / "data", images), np.array([25, 2, 11]), None, tmp_path / "cache")
    assert (cache.gather(np.array([11, 25])) == np.stack([images[11], images[25]])).all()
    assert cache.has(np.array([2, 3, 25, 29, 500])).tolist() == [True, False, True, False, False]
    with pytest.raises(DataError, match="does not hold"):
        cache.gather(np.array([3]))


def test_stored_pictures_have_the_planned_short_side(tmp_path: Path) -> None:
    cache = build_cache(fake_files(tmp_path / "data", pictures(4, (40, 60))), np.arange(4), 20, tmp_path / "cache")
    assert cache.shape == (20, 30, 3)


def test_workers_make_the_same_bytes_as_one_thread(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(60, spread=5))
    caches = [build_cache(dataset, np.arange(60), 9, tmp_path / f"c{w}", workers=w) for w in (0, 1, 3)]
    blobs = [(cache.home / "pixels.u8").read_bytes() for cache in caches]
    assert blobs[0] == blobs[1] == blobs[2]


def test_a_bad_file_is_reported_by_position_and_leaves_no_picture(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(12))
    Path(dataset.index.where[5]).write_bytes(b"\x08\x00\x08\x00short")
    Path(dataset.index.where[9]).unlink()
    cache = build_cache(dataset, np.arange(12), None, tmp_path / "cache", workers=2)
    assert set(cache.failed) == {5, 9}
    assert len(cache) == 10
    assert not cache.has(np.array([5, 9])).any()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers are threads where the system cannot fork")
def test_a_file_that_kills_its_decoder_costs_that_file_only(tmp_path: Path) -> None:
    images = pictures(12)
    dataset = fake_files(tmp_path / "data", images)
    Path(dataset.index.where[4]).write_bytes(b"die")
    dataset.index.where[0] = dataset.index.where[1]  # the samples that foretell sizes are decoded in this process
    from goodfit.data.decoding import DecodePool

    pool = DecodePool(dataset, lambda image: image, 2)
    chunks = list(pool.stream(chunks_of(np.arange(12), 1e6)))
    pool.close()
    faults = {p: f for chunk in chunks for p, f in chunk.faults.items()}
    assert faults == {4: "crashed"}
    decoded = [image for chunk in chunks for image in chunk.images]
    assert decoded[4] is None
    assert (decoded[11] == images[11]).all()
    assert len(decoded) == 12


def test_a_second_call_reuses_the_files_and_decodes_only_spot_checks(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(200))
    assert not build_cache(dataset, np.arange(200), None, tmp_path / "cache").reused
    dataset.decoded = 0
    again = build_cache(dataset, np.arange(200), None, tmp_path / "cache")
    assert again.reused
    assert dataset.decoded == 32


def test_another_short_side_makes_another_cache(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(4, (20, 20)))
    first = build_cache(dataset, np.arange(4), None, tmp_path / "cache")
    second = build_cache(dataset, np.arange(4), 10, tmp_path / "cache")
    assert first.home != second.home
    assert second.shape == (10, 10, 3)


def test_a_changed_file_is_seen_by_its_size_or_time(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(4))
    build_cache(dataset, np.arange(4), None, tmp_path / "cache")
    changed = np.zeros((8, 9, 3), np.uint8)
    write_picture(Path(dataset.index.where[2]), changed)
    assert (build_cache(dataset, np.arange(4), None, tmp_path / "cache").gather(np.array([2]))[0] == changed).all()


def test_changed_content_behind_an_unchanged_size_and_time_is_seen_too(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(4))
    build_cache(dataset, np.arange(4), None, tmp_path / "cache")
    path = Path(dataset.index.where[2])
    before = path.stat()
    write_picture(path, np.zeros((8, 8, 3), np.uint8))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = build_cache(dataset, np.arange(4), None, tmp_path / "cache")
    assert not again.reused
    assert not again.gather(np.array([2])).any()


def test_a_damaged_sample_is_decoded_again_when_it_is_first_used(tmp_path: Path) -> None:
    images = pictures(300)
    dataset = fake_files(tmp_path / "data", images)
    home = build_cache(dataset, np.arange(300), None, tmp_path / "cache").home
    with open(home / "pixels.u8", "r+b") as file:
        file.seek(1 * 192)
        file.write(b"\xff" * 192)
    cache = build_cache(dataset, np.arange(300), None, tmp_path / "cache")
    assert cache.reused
    assert cache.healed == 0
    assert (cache.gather(np.array([0, 1, 2])) == np.stack(images[:3])).all()
    assert cache.healed == 1


@pytest.mark.parametrize("name", ["pixels.u8", "table.npy", "about.json"])
def test_a_truncated_cache_is_made_again(tmp_path: Path, name: str) -> None:
    dataset = fake_files(tmp_path / "data", pictures(6))
    home = build_cache(dataset, np.arange(6), None, tmp_path / "cache").home
    os.truncate(home / name, 20)
    assert not build_cache(dataset, np.arange(6), None, tmp_path / "cache").reused


def test_deleting_the_files_while_they_are_in_use_harms_nothing(tmp_path: Path) -> None:
    import shutil

    images = pictures(5)
    dataset = fake_files(tmp_path / "data", images)
    cache = build_cache(dataset, np.arange(5), None, tmp_path / "cache")
    shutil.rmtree(tmp_path / "cache")
    assert (cache.gather(np.arange(5)) == np.stack(images)).all()
    assert not build_cache(dataset, np.arange(5), None, tmp_path / "cache").reused


def test_the_cap_is_kept_and_leaves_nothing_behind(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(8, (64, 64)))
    with pytest.raises(CacheDoesNotFit, match="cache_mb"):
        build_cache(dataset, np.arange(8), None, tmp_path / "cache", size_cap_mb=0.01)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_full_disk_is_an_error_that_says_so_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    dataset = fake_files(tmp_path / "data", pictures(4))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheDoesNotFit, match="No space left"):
        build_cache(dataset, np.arange(4), None, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_drafts_of_dead_processes_are_swept_and_those_of_living_ones_kept(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder = tmp_path / "cache"
    for pid in (dead.pid, os.getppid()):
        (folder / f".decoded-aa.{pid}.tmp").mkdir(parents=True)
    build_cache(fake_files(tmp_path / "data", pictures(4)), np.arange(4), None, folder)
    assert [p.name for p in folder.glob(".decoded-*.tmp")] == [f".decoded-aa.{os.getppid()}.tmp"]


def test_samples_in_memory_need_no_file(tmp_path: Path) -> None:
    images = pictures(9, spread=3)
    cache = build_cache(FakeArrays(images), np.arange(9), None, tmp_path / "cache")
    assert cache.home is None
    assert not (tmp_path / "cache").exists()
    assert (cache.gather(np.array([8]))[0] == images[8]).all()


def test_an_expected_size_of_12_kb_for_64_pixel_pictures(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(50, (64, 64)))
    room = would_fit(dataset, np.arange(50), None, tmp_path / "not" / "there", size_cap_mb=1.0)
    assert room.fits
    assert room.expected_mb == pytest.approx(50 * 12288 / 2**20)
    assert not would_fit(dataset, np.arange(50), None, tmp_path, size_cap_mb=0.5).fits
    assert would_fit(dataset, np.arange(50), 32, tmp_path, size_cap_mb=0.5).fits


def test_progress_counts_up_to_all(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    dataset = fake_files(tmp_path / "data", pictures(30))
    build_cache(
        dataset, np.arange(30), None, tmp_path / "cache", progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (30, 30)


def test_two_builders_at_once_end_with_one_good_cache(tmp_path: Path) -> None:
    images = pictures(40)
    dataset = fake_files(tmp_path / "data", images)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np; from pathlib import Path\n"
        "from tests.data.fakes import FakeImages, _index\n"
        "from goodfit.data.cache import build_cache\n"
        "data = FakeImages(_index(sorted(str(p) for p in Path(sys.argv[2]).iterdir())))\n"
        "print(len(build_cache(data, np.arange(40), None, Path(sys.argv[3]))))\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", script, root, str(tmp_path / "data"), str(tmp_path / "cache")]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    cache = build_cache(dataset, np.arange(40), None, tmp_path / "cache")
    assert [other.communicate(timeout=60)[0].strip() for other in others] == ["40", "40"]
    assert (cache.gather(np.arange(40)) == np.stack(images)).all()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers are threads where the system cannot fork")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, os, time; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np, multiprocessing\n"
        "from tests.data.fakes import FakeArrays, pictures\n"
        "from goodfit.data.decoding import DecodePool\n"
        "pool = DecodePool(FakeArrays(pictures(4)), lambda image: image, 2)\n"
        "list(pool.stream([np.array([0]), np.array([1])]))\n"
        "print(*[child.pid for child in multiprocessing.active_children()], flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(Path(__file__).resolve().parents[2])], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    children = [int(pid) for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.communicate()
    gone = threading.Event()
    for _ in range(100):
        if not any(_runs(pid) for pid in children):
            break
        gone.wait(0.05)
    assert len(children) == 2
    assert not any(_runs(pid) for pid in children)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
