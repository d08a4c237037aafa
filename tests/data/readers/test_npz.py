"""Arrays in .npz files: common names and forms, nothing pickled, nothing silently wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data.images import ImageArrays
from goodfit.data.reading import describe, read

X = np.random.default_rng(0).integers(0, 256, (12, 6, 5, 3), dtype=np.uint8)
Y = np.arange(12) % 3


def get(tmp_path: Path, **arrays: np.ndarray) -> ImageArrays:
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    dataset = read(DataSection(path=str(tmp_path / "a.npz")), tmp_path)
    assert isinstance(dataset, ImageArrays)
    return dataset


def test_x_and_y(tmp_path: Path) -> None:
    dataset = get(tmp_path, x=X, y=Y)
    assert dataset.schema.classes == ("0", "1", "2")
    assert (dataset[7] == X[7]).all()
    assert dataset.index.target.tolist() == Y.tolist()


@pytest.mark.parametrize(
    "names",
    [("x_train", "y_train", "x_test", "y_test"), ("train_images", "train_labels", "test_images", "test_labels")],
)
def test_train_and_test_arrays(tmp_path: Path, names: tuple[str, ...]) -> None:
    dataset = get(tmp_path, **{names[0]: X[:8], names[1]: Y[:8, None], names[2]: X[8:], names[3]: Y[8:, None]})
    assert describe(dataset).counts == {"train": 8, "test": 4}
    assert (dataset[9] == X[9]).all()


def test_class_names_are_used(tmp_path: Path) -> None:
    dataset = get(tmp_path, x=X, y=Y, classes=np.array(["red", "green", "blue"]))
    assert dataset.schema.classes == ("red", "green", "blue")
    assert dataset.index.target.tolist() == Y.tolist()


def test_channels_first_grey_and_one_channel_are_understood(tmp_path: Path) -> None:
    assert (get(tmp_path, x=X.transpose(0, 3, 1, 2), y=Y)[2] == X[2]).all()
    assert (get(tmp_path, x=X[..., 0], y=Y)[2] == X[2, :, :, :1]).all()
    assert (get(tmp_path, x=X[..., :1], y=Y)[2] == X[2, :, :, :1]).all()


def test_floats_in_zero_to_one_are_scaled_and_said(tmp_path: Path) -> None:
    dataset = get(tmp_path, x=X / 255.0, y=Y)
    assert (dataset[3] == X[3]).all()
    assert [note.code for note in dataset.notes] == ["GF-D020"]


def test_one_hot_rows_are_classes_and_other_rows_multilabel(tmp_path: Path) -> None:
    assert get(tmp_path, x=X, y=np.eye(3, dtype=int)[Y]).index.target.tolist() == Y.tolist()
    several = np.eye(3, dtype=int)[Y]
    several[0] = (1, 0, 1)
    assert get(tmp_path, x=X, y=several).index.target[0].tolist() == [1, 0, 1]


def test_fractions_are_a_number(tmp_path: Path) -> None:
    assert get(tmp_path, x=X, y=np.linspace(0, 1, 12)).schema.target_kind == "number"


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": X, "y": Y[:5]}, "differ in number"),
        ({"x": X}, "no labels"),
        ({"a": X, "b": Y}, "no pictures among the arrays"),
        ({"x": X[0, 0], "y": Y[:5]}, "holds no pictures"),
        ({"x": X - 300.0, "y": Y}, "out of range"),
        ({"x": np.where(X > 100, np.nan, X), "y": Y}, "out of range"),
        ({"x": X, "y": np.full((12, 3), 0.3)}, "soft labels"),
        ({"x": np.array([{"a": 1}] * 12, dtype=object), "y": Y}, "cannot be read"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(DataError, match=words):
        get(tmp_path, **arrays)


@pytest.mark.parametrize("cut", [0, 20, 400])
def test_damaged_file_is_one_clear_line(tmp_path: Path, cut: int) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:cut])
    with pytest.raises(DataError, match="cannot be read"):
        read(DataSection(path=str(tmp_path / "a.npz")), tmp_path)


def test_arrays_larger_than_memory_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goodfit.data.readers.npz._memory", lambda: 100)
    with pytest.raises(DataError, match="do not fit into memory"):
        get(tmp_path, x=X, y=Y)


def test_hundred_class_codes_are_classes_without_asking(tmp_path: Path) -> None:
    pixels = np.zeros((200, 4, 4), dtype=np.uint8)
    assert len(get(tmp_path, x=pixels, y=np.arange(200) % 100).schema.classes) == 100
    with pytest.raises(DataError, match="task=image_regression"):
        get(tmp_path, x=pixels, y=np.arange(200) * 3)
