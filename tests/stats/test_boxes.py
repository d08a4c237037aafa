"""Average precision by COCO's rules, equal to the standard evaluator's."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.core.target_kinds import no_boxes, pad_boxes
from goodfit.stats.boxes import average_precisions, found_and_missed, iou, match, mean_over
from goodfit.tasks.box_metrics import MAP, MAP50, MAP75, MISS_RATE, RECALL

METRICS = {"map": (MAP, 0), "map50": (MAP50, 1), "map75": (MAP75, 2), "average_recall": (RECALL, 8)}


def scenes(seed: int, n: int = 25, k: int = 3, crowds: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Pictures with boxes, ignored regions, and answers that are moved, doubled, made up and tied in score."""
    random = np.random.default_rng(seed)
    target, outputs = pad_boxes(no_boxes(n), 9), np.full((n, 40, 6), -1.0, dtype=np.float32)
    for i in range(n):
        many = int(random.integers(0, 9))
        corner, side = random.uniform(0, 150, (many, 2)), random.uniform(5, 90, (many, 2))
        target[i, :many, 0] = random.integers(0, k, many)
        target[i, :many, 1:3], target[i, :many, 3:5] = corner, corner + side
        target[i, :many, 5] = crowds * (random.random(many) < 0.2)
        rows = []
        for box in target[i, :many]:
            for _ in range(int(random.integers(0, 4))):
                label = box[0] if random.random() < 0.8 else random.integers(0, k)
                moved = box[1:5] + random.normal(0, random.choice([0.0, 2.0, 8.0]), 4)
                rows.append([label, np.round(random.random(), 1), *moved])
        rows += [[random.integers(0, k), random.random(), *(c := random.uniform(0, 100, 2)), *(c + 30)] for _ in "ab"]
        rows = [row for row in rows if row[4] > row[2] and row[5] > row[3]]
        outputs[i, : len(rows)] = np.array(rows, dtype=np.float32)
    return target, outputs


