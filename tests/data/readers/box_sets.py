"""Tiny data sets with boxes in every layout, all saying the same of the same pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

BOXES = {  # picture -> (class, x1, y1, x2, y2); 40 wide, 30 high
    "a": [("cat", 2, 3, 12, 23), ("dog", 20, 5, 38, 25)],
    "b": [("dog", 5, 5, 25, 20)],
    "c": [("cat", 1, 2, 9, 12), ("cat", 15, 6, 33, 28)],
    "d": [("dog", 10, 10, 30, 29)],
}
NAMES = ("cat", "dog")
WIDTH, HEIGHT = 40, 30


def draw(path: Path, seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT), orientation: int = 1) -> None:
    """A noisy picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(noise).save(path, exif=exif) if orientation > 1 else Image.fromarray(noise).save(path)


def pictures(folder: Path, names: str = "abcd") -> None:
    for i, name in enumerate(names):
        draw(folder / f"{name}.png", seed=i)


def coco(folder: Path, annotations: list[dict[str, object]] | None = None) -> Path:
    pictures(folder / "train2017")
    ids = {name: i + 1 for i, name in enumerate(BOXES)}
    made = [
        {"id": 100 * ids[n] + k, "image_id": ids[n], "category_id": 7 if c == "cat" else 3, "iscrowd": 0}
        | {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": 1}
        for n, boxes in BOXES.items()
        for k, (c, x1, y1, x2, y2) in enumerate(boxes)
    ]
    tree = {
        "images": [{"id": i, "file_name": f"{n}.png", "width": WIDTH, "height": HEIGHT} for n, i in ids.items()],
        "annotations": [*made, *(annotations or [])],
        "categories": [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}],
    }
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_train2017.json").write_text(json.dumps(tree))
    return folder


def voc(folder: Path) -> Path:
    pictures(folder / "JPEGImages")
    (folder / "Annotations").mkdir()
    for name, boxes in BOXES.items():
        things = "".join(
            f"<object><name>{c}</name><difficult>0</difficult><bndbox><xmin>{x1 + 1}</xmin><ymin>{y1 + 1}</ymin>"
            f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
            for c, x1, y1, x2, y2 in boxes
        )
        size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
        text = f"<annotation><filename>{name}.png</filename>{size}{things}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(text)
    return folder


def yolo(folder: Path) -> Path:
    pictures(folder / "images" / "train")
    (folder / "labels" / "train").mkdir(parents=True)
    for name, boxes in BOXES.items():
        rows = []
        for c, x1, y1, x2, y2 in boxes:
            middle = f"{(x1 + x2) / 2 / WIDTH} {(y1 + y2) / 2 / HEIGHT}"
            rows.append(f"{NAMES.index(c)} {middle} {(x2 - x1) / WIDTH} {(y2 - y1) / HEIGHT}")
        (folder / "labels" / "train" / f"{name}.txt").write_text("\n".join(rows) + "\n")
    (folder / "data.yaml").write_text("path: /somewhere/else\ntrain: images/train\nnames: [cat, dog]\n")
    return folder


def labelme(folder: Path) -> Path:
    pictures(folder)
    for name, boxes in BOXES.items():
        shapes = [
            {"label": c, "points": [[x1, y1], [x2, y2]], "shape_type": "rectangle"}
            if k == 0
            else {"label": c, "points": [[x1, y1], [x2, y1], [x2, y2], [x1, y2]], "shape_type": "polygon"}
            for k, (c, x1, y1, x2, y2) in enumerate(boxes)
        ]
        tree = {"imagePath": f"{name}.png", "imageHeight": HEIGHT, "imageWidth": WIDTH, "shapes": shapes}
        (folder / f"{name}.json").write_text(json.dumps(tree))
    return folder


def pascal_text(folder: Path) -> Path:
    pictures(folder / "PNGImages")
    (folder / "Annotation").mkdir()
    for name, boxes in BOXES.items():
        lines = ["# Compatible with PASCAL Annotation Version 1.00", f'Image filename : "X/PNGImages/{name}.png"']
        lines += [f"Image size (X x Y x C) : {WIDTH} x {HEIGHT} x 3"]
        lines += [
            f'Bounding box for object {k + 1} "PAS{c}Walking" (Xmin, Ymin) - (Xmax, Ymax) : '
            f"({x1 + 1}, {y1 + 1}) - ({x2}, {y2})"
            for k, (c, x1, y1, x2, y2) in enumerate(boxes)
        ]
        (folder / "Annotation" / f"{name}.txt").write_text("\n".join(lines))
    return folder


