"""Every layout of labelled pictures is recognised by itself and gives the same pictures under the same classes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from picture_sets import (
    CLASSES,
    LABELS,
    LAYOUTS,
    add,
    arrow_table,
    cifar_python,
    coco_labels,
    idx,
    list_files,
    parquet,
    pixels,
    png,
    put,
    saved,
    studio_choices,
    synset_folders,
    webdataset,
)

from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data.readers import READERS
from goodfit.data.reading import describe, read
from goodfit.data.samples import Samples


def get(folder: Path, tmp_path: Path, task: str = "auto", **section: object) -> Samples:
    return read(DataSection.model_validate({"path": str(folder), **section}), tmp_path / "cache", task)


def digest(picture: np.ndarray) -> str:
    return hashlib.blake2b(picture.tobytes(), digest_size=8).hexdigest()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_recognised_and_gives_the_same_pictures(layout: str, place: Path, tmp_path: Path) -> None:
    make, reader, classes = LAYOUTS[layout]
    folder = make(place)
    assert next(name for name, entry in READERS.items() if entry.recognises(folder, None)) == reader
    dataset = get(folder, tmp_path)
    assert dataset.schema.classes == classes
    assert (len(dataset), dataset.refused) == (8, ())
    found = {digest(dataset[i]): int(dataset.index.target[i]) for i in range(8)}
    assert found == {digest(pixels(seed)): label for seed, label in enumerate(LABELS)}
    guess = describe(dataset)
    assert sum(guess.counts.values()) == 8
    assert guess.format


@pytest.mark.parametrize(
    ("layout", "counts"),
    [
        ("synset_folders", {"train": 6, "val": 2}),
        ("list_files", {"train": 6, "val": 2}),
        ("metadata", {"train": 6, "test": 2}),
        ("webdataset", {"train": 8}),
        ("saved", {"train": 6, "test": 2}),
    ],
)
def test_parts_come_from_the_names(layout: str, counts: dict[str, int], place: Path, tmp_path: Path) -> None:
    assert describe(get(LAYOUTS[layout][0](place), tmp_path)).counts == counts


def test_two_synsets_of_one_word_keep_their_numbers(place: Path, tmp_path: Path) -> None:
    folder = synset_folders(place)
    (folder / "LOC_synset_mapping.txt").write_text("n02123045 crane, a bird\nn02085620 crane\n")
    assert get(folder, tmp_path).schema.classes == ("crane (n02085620)", "crane (n02123045)")


def test_tiny_imagenet_has_its_val_answers_in_a_text_file(place: Path, tmp_path: Path) -> None:
    for seed in range(4):
        put(place / "train" / f"n0000000{seed % 2}" / "images" / f"{seed}.png", seed)
    put(place / "val" / "images" / "val_0.png", 4)
    (place / "val" / "val_annotations.txt").write_text("val_0.png\tn00000001\t0\t0\t9\t9\n")
    (place / "words.txt").write_text("n00000000\tant\nn00000001\tbee, insect\n")
    dataset = get(place, tmp_path)
    assert describe(dataset).counts == {"train": 4, "val": 1}
    assert dataset.index.target[dataset.index.part == "val"].tolist() == [1]
    assert dataset.schema.classes == ("ant", "bee")


def test_lists_of_flags_are_several_labels(place: Path, tmp_path: Path) -> None:
    folder = list_files(place)
    lines = [f"images/a picture {i}.png\t{flags}\n" for i, flags in enumerate(("1,1", "0,1", "1,0", "0,0"))]
    (folder / "train_list.txt").write_text("".join(lines))
    os.remove(folder / "val_list.txt")
    dataset = get(folder, tmp_path)
    assert dataset.index.target.tolist() == [[1, 1], [0, 1], [1, 0], [0, 0]]


def test_a_list_does_not_lead_out_of_the_data(place: Path, tmp_path: Path) -> None:
    folder = list_files(place)
    put(tmp_path / "secret.png", 9)
    with open(folder / "train_list.txt", "a") as file:
        file.write("../secret.png 1\nno label here\n")
    dataset = get(folder, tmp_path)
    assert dataset.refused == (("train_list.txt:7 ../secret.png", "outside"),)
    assert [note.code for note in dataset.notes] == ["GF-D060"]


def test_coco_boxes_are_labels_where_the_task_asks_for_them(place: Path, tmp_path: Path) -> None:
    folder = coco_labels(place)
    tree = json.loads((folder / "labels.json").read_text())
    for entry in tree["annotations"]:
        entry["bbox"] = [1, 1, 5, 5]
    tree["annotations"].append({"id": 99, "image_id": "x0", "category_id": 6, "bbox": [0, 0, 9, 9]})
    (folder / "labels.json").write_text(json.dumps(tree))
    assert get(folder, tmp_path).schema.task == "detection"
    dataset = get(folder, tmp_path, "image_multilabel")
    assert dataset.index.target[0].tolist() == [1, 1]
    assert dataset.index.target.sum() == 9
    with pytest.raises(DataError, match="task=image_multilabel"):
        get(folder, tmp_path, "image_classification")


def test_several_choices_make_several_labels_and_skipped_tasks_have_none(place: Path, tmp_path: Path) -> None:
    folder = studio_choices(place)
    tasks = json.loads((folder / "export.json").read_text())
    tasks[0]["annotations"][0]["result"][0]["value"]["choices"] = ["cat", "dog"]
    tasks[1]["annotations"][0]["was_cancelled"] = True
    (folder / "export.json").write_text(json.dumps(tasks))
    dataset = get(folder, tmp_path)
    assert dataset.schema.target_kind == "multilabel"
    assert dataset.index.target.sum(0).tolist() == [3, 5]
    assert dataset.refused == (("1.png", "no_label"),)


def test_hidden_labels_of_a_saved_test_part_are_unknown(place: Path, tmp_path: Path) -> None:
    folder = saved(place)
    table = arrow_table(range(6, 8), labels=False)
    file = folder / "test" / "data-00000-of-00001.arrow"
    with pyarrow.ipc.new_stream(str(file), table.schema) as writer:
        writer.write_table(table)
    dataset = get(folder, tmp_path)
    assert dataset.index.target[dataset.index.part == "test"].tolist() == [-1, -1]


def test_a_piece_of_a_table_that_is_missing_is_said(place: Path, tmp_path: Path) -> None:
    folder = parquet(place)
    os.remove(folder / "data" / "train-00001-of-00002.parquet")
    with pytest.raises(DataError, match=r"1 files.*2 files"):
        get(folder, tmp_path)
    alone = get(folder / "data" / "train-00000-of-00002.parquet", tmp_path)
    assert len(alone) == 4


def test_pictures_inside_a_table_are_written_out_once_and_a_bad_one_is_left_to_the_scan(
    place: Path, tmp_path: Path
) -> None:
    table = arrow_table(range(8)).to_pydict()
    table["image"][2] = {"bytes": b"\x89PNG broken", "path": None}
    table["image"][3] = None
    put(place / "5.png", 5)
    table["image"][5] = {"bytes": None, "path": "5.png"}
    put(tmp_path / "secret.png", 6)
    table["image"][6] = {"bytes": None, "path": "../secret.png"}
    pyarrow.parquet.write_table(pyarrow.table(table), place / "all.parquet")
    dataset = get(place / "all.parquet", tmp_path)
    np.testing.assert_array_equal(dataset[5], pixels(5))
    sizes = [os.path.getsize(where) for where in dataset.index.where]
    assert [sizes[i] for i in (2, 3, 6)] == [11, 0, 0]
    stamps = [os.stat(where).st_mtime_ns for where in dataset.index.where]
    again = get(place / "all.parquet", tmp_path)
    assert [os.stat(where).st_mtime_ns for where in again.index.where] == stamps
    with pytest.raises(DataError):
        again[3]


def test_a_damaged_table_of_pictures_is_one_line(place: Path, tmp_path: Path) -> None:
    folder = parquet(place)
    for file in (folder / "data").iterdir():
        file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(DataError, match="Parquet file cannot be read"):
        get(folder / "data" / "train-00000-of-00002.parquet", tmp_path)


def test_a_tar_of_a_web_dataset_may_be_named_itself_and_may_not_be_hostile(place: Path, tmp_path: Path) -> None:
    import tarfile

    folder = webdataset(place)
    assert len(get(folder / "train-000000.tar", tmp_path)) == 4
    with tarfile.open(folder / "train-000000.tar", "a") as archive:
        add(archive, "../../out.png", png(1))
    with pytest.raises(DataError, match="leads out of it"):
        get(folder, tmp_path)
    assert not (tmp_path / "out.png").exists()


def test_samples_of_a_tar_without_a_label_are_refused(place: Path, tmp_path: Path) -> None:
    import tarfile

    folder = webdataset(place)
    with tarfile.open(folder / "train-000001.tar", "a") as archive:
        add(archive, "000009.png", png(9))
        add(archive, "000010.png", png(10))
        add(archive, "000010.json", b"{broken")
    dataset = get(folder, tmp_path)
    names = ("train-000001.tar/000009.png", "train-000001.tar/000010.png")
    assert dataset.refused == tuple((name, "no_label") for name in names)
    assert [note.code for note in dataset.notes] == ["GF-D060"]


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_mnist_packed_or_not(packed: bool, place: Path, tmp_path: Path) -> None:
    dataset = get(idx(place, packed), tmp_path)
    assert describe(dataset).counts == {"train": 6, "test": 2}
    assert dataset.index.target.tolist() == LABELS
    np.testing.assert_array_equal(dataset[7][..., 1], pixels(7, 28)[..., 0])


@pytest.mark.parametrize("spoil", ["cut", "long", "kind", "gzip", "count"])
def test_idx_files_that_lie_are_refused(spoil: str, place: Path, tmp_path: Path) -> None:
    folder = idx(place, packed=False)
    file = folder / "train-images-idx3-ubyte"
    raw = file.read_bytes()
    if spoil == "gzip":
        file.unlink()
        (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(raw)[:-40])
    elif spoil == "count":
        labels = folder / "train-labels-idx1-ubyte"
        labels.write_bytes(labels.read_bytes()[:4] + np.array([5], dtype=">u4").tobytes() + b"\0" * 5)
    else:
        changed = {"cut": raw[:-1], "long": raw + b"\0", "kind": raw[:2] + b"\x0d" + raw[3:]}
        file.write_bytes(changed[spoil])
    with pytest.raises(DataError, match="differ in number" if spoil == "count" else "damaged or cut short"):
        get(folder, tmp_path)


def test_cifar_in_its_python_form_is_read_without_unpickling(place: Path, tmp_path: Path) -> None:
    dataset = get(cifar_python(place), tmp_path)
    assert describe(dataset).counts == {"train": 6, "test": 2}
    assert dataset.schema.classes == CLASSES
    assert dataset.index.target.tolist() == LABELS
    np.testing.assert_array_equal(dataset[4], pixels(4, 32))


def test_a_hub_name_is_an_error_that_says_how_to_bring_the_data(tmp_path: Path) -> None:
    for name in ("stanfordnlp/imdb", "hf://datasets/mnist", "https://example.org/flowers.zip"):
        with pytest.raises(DataError, match="downloads none.*save_to_disk"):
            get(Path(name) if "://" not in name else name, tmp_path)  # type: ignore[arg-type]


def test_a_pickle_that_is_no_batch_or_more_than_a_batch_is_refused(place: Path, tmp_path: Path) -> None:
    (place / "data_batch_1").write_bytes(b"\x80\x02}q\x01.")
    with pytest.raises(DataError, match="no batch of CIFAR pictures"):
        get(place, tmp_path)
    (place / "data_batch_1").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(DataError, match="os system.*npz"):
        get(place, tmp_path)