def standard(target: np.ndarray, outputs: np.ndarray, k: int) -> np.ndarray:
    """The twelve figures of the standard evaluator."""
    evaluator = pytest.importorskip("faster_coco_eval")
    images, annotations, results = [], [], []
    for i in range(len(target)):
        images.append({"id": i + 1, "width": 500, "height": 500})
        for row in target[i][target[i][:, 0] >= 0].astype(np.float64):
            x, y, w, h = row[1], row[2], row[3] - row[1], row[4] - row[2]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": i + 1, "category_id": int(row[0]) + 1, "bbox": [x, y, w, h]}
                | {"area": w * h, "iscrowd": int(row[5])}
            )
        for row in outputs[i][outputs[i][:, 0] >= 0].astype(np.float64):
            box = [row[2], row[3], row[4] - row[2], row[5] - row[3]]
            results.append({"image_id": i + 1, "category_id": int(row[0]) + 1, "bbox": box, "score": row[1]})
    tree: dict[str, Any] = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": c + 1, "name": str(c)} for c in range(k)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth = evaluator.COCO(tree)
        run = evaluator.COCOeval_faster(truth, truth.loadRes(results), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return np.asarray(run.stats, dtype=np.float64)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("crowds", [False, True])
def test_figures_equal_the_standard_evaluators(seed: int, crowds: bool) -> None:
    target, outputs = scenes(seed, crowds=crowds)
    theirs = standard(target, outputs, 3)
    for name, (metric, place) in METRICS.items():
        assert metric.value(target, outputs) == pytest.approx(theirs[place], abs=1e-6), name


def test_figures_equal_the_standard_evaluators_on_real_annotations(shared_data: Path, tmp_path: Path) -> None:
    from goodfit.core.recipe import DataSection
    from goodfit.data.reading import read

    dataset = read(DataSection(path=str(shared_data / "coco_mini.zip")), tmp_path)
    target, k = dataset.index.target, len(dataset.schema.classes)
    assert (target[..., 5] > 0).sum() == 13  # crowds
    random = np.random.default_rng(0)
    outputs = np.full((len(target), 40, 6), -1.0, dtype=np.float32)
    for i, boxes in enumerate(target):
        real = boxes[boxes[:, 0] >= 0]
        moved = np.sort((real[:, 1:5] + random.normal(0, 6, (len(real), 4))).reshape(-1, 2, 2), axis=1).reshape(-1, 4)
        outputs[i, : len(real)] = np.column_stack([real[:, 0], random.random(len(real)), moved])
    theirs = standard(target, outputs, k)
    for name, (metric, place) in METRICS.items():
        assert metric.value(target, outputs) == pytest.approx(theirs[place], abs=1e-6), name


def test_iou_by_hand_and_over_the_found_box_alone_for_a_crowd() -> None:
    found, real = np.array([[0.0, 0, 10, 10]]), np.array([[5.0, 0, 15, 10], [20, 20, 30, 30]])
    np.testing.assert_allclose(iou(found, real), [[50 / 150, 0]])
    np.testing.assert_allclose(iou(found, real, np.array([True, True])), [[0.5, 0]])


def test_a_perfect_answer_scores_one_and_none_scores_zero() -> None:
    target, _ = scenes(1, crowds=False)
    perfect = np.concatenate([target[..., :1], np.ones_like(target[..., :1]), target[..., 1:5]], axis=2)
    for metric in (MAP, MAP50, MAP75, RECALL):
        assert metric.value(target, perfect) == pytest.approx(1.0)
        assert metric.value(target, no_boxes(len(target))) == 0.0
    assert MISS_RATE.value(target, perfect) == 0.0
    assert MISS_RATE.value(target, no_boxes(len(target))) == 1.0


def test_pictures_without_any_box_have_no_figure() -> None:
    target = no_boxes(4)
    assert np.isnan(MAP.value(target, target))
    assert np.isnan(MISS_RATE.value(target, target))


@pytest.mark.parametrize("name", METRICS)
def test_weights_equal_pictures_taken_several_times(name: str) -> None:
    target, outputs = scenes(3)
    outputs[..., 1] += np.random.default_rng(1).uniform(0, 0.01, outputs.shape[:2])  # equal scores have no order
    metric = METRICS[name][0]
    assert metric.of_digest is not None
    rows = np.random.default_rng(5).integers(0, len(target), len(target))
    repeated = metric.value(target[rows], outputs[rows])
    assert metric.resampled(target, outputs)(rows) == pytest.approx(repeated, abs=1e-6)
    assert metric.resampled(target, outputs)(np.arange(len(target))) == pytest.approx(metric.value(target, outputs))


def test_the_worst_picture_has_most_boxes_missed_or_made_up() -> None:
    target = pad_boxes(no_boxes(3), 2)
    target[0, :2] = [[0, 0, 0, 10, 10, 0], [0, 50, 50, 60, 60, 0]]
    target[1, 0] = [0, 0, 0, 10, 10, 0]
    outputs = np.full((3, 2, 6), -1.0, dtype=np.float32)
    outputs[1, 0] = [0, 0.9, 0, 0, 10, 10]
    outputs[2, 0] = [0, 0.9, 0, 0, 10, 10]
    outputs[2, 1] = [0, 0.2, 0, 0, 10, 10]  # not sure enough to count
    right, missed, made_up = found_and_missed(target, outputs)
    assert [list(x) for x in (right, missed, made_up)] == [[0, 1, 0], [2, 0, 0], [0, 0, 1]]
    assert MAP.wrongness is not None
    assert list(MAP.wrongness(target, outputs)) == [2, 0, 1]


def test_each_class_has_its_own_precision() -> None:
    target, outputs = scenes(4)
    precision, recall = average_precisions(match(target, outputs), np.ones(len(target), dtype=np.int64))
    assert precision.shape == recall.shape == (10, 3)
    assert mean_over(precision) == pytest.approx(MAP.value(target, outputs))
