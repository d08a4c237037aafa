"""Order, exactness after a cut, and the same batches from the cache and from the files."""

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.data.cache import build_cache
from goodfit.data.loader import CachedLoader, Moment, StreamLoader, ahead, workers_needed

from .fakes import FakeArrays, FakeImages, fake_files, pictures


def prepare(images: Any, target: np.ndarray, moment: Moment) -> tuple[Any, Any]:
    """Sums of pixels plus the place: enough to see which picture came, when."""
    return np.array([int(image.sum()) for image in images]), target * 1000 + moment.places


def cached(n: int = 50, **changes: Any) -> CachedLoader:
    dataset = FakeArrays(pictures(n))
    cache = build_cache(dataset, np.arange(n), None, Path("unused"))
    keys = {"batch_size": 8, "seed": 3, "training": True, "prepare": prepare} | changes
    return CachedLoader(cache, dataset.index.target, np.arange(n), **keys)


def streamed(dataset: FakeImages, **changes: Any) -> StreamLoader:
    keys = {"batch_size": 8, "seed": 3, "training": True, "prepare": prepare} | changes
    return StreamLoader(dataset, np.arange(len(dataset)), **keys)


def rows(batches: Iterator[Any]) -> list[tuple[list[int], list[int], list[int]]]:
    return [(b.positions.tolist(), b.inputs.tolist(), b.target.tolist()) for b in batches]


def test_training_drops_the_last_short_batch_and_shows_each_sample_at_most_once() -> None:
    loader = cached(50)
    seen = np.concatenate([batch.positions for batch in loader.epoch(0)])
    assert loader.steps_per_epoch == 6
    assert len(loader) == 48 == len(set(seen.tolist()))


def test_a_plain_pass_keeps_order_and_every_sample() -> None:
    loader = cached(50, training=False)
    assert np.concatenate([b.positions for b in loader.epoch(0)]).tolist() == list(range(50))
    assert loader.steps_per_epoch == 7
    assert len(loader) == 50


def test_epochs_differ_and_repeat_themselves() -> None:
    loader = cached()
    assert rows(loader.epoch(0)) != rows(loader.epoch(1))
    assert rows(loader.epoch(1)) == rows(cached().epoch(1))


def test_the_order_depends_on_the_seed() -> None:
    assert rows(cached(seed=1).epoch(0)) != rows(cached(seed=2).epoch(0))


@pytest.mark.parametrize("start", [1, 3, 5, 6])
def test_starting_in_mid_epoch_gives_the_rest_exactly(start: int) -> None:
    assert rows(cached().epoch(2, start=start)) == rows(cached().epoch(2))[start:]


def test_a_set_smaller_than_the_batch_makes_the_batch_smaller() -> None:
    loader = cached(5, batch_size=64)
    assert loader.batch_size == 5
    assert loader.steps_per_epoch == 1
    assert len(next(loader.epoch(0)).positions) == 5


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(DataError, match="no sample"):
        cached(4).__class__(cached(4).cache, np.zeros(4), np.array([], dtype=np.int64), batch_size=2, seed=0,
                            training=True, prepare=prepare)  # fmt: skip


def test_shards_of_a_batch_make_up_the_batch() -> None:
    whole = rows(cached().epoch(0))
    parts = [rows(cached(shard=(rank, 2)).epoch(0)) for rank in (0, 1)]
    assert [a[0] + b[0] for a, b in zip(*parts, strict=True)] == [positions for positions, _, _ in whole]
    assert [a[2] + b[2] for a, b in zip(*parts, strict=True)] == [target for _, _, target in whole]


def test_batches_made_ahead_by_a_thread_are_the_same() -> None:
    assert rows(cached(prefetch=3).epoch(1)) == rows(cached().epoch(1))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_streamed_batches_equal_cached_ones_whatever_the_workers(tmp_path: Path, workers: int) -> None:
    images = pictures(50, (20, 24))
    dataset = fake_files(tmp_path / "data", images)
    cache = build_cache(dataset, np.arange(50), 10, tmp_path / "cache")
    keys = {"batch_size": 8, "seed": 3, "training": True, "prepare": prepare}
    wanted = rows(CachedLoader(cache, dataset.index.target, np.arange(50), **keys).epoch(1))
    loader = streamed(dataset, short_side=10, workers=workers)
    assert rows(loader.epoch(1)) == wanted
    assert rows(loader.epoch(1, start=4)) == wanted[4:]
    loader.close()


