"""Each layout of boxes is recognised and read alike; what is wrong in the files is said and never a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from box_sets import BOXES, HEIGHT, LAYOUTS, NAMES, WIDTH, coco, draw, voc, yolo

from goodfit.core import target_kinds
from goodfit.core.errors import DataError
from goodfit.core.recipe import DataSection
from goodfit.data.boxes import Boxes
from goodfit.data.readers import READERS
from goodfit.data.reading import describe, read


def get(folder: Path, tmp_path: Path, **section: str) -> Boxes:
    dataset = read(DataSection(path=str(folder), **section), tmp_path / "cache", "auto")
    assert isinstance(dataset, Boxes)
    return dataset


def codes(dataset: Boxes) -> dict[str, int]:
    return {note.code: int(note.numbers["count"]) for note in dataset.notes}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_recognised_and_says_the_same(layout: str, place: Path, tmp_path: Path) -> None:
    folder = LAYOUTS[layout](place)
    first = next(name for name, reader in READERS.items() if reader.recognises(folder, None))
    assert first == layout
    dataset = get(folder, tmp_path)
    assert (dataset.schema.task, dataset.schema.target_kind, dataset.schema.classes) == ("detection", "boxes", NAMES)
    assert dataset.sizes.tolist() == [[HEIGHT, WIDTH]] * 4
    assert not dataset.notes
    for name, target in zip(sorted(BOXES), dataset.index.target, strict=True):
        wanted = sorted([NAMES.index(c), *corners] for c, *corners in BOXES[name])
        found = sorted(row[:5].tolist() for row in target[target[:, 0] >= 0])
        np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_was_read_is_told_with_boxes_counted(layout: str, place: Path, tmp_path: Path) -> None:
    guess = describe(get(LAYOUTS[layout](place), tmp_path))
    assert sum(guess.counts.values()) == 4
    assert [sum(part[c] for part in guess.class_counts.values()) for c in NAMES] == [3, 3]
    assert [sum(part[c] for part in guess.picture_counts.values()) for c in NAMES] == [2, 3]  # two cats share one
    assert guess.samples[0][1] == "cat 1, dog 1"


def test_crowds_are_ignored_regions_and_unknown_classes_are_dropped(place: Path, tmp_path: Path) -> None:
    extra = [
        {"id": 1, "image_id": 1, "category_id": 3, "iscrowd": 1, "bbox": [0, 0, 20, 20]},
        {"id": 2, "image_id": 1, "category_id": 99, "iscrowd": 0, "bbox": [0, 0, 20, 20]},
        {"id": 3, "image_id": 1, "category_id": 3, "iscrowd": 0, "bbox": [0, 0, 20]},
        {"id": 4, "category_id": 3},
    ]
    dataset = get(coco(place, extra), tmp_path)
    assert dataset.index.target[0, :, 5].tolist() == [0, 0, 1]
    assert codes(dataset) == {"GF-D055": 1, "GF-D060": 2}


def test_faulty_boxes_are_mended_or_dropped_and_told(place: Path, tmp_path: Path) -> None:
    def box(i: int, corners: list[float]) -> dict[str, object]:
        return {"id": i, "image_id": 2, "category_id": 3, "bbox": corners}

    bad = [[30, 20, 30, 30], [5, 5, 0, 9], [5, 5, 20, 15], [200, 200, 9, 9], [12, 12, -6, 6], [1, 1, float("nan"), 5]]
    dataset = get(coco(place, [box(i, corners) for i, corners in enumerate(bad)]), tmp_path)
    rows = dataset.index.target[1]
    assert sorted(row[1:5].tolist() for row in rows[rows[:, 0] >= 0]) == [
        [5, 5, 25, 20],
        [6, 12, 12, 18],
        [30, 20, 40, 30],
    ]
    assert codes(dataset) == {"GF-D050": 2, "GF-D051": 1, "GF-D052": 1, "GF-D053": 1, "GF-D054": 1}


def test_pictures_without_annotation_and_annotations_without_picture_are_named(place: Path, tmp_path: Path) -> None:
    folder = yolo(place)
    draw(folder / "images" / "train" / "extra.png", seed=9)
    (folder / "labels" / "train" / "ghost.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (folder / "labels" / "train" / "b.txt").write_text("")
    dataset = get(folder, tmp_path)
    assert codes(dataset) == {"GF-D056": 1, "GF-D057": 1}
    assert set(dataset.refused) == {("images/train/extra.png", "no_label"), ("labels/train/ghost.txt", "vanished")}
    assert (dataset.index.target[1, :, 0] == -1).all()  # an empty file says that nothing is there


def test_coco_parts_that_share_a_folder_do_not_take_one_another_for_unannotated(place: Path, tmp_path: Path) -> None:
    file = coco(place) / "annotations" / "instances_train2017.json"
    tree = json.loads(file.read_text())
    os.rename(place / "train2017", place / "images")
    os.remove(file)
    for i, part in enumerate(("train", "train", "val", "test")):
        own = tree["images"][:2] if part == "train" else [tree["images"][i]]
        ids = {entry["id"] for entry in own}
        boxes = [entry for entry in tree["annotations"] if entry["image_id"] in ids]
        said = json.dumps({**tree, "images": own, "annotations": boxes})
        (place / "annotations" / f"instances_{part}.json").write_text(said)
    draw(place / "images" / "loose.png", seed=9)
    dataset = get(place, tmp_path)
    assert list(zip(dataset.index.id, dataset.index.part, strict=True)) == [
        ("images/a.png", "train"),
        ("images/b.png", "train"),
        ("images/c.png", "val"),
        ("images/d.png", "test"),
    ]
    assert dataset.refused == (("images/loose.png", "no_label"),)


def test_a_name_with_nul_is_a_picture_that_is_not_there(place: Path, tmp_path: Path) -> None:
    file = coco(place) / "annotations" / "instances_train2017.json"
    file.write_text(file.read_text().replace('"a.png"', '"a\\u0000.png"'))
    assert codes(get(place, tmp_path)) == {"GF-D056": 1, "GF-D057": 1}


def test_voc_lists_give_the_parts_and_leave_the_rest_out(place: Path, tmp_path: Path) -> None:
    folder = voc(place)
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    for part, names in (("train", "a\nb\n"), ("test", "c\n")):
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text(names)
    dataset = get(folder, tmp_path)
    assert list(dataset.index.part) == ["train", "train", "test"]


@pytest.mark.parametrize(
    "attack",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]><annotation><filename>&x;</filename></annotation>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>',
        "<annotation><object>",
        "<a>" * 200 + "</a>" * 200,
        "",
    ],
)
def test_a_hostile_or_broken_xml_file_is_skipped_and_told(attack: str, place: Path, tmp_path: Path) -> None:
    folder = voc(place)
    (folder / "Annotations" / "b.xml").write_text(attack)
    dataset = get(folder, tmp_path)
    assert len(dataset) == 3
    assert codes(dataset)["GF-D060"] == 1


@pytest.mark.parametrize("layout", ["coco", "box_table", "labelme"])
def test_no_annotation_leads_out_of_the_data_folder(layout: str, place: Path, tmp_path: Path) -> None:
    draw(tmp_path / "secret.png", seed=8)
    folder = LAYOUTS[layout](place)
    if layout == "coco":
        file = folder / "annotations" / "instances_train2017.json"
        tree = json.loads(file.read_text())
        tree["images"][0]["file_name"] = "../../secret.png"
        file.write_text(json.dumps(tree))
    elif layout == "labelme":
        os.remove(folder / "a.png")
        file = folder / "a.json"
        file.write_text(file.read_text().replace('"a.png"', '"../secret.png"'))
    else:
        file = folder / "labels.csv"
        file.write_text(file.read_text().replace("a.png", "../../secret.png"))
    dataset = get(folder, tmp_path)
    assert len(dataset) == 3
    assert "outside" in {fault for _, fault in dataset.refused}


@pytest.mark.parametrize("claims_stored", [True, False])
def test_boxes_follow_a_picture_that_is_turned_upright(claims_stored: bool, place: Path, tmp_path: Path) -> None:
    folder = coco(place)
    draw(folder / "train2017" / "a.jpg", orientation=6)  # stored lying, 40 x 30; upright 30 x 40
    file = folder / "annotations" / "instances_train2017.json"
    tree = json.loads(file.read_text())
    tree["images"][0] |= {
        "file_name": "a.jpg",
        "width": 40 if claims_stored else 30,
        "height": 30 if claims_stored else 40,
    }
    os.remove(folder / "train2017" / "a.png")
    file.write_text(json.dumps(tree))
    dataset = get(folder, tmp_path)
    i = list(dataset.index.id).index("train2017/a.jpg")
    assert dataset.sizes[i].tolist() == [40, 30]
    first = dataset.index.target[i, 0, 1:5].tolist()
    assert first == ([30 - 23, 2, 30 - 3, 12] if claims_stored else [2, 3, 12, 23])
    assert ("GF-D059" in codes(dataset)) == claims_stored


@pytest.mark.parametrize("text", ["{", "[1, 2]", '{"images": [], "annotations": 3, "categories": []}'])
def test_a_json_file_that_is_no_coco_file_is_an_error_that_names_it(text: str, place: Path, tmp_path: Path) -> None:
    folder = coco(place)
    file = folder / "annotations" / "instances_train2017.json"
    file.write_text(text)
    with pytest.raises(DataError, match="instances_train2017"):
        get(folder, tmp_path)


def cut_coco(place: Path) -> str:
    """Two folders of pictures, so that they could pass for classes."""
    folder = coco(place)
    file = folder / "annotations" / "instances_train2017.json"
    file.write_text(file.read_text()[:-40].replace("categories", "kinds").replace("images", "pictures"))
    draw(folder / "street" / "1.png")
    return "instances_train2017"


def broken_voc(place: Path) -> str:
    for file in (voc(place) / "Annotations").iterdir():
        file.write_text("<annotation><object>")
    draw(place / "SegmentationClass" / "1.png")
    return r"Annotations/a\.xml"


def worded_yolo(place: Path) -> str:
    for file in (yolo(place) / "labels" / "train").iterdir():
        file.write_text("cat 0.5 0.5 0.1 0.1\n")
    draw(place / "other" / "1.png")
    return r"labels/train/a\.txt.*cat 0\.5"


def empty_yolo(place: Path) -> str:
    for file in (yolo(place) / "labels" / "train").iterdir():
        file.write_text("")
    return "4 empty files"


def renamed_column(place: Path) -> str:
    file = LAYOUTS["box_table"](place) / "labels.csv"
    file.write_text(file.read_text().replace("xmin", "left_x", 1))
    return "xmin"


@pytest.mark.parametrize("spoil", [cut_coco, broken_voc, worded_yolo, empty_yolo, renamed_column])
def test_pictures_with_broken_annotations_are_never_taken_for_classes(
    spoil: Callable[[Path], str], place: Path, tmp_path: Path
) -> None:
    named = spoil(place)
    with pytest.raises(DataError, match=named) as caught:
        read(DataSection(path=str(place)), tmp_path / "cache", "auto")
    assert "task=image_classification" in str(caught.value)


def test_a_broken_file_among_good_ones_does_not_hide_the_layout(tmp_path: Path) -> None:
    made = {name: LAYOUTS[name](tmp_path / name) for name in ("voc", "yolo_boxes")}
    (made["voc"] / "Annotations" / "a.xml").write_text("<annotation>")
    (made["yolo_boxes"] / "labels" / "train" / "a.txt").write_text("cat 0.5 0.5 0.1 0.1\n")
    for name, folder in made.items():
        dataset = get(folder, tmp_path)
        assert codes(dataset)["GF-D060"] == 1, name
        assert "a.png" not in {str(i).rpartition("/")[2] for i in dataset.index.id}, name


def test_a_picture_whose_boxes_are_all_lost_is_no_example_of_nothing(place: Path, tmp_path: Path) -> None:
    folder = coco(place)
    file = folder / "annotations" / "instances_train2017.json"
    tree = json.loads(file.read_text())
    for entry in tree["annotations"]:
        if entry["image_id"] == 1:
            entry["bbox"] = "abc"
        if entry["image_id"] == 2:
            entry["category_id"] = 77
    file.write_text(json.dumps(tree))
    dataset = get(folder, tmp_path)
    lost = {name.rpartition("/")[2] for name, fault in dataset.refused if fault == "no_usable_box"}
    assert lost == {"a.png", "b.png"}


def test_a_yaml_file_that_cannot_be_read_is_an_error(place: Path, tmp_path: Path) -> None:
    (yolo(place) / "data.yaml").write_text("names: [cat, dog\ntrain: images/train\n")
    with pytest.raises(DataError, match=r"data\.yaml"):
        get(place, tmp_path)


def test_sides_and_corners_beyond_any_number_are_faults_and_no_traceback(place: Path, tmp_path: Path) -> None:
    huge = int("9" * 400)
    file = coco(place, [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [huge, 0, 5, 5]}])
    file = file / "annotations" / "instances_train2017.json"
    tree = json.loads(file.read_text())
    tree["images"][0]["width"] = huge
    file.write_text(json.dumps(tree))
    assert codes(get(place, tmp_path)) == {"GF-D054": 1}


def test_endless_sides_of_voc_and_labelme_and_endless_classes_of_yolo_are_faults(tmp_path: Path) -> None:
    made = {name: LAYOUTS[name](tmp_path / name) for name in ("voc", "labelme", "yolo_boxes")}
    file = made["voc"] / "Annotations" / "a.xml"
    file.write_text(file.read_text().replace("<width>40", "<width>inf"))
    file = made["labelme"] / "a.json"
    file.write_text(file.read_text().replace('"imageWidth": 40', '"imageWidth": 1e999'))
    file = made["yolo_boxes"] / "labels" / "train" / "d.txt"
    file.write_text("inf 0.5 0.5 0.1 0.1\n")
    found = {name: codes(get(folder, tmp_path)) for name, folder in made.items()}
    assert found == {"voc": {}, "labelme": {}, "yolo_boxes": {"GF-D060": 1}}


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        ("{1000000000000: a}", "far above the count"),
        ("[&a [x, x], *a]", "no word"),
        ("{0: {cat: 1}}", "no word"),
    ],
)
def test_names_of_yolo_classes_are_words_under_small_numbers(
    names: str, wrong: str, place: Path, tmp_path: Path
) -> None:
    (yolo(place) / "data.yaml").write_text(f"train: images/train\nnames: {names}\n")
    with pytest.raises(DataError, match=wrong):
        get(place, tmp_path)


def share_tables(place: Path, test_rows: str) -> Path:
    """A table of shares for training, and one of these rows for the test."""
    for i, name in enumerate("abcd"):
        draw(place / f"{name}.png", seed=i)
    head = "filename,class,xmin,ymin,xmax,ymax\n"
    (place / "train.csv").write_text(head + "a.png,cat,0.1,0.2,0.5,0.6\nb.png,dog,0.2,0.2,0.5,0.5\n")
    (place / "test.csv").write_text(head + test_rows)
    return place


def test_a_table_without_boxes_does_not_say_what_the_corners_of_another_are(place: Path, tmp_path: Path) -> None:
    dataset = get(share_tables(place, "c.png,,,,,\nd.png,,,,,\n"), tmp_path)
    np.testing.assert_allclose(dataset.index.target[0, 0, 1:5], [4, 6, 20, 18], atol=1e-4)


def test_tables_of_shares_and_of_pixels_do_not_go_together(place: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train.csv: shares, test.csv: pixels"):
        get(share_tables(place, "c.png,cat,3,4,20,22\n"), tmp_path)


def test_a_picture_with_more_boxes_than_there_is_room_for_is_named(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_kinds, "MOST_BYTES", 4 * 3 * target_kinds.BOX_BYTES)  # four pictures of three boxes
    more = [{"id": k, "image_id": 2, "category_id": 3, "bbox": [k, 1, 9, 9]} for k in range(2)]
    assert get(coco(place, more), tmp_path).index.target.shape == (4, 3, 6)
    file = place / "annotations" / "instances_train2017.json"
    tree = json.loads(file.read_text())
    tree["annotations"].append({"id": 9, "image_id": 2, "category_id": 3, "bbox": [7, 1, 9, 9]})
    file.write_text(json.dumps(tree))
    with pytest.raises(DataError, match=r"b\.png: .*got 4 boxes, 4 pictures; allowed: 3 boxes a picture"):
        get(place, tmp_path)


def test_a_set_without_a_single_box_is_an_error(place: Path, tmp_path: Path) -> None:
    folder = yolo(place)
    for name in BOXES:
        (folder / "labels" / "train" / f"{name}.txt").write_text("9 0.5 0.5 0.1 0.1\n")
    with pytest.raises(DataError, match="no box is left"):
        get(folder, tmp_path)


def test_detection_asks_readers_of_boxes_only(place: Path, tmp_path: Path) -> None:
    for name in ("x", "y"):
        draw(place / name / "1.png")
    with pytest.raises(DataError, match="layout"):
        read(DataSection(path=str(place)), tmp_path / "cache", "detection")


def test_fingerprint_changes_with_a_box_and_two_sets_join(place: Path, tmp_path: Path) -> None:
    folder = yolo(place)
    before = get(folder, tmp_path).fingerprint
    file = folder / "labels" / "train" / "a.txt"
    file.write_text(file.read_text().replace("0 ", "1 ", 1))
    dataset = get(folder, tmp_path)
    assert dataset.fingerprint != before
    both = dataset.joined(dataset.take(np.array([0])), dataset.index.take(np.array([0, 1, 2, 3, 0])))
    assert len(both.sizes) == len(both) == 5


def test_regions_that_kitti_does_not_care_for_are_left_out_and_counted(place: Path, tmp_path: Path) -> None:
    folder = LAYOUTS["kitti"](place)
    with open(folder / "training" / "label_2" / "a.txt", "a") as file:
        file.write("DontCare -1 -1 -10 1 1 9 9 -1 -1 -1 -1000 -1000 -1000 -10\ndog 0 0 1 2\n")
    draw(folder / "testing" / "image_2" / "e.png", seed=9)
    dataset = get(folder, tmp_path)
    assert codes(dataset) == {"GF-D130": 1, "GF-D060": 1}
    assert describe(dataset).counts == {"train": 4, "test": 1}


def test_videos_of_cvat_are_refused_with_the_way_out(place: Path, tmp_path: Path) -> None:
    folder = LAYOUTS["cvat"](place)
    (folder / "annotations.xml").write_text("<annotations><track><box frame='0'/></track></annotations>")
    draw(folder / "other" / "1.png")
    with pytest.raises(DataError, match="CVAT for images 1.1"):
        get(folder, tmp_path)


def test_rectangles_of_label_studio_that_are_turned_are_no_boxes(place: Path, tmp_path: Path) -> None:
    folder = LAYOUTS["label_studio"](place)
    tasks = json.loads((folder / "project-1.json").read_text())
    tasks[0]["annotations"][0]["result"][0]["value"]["rotation"] = 30
    tasks[1]["annotations"] = []
    tasks[2]["data"]["image"] = "https://example.org/else/zz.png"
    (folder / "project-1.json").write_text(json.dumps(tasks))
    dataset = get(folder, tmp_path)
    assert codes(dataset) == {"GF-D056": 1, "GF-D057": 1, "GF-D060": 1}
    assert sorted(dataset.index.id) == ["a.png", "d.png"]


def test_short_json_of_label_studio_says_the_same(place: Path, tmp_path: Path) -> None:
    folder = LAYOUTS["label_studio"](place)
    tasks = json.loads((folder / "project-1.json").read_text())
    short = [
        {"image": task["data"]["image"], "annotator": 1}
        | {"label": [r["value"] | {"original_width": 40} for r in task["annotations"][0]["result"]]}
        for task in tasks
    ]
    long = get(folder, tmp_path)
    (folder / "project-1.json").write_text(json.dumps(short))
    np.testing.assert_allclose(get(folder, tmp_path).index.target, long.index.target)


def test_ndjson_names_one_file_in_two_parts_and_bad_lines_are_told(place: Path, tmp_path: Path) -> None:
    folder = LAYOUTS["ultralytics_ndjson"](place)
    draw(folder / "images" / "val" / "a.png", seed=9)
    row = {
        "type": "image",
        "file": "a.png",
        "split": "val",
        "annotations": {"segments": [[1, 0.1, 0.1, 0.9, 0.2, 1, 1]]},
    }
    with open(folder / "tiny.ndjson", "a") as file:
        file.write(
            json.dumps(row) + "\nno json\n" + json.dumps(row | {"file": "b.png", "annotations": {"boxes": [[0]]}})
        )
    dataset = get(folder, tmp_path)
    assert describe(dataset).counts == {"train": 4, "val": 1}
    val = dataset.index.target[dataset.index.part == "val"][0]
    np.testing.assert_allclose(val[0, :5], [1, 4, 3, 40, 30], atol=1e-4)
    assert codes(dataset)["GF-D060"] == 2
