"""Answers for labelling tools: our readers take them back, Label Studio's form is kept, doubtful ones come first."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from goodfit.core.recipe import DataSection
from goodfit.data.reading import read
from goodfit.workflow import preannotate as page
from goodfit.workflow.preannotate import preannotate

from .tiny import QUICK, Shell, class_folders, picture

BOXES = {
    "sure.png": [{"label": "cat", "probability": 0.99, "box": [2.0, 4.0, 12.0, 14.0]}],
    "doubtful.png": [
        {"label": "dog", "probability": 0.9, "box": [0.0, 0.0, 10.0, 5.0]},
        {"label": "cat", "probability": 0.4, "box": [10.0, 5.0, 20.0, 20.0]},
    ],
    "empty.png": [],
}


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three pictures of 40 by 20 pixels, and a model that says of them what BOXES holds."""
    folder = tmp_path / "new"
    folder.mkdir()
    for name in BOXES:
        picture((90, 90, 90), 1, 40).crop((0, 0, 40, 20)).save(folder / name)
    said = [({"input": str(folder / name), "boxes": found}, np.zeros((20, 40, 3))) for name, found in BOXES.items()]
    monkeypatch.setattr(page, "predicted", lambda *_, **__: iter(said))
    return folder


def test_coco_is_read_back_with_every_box_and_doubtful_pictures_first(boxes: Path) -> None:
    text, refused = preannotate(boxes, [str(boxes)], "coco")
    assert refused == []
    tree = json.loads(text)
    assert [image["file_name"] for image in tree["images"]] == ["doubtful.png", "sure.png", "empty.png"]
    assert tree["annotations"][1] == {
        "id": 2, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": [10.0, 5.0, 10.0, 15.0], "area": 150.0,
        "score": 0.4,
    }  # fmt: skip
    (boxes / "_annotations.coco.json").write_text(text)
    again = read(DataSection(path=str(boxes)), boxes, "auto")
    assert again.schema.format.startswith("COCO boxes")
    assert again.schema.classes == ("cat", "dog")
    target = dict(zip(again.index.id, again.index.target, strict=True))
    np.testing.assert_allclose(target["doubtful.png"][:, :5], [[1, 0, 0, 10, 5], [0, 10, 5, 20, 20]])


def test_a_table_of_boxes_is_read_back(boxes: Path) -> None:
    text, _ = preannotate(boxes, [str(boxes)], "csv")
    (boxes / "boxes.csv").write_text(text)
    again = read(DataSection(path=str(boxes / "boxes.csv")), boxes, "auto")
    assert again.schema.format.startswith("table of boxes")
    assert len(again) == 3
    assert sorted((again.index.target[:, :, 0] >= 0).sum(1)) == [0, 1, 2]


def test_label_studio_gets_rectangles_in_per_cent(boxes: Path) -> None:
    tasks = json.loads(preannotate(boxes, [str(boxes)], "label_studio")[0])
    assert tasks[0]["data"]["image"].startswith("/data/local-files/?d=")
    (prediction,) = tasks[0]["predictions"]
    assert prediction["score"] == 0.4
    second = prediction["result"][1]
    assert second["value"] == {
        "x": 25.0, "y": 25.0, "width": 25.0, "height": 75.0, "rotation": 0, "rectanglelabels": ["cat"]
    }  # fmt: skip
    assert (second["original_width"], second["original_height"]) == (40, 20)


def test_classes_of_pictures_come_as_a_table_that_serves_as_data(goodfit: Shell, tmp_path: Path) -> None:
    data = class_folders(tmp_path / "d", {"train": 12})
    model = goodfit("train", data, *QUICK).answer["model"]
    new = tmp_path / "new"
    new.mkdir()
    for seed in range(12):
        picture(((200, 60, 60), (60, 60, 210))[seed % 2], 500 + seed).save(new / f"{seed}.png")
    said = goodfit("predict", model, new, "--format", "csv").answer["file"]
    rows = list(csv.DictReader(io.StringIO(said)))
    assert len(rows) == 12
    sure = [float(row["confidence"]) for row in rows]
    assert sure == sorted(sure)
    (tmp_path / "new.csv").write_text(said)
    again = read(DataSection(path=str(tmp_path / "new.csv"), target="label"), tmp_path, "auto")
    told = {where: again.schema.classes[k] for where, k in zip(again.index.where, again.index.target, strict=True)}
    assert told == {row["path"]: row["label"] for row in rows}
    assert "COCO files hold boxes" in goodfit("predict", model, new, "--format", "coco", code=1).err
    tasks = json.loads(goodfit("predict", model, new, "--format", "label_studio").answer["file"])
    assert tasks[0]["predictions"][0]["result"][0]["value"] == {"choices": [rows[0]["label"]]}
