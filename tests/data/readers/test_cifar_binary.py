"""The binary forms of CIFAR-10 and CIFAR-100."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data.reading import describe, read


def records(n: int, labels: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [np.arange(n * labels).reshape(n, labels) % 10, rng.integers(0, 256, (n, 3072))], axis=1
    ).astype(np.uint8)


def test_cifar10_pixels_lie_in_planes_and_names_come_from_the_list(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    raw = {name: records(20, 1, i) for i, name in enumerate(("data_batch_1", "data_batch_2", "test_batch"))}
    for name, rows in raw.items():
        rows.tofile(folder / f"{name}.bin")
    (folder / "batches.meta.txt").write_text(
        "\n".join("zero one two three four five six seven eight nine".split()) + "\n\n"
    )
    dataset = read(DataSection(path=str(tmp_path)), tmp_path)
    assert describe(dataset).counts == {"train": 40, "test": 20}
    picture = dataset[21]
    row = raw["data_batch_2"][1]
    assert picture.shape == (32, 32, 3)
    assert picture[4, 9, 2] == row[1 + 2 * 1024 + 4 * 32 + 9]
    assert dataset.schema.classes[dataset.index.target[21]] == "one"


def test_cifar100_takes_the_fine_label(tmp_path: Path) -> None:
    records(20, 2, 0).tofile(tmp_path / "train.bin")
    records(10, 2, 1).tofile(tmp_path / "test.bin")
    dataset = read(DataSection(path=str(tmp_path)), tmp_path)
    assert [dataset.schema.classes[k] for k in dataset.index.target[:3]] == ["1", "3", "5"]


def test_file_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1.bin").write_bytes(b"\0" * 5000)
    with pytest.raises(DataError, match="a multiple of 3073"):
        read(DataSection(path=str(tmp_path)), tmp_path)