def test_a_stream_with_workers_and_a_thread_ahead_is_the_same(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(40, spread=3))
    loader = streamed(dataset, workers=2, prefetch=2)
    assert rows(loader.epoch(0)) == rows(streamed(dataset).epoch(0))
    loader.close()


def test_leaving_an_epoch_early_leaves_the_loader_usable(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(40))
    loader = streamed(dataset, workers=2, prefetch=2)
    for _ in loader.epoch(0):
        break
    assert rows(loader.epoch(1)) == rows(streamed(dataset).epoch(1))
    loader.close()


def test_a_vanished_file_is_left_out_of_its_batch_and_the_others_stay_as_they_were(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(40))
    whole = rows(streamed(dataset).epoch(0))
    lost = whole[2][0][3]
    Path(dataset.index.where[lost]).unlink()
    loader = streamed(dataset, workers=2)
    left = rows(loader.epoch(0))
    loader.close()
    assert loader.failed == {lost: "unreadable"}
    assert lost not in loader.positions
    assert [[row[i] for i in range(8) if i != 3] for row in whole[2]] == list(map(list, left[2]))
    assert left[:2] == whole[:2]
    assert left[3:] == whole[3:]


def test_a_file_that_was_lost_once_stays_out_so_that_positions_hold_for_every_pass(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(20))
    loader = streamed(dataset, training=False)
    path = Path(dataset.index.where[7])
    content = path.read_bytes()
    for _ in range(2):  # gone in the first pass, back in the second
        path.unlink(missing_ok=True)
        passed = np.concatenate([batch.positions for batch in loader.epoch(0)]).tolist()
        assert passed == loader.positions.tolist() == [i for i in range(20) if i != 7]
        path.write_bytes(content)
    assert np.concatenate([b.positions for b in loader.epoch(0)]).tolist() == loader.positions.tolist()


def test_a_batch_without_any_readable_file_is_an_error(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(8))
    loader = streamed(dataset)
    for path in dataset.index.where:
        Path(path).unlink()
    with pytest.raises(DataError, match="every file of a batch"):
        next(loader.epoch(0))


def test_samples_that_the_cache_could_not_decode_are_left_out(tmp_path: Path) -> None:
    dataset = fake_files(tmp_path / "data", pictures(10))
    Path(dataset.index.where[6]).write_bytes(b"")
    cache = build_cache(dataset, np.arange(10), None, tmp_path / "cache")
    loader = CachedLoader(
        cache, dataset.index.target, np.arange(10), batch_size=4, seed=0, training=False, prepare=prepare
    )
    assert loader.failed == {}  # nothing failed while loading; the cache names its own
    assert loader.positions.tolist() == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    assert np.concatenate([b.positions for b in loader.epoch(0)]).tolist() == loader.positions.tolist()


def test_waiting_is_counted() -> None:
    def slow(images: Any, target: np.ndarray, moment: Moment) -> tuple[Any, Any]:
        time.sleep(0.01)
        return prepare(images, target, moment)

    loader = cached(16, prepare=slow)
    list(loader.epoch(0))
    assert loader.wait_seconds >= 0.02


def test_an_error_in_the_thread_ahead_is_raised_where_batches_are_taken() -> None:
    def items() -> Generator[int, None, None]:
        yield 1
        raise DataError("broken")

    taken = ahead(items(), 2)
    assert next(taken) == 1
    with pytest.raises(DataError, match="broken"):
        next(taken)


def test_workers_follow_need() -> None:
    assert workers_needed(100, 10_000, 16, on_cpu=True) == 0
    assert workers_needed(3000, 1000, 16, on_cpu=False) == 5
    assert workers_needed(1e6, 1000, 16, on_cpu=False) == 16
    assert workers_needed(500, 1000, 2, on_cpu=True) == 1
