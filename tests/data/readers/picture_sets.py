"""The same eight pictures of two classes in every layout of labelled pictures."""

from __future__ import annotations

import gzip
import io
import json
import pickle  # noqa: TID251 - writes what the reader must read without it
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
from PIL import Image

CLASSES = ("cat", "dog")
LABELS = [0, 0, 0, 1, 0, 1, 1, 1]  # of the pictures, by their seed
SIDE = 20


def pixels(seed: int, side: int = SIDE) -> np.ndarray:
    """(side, side, 3) uint8, another picture for each seed."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def png(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(seed)).save(file, "PNG")
    return file.getvalue()


def put(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(seed))


def put_all(folder: Path) -> None:
    for seed in range(8):
        put(folder / f"{seed}.png", seed)


def synset_folders(folder: Path) -> Path:
    """Train in folders, val in one folder, its answers in a table, as the Kaggle copy of ImageNet comes."""
    numbers = ("n02123045", "n02085620")
    home = folder / "ILSVRC" / "Data" / "CLS-LOC"
    answers = ["ImageId,PredictionString"]
    for seed, label in enumerate(LABELS):
        if seed % 4 == 3:
            put(home / "val" / f"ILSVRC2012_val_{seed:08d}.JPEG", seed)
            answers.append(f"ILSVRC2012_val_{seed:08d},{numbers[label]} 1 2 3 4 ")
        else:
            put(home / "train" / numbers[label] / f"{numbers[label]}_{seed}.JPEG", seed)
    words = [f"{number} {name}, and other words" for number, name in zip(numbers, CLASSES, strict=True)]
    (folder / "LOC_synset_mapping.txt").write_text("\n".join(words) + "\n")
    (folder / "LOC_val_solution.csv").write_text("\n".join(answers) + "\n")
    return folder


def list_files(folder: Path) -> Path:
    for seed in range(8):
        put(folder / "images" / f"a picture {seed}.png", seed)
    lines = [f"images/a picture {seed}.png {label}\n" for seed, label in enumerate(LABELS)]
    (folder / "train_list.txt").write_text("".join(lines[:6]))
    (folder / "val_list.txt").write_text("".join(lines[6:]))
    (folder / "labels.txt").write_text("cat\ndog\n")
    return folder


def metadata(folder: Path) -> Path:
    for part, seeds in (("train", range(6)), ("test", range(6, 8))):
        lines = []
        for seed in seeds:
            put(folder / part / "inner" / f"{seed}.png", seed)
            lines.append(json.dumps({"file_name": f"inner/{seed}.png", "label": CLASSES[LABELS[seed]]}))
        (folder / part / "metadata.jsonl").write_text("\n".join(lines))
    return folder


def odd_columns(folder: Path) -> Path:
    put_all(folder / "photos")
    rows = [f"{i};photos\\{i}.png;{CLASSES[label]}" for i, label in enumerate(LABELS)]
    (folder / "list.csv").write_text("No.;Foto (Datei);Tierart\n" + "\n".join(rows) + "\n", "utf-8-sig")
    return folder


def coco_labels(folder: Path) -> Path:
    """Annotations without boxes, as of iNaturalist."""
    put_all(folder / "pictures")
    tree = {
        "images": [{"id": f"x{i}", "file_name": f"pictures/{i}.png"} for i in range(8)],
        "annotations": [{"id": i, "image_id": f"x{i}", "category_id": 5 + k} for i, k in enumerate(LABELS)],
        "categories": [{"id": 5, "name": "cat"}, {"id": 6, "name": "dog"}],
    }
    (folder / "labels.json").write_text(json.dumps(tree))
    return folder


def studio_choices(folder: Path) -> Path:
    put_all(folder)
    tasks = [
        {
            "data": {"image": f"/data/upload/3/0123abcd-{i}.png"},
            "annotations": [{"result": [{"type": "choices", "value": {"choices": [CLASSES[label]]}}]}],
        }
        for i, label in enumerate(LABELS)
    ]
    (folder / "export.json").write_text(json.dumps(tasks))
    return folder


def webdataset(folder: Path) -> Path:
    for shard in range(2):
        with tarfile.open(folder / f"train-{shard:06d}.tar", "w") as archive:
            for seed in range(4 * shard, 4 * shard + 4):
                told = {"cls": str(LABELS[seed]), "json": json.dumps({"label": LABELS[seed]})}
                add(archive, f"{seed:06d}.png", png(seed))
                kind = "cls" if shard == 0 else "json"
                add(archive, f"{seed:06d}.{kind}", told[kind].encode())
    return folder


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def arrow_table(seeds: range, labels: bool = True) -> pyarrow.Table:
    """Pictures and labels as the library `datasets` holds them."""
    picture = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    columns: dict[str, Any] = {
        "image": pyarrow.array([{"bytes": png(i), "path": f"{i}.png"} for i in seeds], picture),
        "label": pyarrow.array([LABELS[i] if labels else -1 for i in seeds], pyarrow.int64()),
    }
    features = {"image": {"_type": "Image"}, "label": {"names": list(CLASSES), "_type": "ClassLabel"}}
    note = json.dumps({"info": {"features": features}}).encode()
    return pyarrow.table(columns).replace_schema_metadata({b"huggingface": note})


def saved(folder: Path) -> Path:
    """What `save_to_disk` of a dict of data sets writes: Arrow streams in pieces."""
    pieces = {"train": (range(3), range(3, 6)), "test": (range(6, 8),)}
    for part, ranges in pieces.items():
        (folder / part).mkdir()
        for k, seeds in enumerate(ranges):
            table = arrow_table(seeds)
            name = f"data-{k:05d}-of-{len(ranges):05d}.arrow"
            with pyarrow.ipc.new_stream(str(folder / part / name), table.schema) as writer:
                writer.write_table(table)
        (folder / part / "dataset_info.json").write_text("{}")
        (folder / part / "state.json").write_text("{}")
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    return folder


def parquet(folder: Path) -> Path:
    """Pieces in the folder data, as a hub stores them."""
    (folder / "data").mkdir()
    (folder / "README.md").write_text("---\n")
    for k, seeds in enumerate((range(4), range(4, 8))):
        pyarrow.parquet.write_table(arrow_table(seeds), folder / "data" / f"train-{k:05d}-of-00002.parquet")
    return folder


def feather(folder: Path) -> Path:
    """Plain bytes, labels in words."""
    columns = {"photo": [png(i) for i in range(8)], "kind": [CLASSES[k] for k in LABELS]}
    pyarrow.feather.write_feather(pyarrow.table(columns), folder / "animals.feather")
    return folder


# layout -> (what makes it, the reader that takes it, its classes)
LAYOUTS: dict[str, tuple[Callable[[Path], Path], str, tuple[str, ...]]] = {
    "synset_folders": (synset_folders, "synset_folders", CLASSES),
    "list_files": (list_files, "list_files", CLASSES),
    "metadata": (metadata, "table", CLASSES),
    "odd_columns": (odd_columns, "table", CLASSES),
    "coco_labels": (coco_labels, "coco_labels", CLASSES),
    "studio_choices": (studio_choices, "studio_choices", CLASSES),
    "webdataset": (webdataset, "webdataset", ("0", "1")),
    "saved": (saved, "picture_table", CLASSES),
    "parquet": (parquet, "picture_table", CLASSES),
    "feather": (feather, "picture_table", CLASSES),
}


def idx(folder: Path, packed: bool = True) -> Path:
    """Grey 28 x 28 pictures: six to train on, two to test."""
    for head, seeds in (("train", range(6)), ("t10k", range(6, 8))):
        grey = np.stack([pixels(seed, 28)[..., 0] for seed in seeds])
        codes = np.array([LABELS[seed] for seed in seeds], dtype=np.uint8)
        files = {
            f"{head}-images-idx3-ubyte": header(3, grey.shape) + grey.tobytes(),
            f"{head}-labels-idx1-ubyte": header(1, codes.shape) + codes.tobytes(),
        }
        for name, content in files.items():
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / name).write_bytes(content)
    return folder


def header(sides: int, shape: tuple[int, ...]) -> bytes:
    return bytes((0, 0, 8, sides)) + np.array(shape, dtype=">u4").tobytes()


def cifar_python(folder: Path) -> Path:
    """Batches as the Python version of CIFAR-10 holds them: keys of bytes, an array of rows, a list of labels."""
    home = folder / "cifar-10-batches-py"
    home.mkdir()
    for name, seeds in (("data_batch_1", range(3)), ("data_batch_2", range(3, 6)), ("test_batch", range(6, 8))):
        rows = np.stack([pixels(seed, 32).transpose(2, 0, 1).reshape(-1) for seed in seeds])
        tree = {b"data": rows, b"labels": [LABELS[seed] for seed in seeds], b"batch_label": name.encode()}
        (home / name).write_bytes(pickle.dumps(tree, protocol=2))
    (home / "batches.meta").write_bytes(pickle.dumps({b"label_names": [b"cat", b"dog"], b"num_vis": 3072}, protocol=2))
    return folder