def box_table(folder: Path) -> Path:
    pictures(folder / "pictures")
    rows = [f"{n}.png,{WIDTH},{HEIGHT},{c},{x1},{y1},{x2},{y2}" for n, b in BOXES.items() for c, x1, y1, x2, y2 in b]
    (folder / "labels.csv").write_text("filename,width,height,class,xmin,ymin,xmax,ymax\n" + "\n".join(rows) + "\n")
    return folder


def kitti(folder: Path) -> Path:
    pictures(folder / "training" / "image_2")
    (folder / "training" / "label_2").mkdir()
    for name, boxes in BOXES.items():
        lines = [f"{c} 0.00 0 -1.58 {x1} {y1} {x2} {y2} 1.6 1.7 3.6 -0.6 1.7 46.7 -1.59" for c, x1, y1, x2, y2 in boxes]
        (folder / "training" / "label_2" / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return folder


def cvat(folder: Path) -> Path:
    pictures(folder / "images")
    images = []
    for i, (name, boxes) in enumerate(BOXES.items()):
        things = [
            f'<box label="{c}" occluded="0" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"/>'
            if k == 0
            else f'<polygon label="{c}" points="{x1},{y1};{x2},{y1};{x2},{y2};{x1},{y2}"/>'
            for k, (c, x1, y1, x2, y2) in enumerate(boxes)
        ]
        images.append(f'<image id="{i}" name="{name}.png" width="{WIDTH}" height="{HEIGHT}">{"".join(things)}</image>')
    text = f"<?xml version='1.0' encoding='utf-8'?><annotations><version>1.1</version>{''.join(images)}</annotations>"
    (folder / "annotations.xml").write_text(text)
    return folder


def label_studio(folder: Path) -> Path:
    pictures(folder)
    tasks = []
    for i, (name, boxes) in enumerate(BOXES.items()):
        results = [
            {"type": "rectanglelabels", "original_width": WIDTH, "original_height": HEIGHT}
            | {"value": percent(*corners) | {"rotation": 0, "rectanglelabels": [c]}}
            for c, *corners in boxes
        ]
        data = {"image": f"/data/upload/1/0a1b2c3d-{name}.png" if i else f"/data/local-files/?d=x%2F{name}.png"}
        tasks.append({"id": i, "data": data, "annotations": [{"result": results, "was_cancelled": False}]})
    (folder / "project-1.json").write_text(json.dumps(tasks))
    return folder


def percent(x1: float, y1: float, x2: float, y2: float) -> dict[str, float]:
    sides = {"width": 100 * (x2 - x1) / WIDTH, "height": 100 * (y2 - y1) / HEIGHT}
    return {"x": 100 * x1 / WIDTH, "y": 100 * y1 / HEIGHT} | sides


def ultralytics_ndjson(folder: Path) -> Path:
    pictures(folder / "images" / "train")
    lines: list[dict[str, object]] = [
        {"type": "dataset", "task": "detect", "name": "tiny", "class_names": {"0": "cat", "1": "dog"}}
    ]
    for name, boxes in BOXES.items():
        rows = [
            [NAMES.index(c), (x1 + x2) / 2 / WIDTH, (y1 + y2) / 2 / HEIGHT, (x2 - x1) / WIDTH, (y2 - y1) / HEIGHT]
            for c, x1, y1, x2, y2 in boxes
        ]
        entry = {"type": "image", "file": f"{name}.png", "width": WIDTH, "height": HEIGHT, "split": "train"}
        lines.append(entry | {"annotations": {"boxes": rows}})
    (folder / "tiny.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "coco": coco,
    "voc": voc,
    "yolo_boxes": yolo,
    "labelme": labelme,
    "pascal_text": pascal_text,
    "box_table": box_table,
    "kitti": kitti,
    "cvat": cvat,
    "label_studio": label_studio,
    "ultralytics_ndjson": ultralytics_ndjson,
}
