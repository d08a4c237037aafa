"""What every listed reader keeps to."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from goodfit.core.recipe import DataSection
from goodfit.data.readers import READERS
from goodfit.data.reading import describe, read


@pytest.mark.parametrize("name", READERS)
def test_entry_bears_its_own_name_and_shows_its_layout(name: str) -> None:
    assert READERS[name].name == name
    assert READERS[name].layout.strip()
    assert "\n" not in READERS[name].layout.strip()


@pytest.mark.parametrize("name", READERS)
def test_reader_does_not_recognise_what_is_not_there_empty_or_noise(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "noise.dat").write_bytes(np.random.default_rng(0).bytes(500))
    for place in ("empty", "noise.dat", "absent"):
        assert READERS[name].recognises(tmp_path / place, None) is None, place


@pytest.mark.parametrize("name", READERS)
def test_reader_says_nothing_of_a_folder_that_it_may_not_open(name: str, tmp_path: Path) -> None:
    """A link that points to itself stands for all that the system refuses to open."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkdir(tmp_path / "in")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    assert READERS[name].recognises(tmp_path / "loop", None) is None
    assert READERS[name].recognises(tmp_path / "in", None) is None


def test_digits_keep_the_contract_of_a_data_set(tmp_path: Path) -> None:
    dataset = read(DataSection(path="digits"), tmp_path)
    index = dataset.index
    assert len(dataset) == len(index) == 1797
    assert len(set(index.id)) == 1797
    assert index.target.min() == 0
    assert index.target.max() == len(dataset.schema.classes) - 1
    image = dataset[5]
    assert (image.dtype, image.ndim, image.shape[2]) == (np.uint8, 3, 3)
    part = dataset.take(np.array([5, 3]))
    np.testing.assert_array_equal(part[0], image)
    assert list(part.index.id) == [index.id[5], index.id[3]]
    assert dataset.fingerprint == read(DataSection(path="digits"), tmp_path).fingerprint
    assert dataset.fingerprint != part.fingerprint
    assert len(describe(dataset).samples) == 5
