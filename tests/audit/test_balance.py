"""Balance: the figures by hand, a flood of nothing by its two rules, annotations apart from pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from goodfit.audit import Audit, run
from goodfit.audit.balance import effective_number
from goodfit.core.recipe import DataSection
from goodfit.data.reading import read
from goodfit.data.scan import scan

from ..data.drawing import draw, folders, noise


def audited(path: Path, cache: Path) -> Audit:
    dataset = read(DataSection(path=str(path)), cache)
    return run(dataset, scan(dataset, cache))


def coco(root: Path, boxes: list[list[int]]) -> Path:
    """One picture an entry; each entry is a list of class numbers, a box each."""
    root.mkdir()
    images, annotations = [], []
    for i, classes in enumerate(boxes):
        Image.fromarray(noise(i, 40, 200)).save(root / f"{i:03d}.png")
        images.append({"id": i, "file_name": f"{i:03d}.png", "height": 40, "width": 200})
        for k, name in enumerate(classes):
            box = {"id": len(annotations), "image_id": i, "category_id": name, "bbox": [9 * k, 4, 8, 20], "iscrowd": 0}
            annotations.append({**box, "area": 160})
    names = [{"id": 0, "name": "cell"}, {"id": 1, "name": "rare"}]
    tree = {"images": images, "annotations": annotations, "categories": names}
    (root / "annotations.json").write_text(json.dumps(tree))
    return root


def test_four_equal_classes_count_for_four_and_one_of_two_for_nearly_one() -> None:
    assert effective_number([5, 5, 5, 5, 0]) == pytest.approx(4.0)
    assert effective_number([99, 1]) == pytest.approx(1.0576, abs=1e-4)  # exp(-.99 ln .99 - .01 ln .01)


def test_annotations_are_counted_apart_from_pictures(tmp_path: Path) -> None:
    audit = audited(coco(tmp_path / "d", [[0] * 10, [0] * 10, [0] * 9 + [1], [1]]), tmp_path / "c")
    assert audit.balance is not None
    told = audit.balance.to_json()
    assert (told["samples"], told["boxes"]) == ([3, 2], [29, 2])
    assert (told["ratio"]["boxes"], told["background"]) == (14.5, 0)
    (found,) = (f for f in audit.findings if f.code == "GF-D092")
    assert (found.numbers["largest_count"], found.numbers["smallest_count"]) == (29, 2)
    assert found.ids == ("002.png", "003.png")


@pytest.mark.parametrize(("empty", "severity"), [(1, None), (5, "info"), (12, "warning")])
def test_more_than_a_tenth_of_pictures_without_boxes_is_named(empty: int, severity: str | None, tmp_path: Path) -> None:
    audit = audited(coco(tmp_path / "d", [[0, 1]] * 10 + [[]] * empty), tmp_path / "c")
    found = [f for f in audit.findings if f.code == "GF-D090"]
    assert [f.severity for f in found] == ([severity] if severity else [])
    assert audit.balance is not None
    assert audit.balance.background == empty


@pytest.mark.parametrize(("many", "said"), [(15, False), (17, True)])
def test_more_than_three_of_a_background_class_to_one_positive_are_named(many: int, said: bool, tmp_path: Path) -> None:
    root = folders(tmp_path / "d", {"a": 3, "b": 2, "background": many})
    audit = audited(root, tmp_path / "c")
    assert ("GF-D091" in {f.code for f in audit.findings}) is said
    assert audit.balance is not None
    assert (audit.balance.background, audit.balance.background_class) == (many, "background")


def test_a_number_has_no_balance(tmp_path: Path) -> None:
    for i in range(6):
        draw(tmp_path / "d" / f"{i}.png", seed=i)
    rows = "\n".join(f"{i}.png,{i / 3}" for i in range(6))
    (tmp_path / "d" / "labels.csv").write_text("file,price\n" + rows)
    assert audited(tmp_path / "d", tmp_path / "c").balance is None
