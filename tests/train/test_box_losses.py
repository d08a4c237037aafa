"""Which point answers for which box, and what its answer costs."""

from __future__ import annotations

import pytest
import torch

from goodfit.models.detector import points, side_of
from goodfit.train.box_losses import TOP, assign, detection_loss, giou, iou

SIDE = 96
PLACES, STRIDES = points(SIDE)


def target(*rows: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor([[list(row) for row in rows] or [[-1.0] * 6]], dtype=torch.float32)


def answers(classes: int = 2) -> torch.Tensor:
    """Every point says a box of four strides around itself, and is unsure of its class."""
    half = 2 * STRIDES[:, None]
    corners = torch.cat([PLACES - half, PLACES + half], dim=1)
    return torch.cat([corners, torch.full((len(PLACES), classes), -2.0)], dim=1)[None]


def points_of(count: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    return points(side_of(count), device)


def test_iou_and_giou_by_hand() -> None:
    a, b = torch.tensor([0.0, 0, 10, 10]), torch.tensor([5.0, 0, 15, 10])
    assert float(iou(a, b)) == pytest.approx(1 / 3)
    assert float(giou(a, b)) == pytest.approx(1 / 3)
    far = torch.tensor([20.0, 0, 30, 10])
    assert float(giou(a, far)) == pytest.approx(-1 / 3)  # 100 of 300 pixels around both are empty


def test_points_are_where_the_maps_are() -> None:
    assert PLACES.shape == (12 * 12 + 6 * 6 + 3 * 3, 2)
    assert PLACES[0].tolist() == [4, 4]
    assert PLACES[-1].tolist() == [80, 80]
    assert side_of(len(PLACES)) == SIDE


def test_a_box_is_answered_by_points_inside_it_at_most_ten() -> None:
    box = target((1, 10, 10, 60, 60, 0))
    owner, quality = assign(answers()[..., :4], answers()[..., 4:].sigmoid(), box, PLACES, STRIDES)
    mine = PLACES[owner[0] == 0]
    assert 1 <= len(mine) <= TOP
    assert ((mine > 10) & (mine < 60)).all()
    assert (quality[0][owner[0] < 0] == 0).all()
    best = iou(box[0, 0, 1:5], answers()[0, :, :4])[owner[0] == 0].max()
    assert float(quality.max()) == pytest.approx(float(best), abs=1e-5)


def test_a_box_smaller_than_a_step_still_has_a_point() -> None:
    owner, _ = assign(answers()[..., :4], answers()[..., 4:].sigmoid(), target((0, 30, 30, 32, 32, 0)), PLACES, STRIDES)
    assert (owner[0] == 0).sum() >= 1


def test_a_point_answers_for_one_box_only() -> None:
    boxes = target((0, 10, 10, 50, 50, 0), (1, 12, 12, 52, 52, 0))
    owner, _ = assign(answers()[..., :4], answers()[..., 4:].sigmoid(), boxes, PLACES, STRIDES)
    assert owner.shape == (1, len(PLACES))
    assert {0, 1} <= set(owner[0].tolist())


def test_pictures_without_boxes_and_ignored_regions_have_no_owner() -> None:
    for rows in (target(), target((0, 10, 10, 50, 50, 1))):
        owner, quality = assign(answers()[..., :4], answers()[..., 4:].sigmoid(), rows, PLACES, STRIDES)
        assert (owner < 0).all()
        assert float(quality.sum()) == 0
        loss = detection_loss(answers(), rows, points_of)
        assert bool(torch.isfinite(loss).all())


def test_inside_an_ignored_region_nothing_is_punished() -> None:
    sure = answers()
    inside = ((PLACES > 10) & (PLACES < 50)).all(1)
    sure[0, inside, 4:] = 5.0
    free = detection_loss(sure, target((0, 10, 10, 50, 50, 1)), points_of)
    assert float(free) < float(detection_loss(sure, target(), points_of)) / 5


def test_a_right_answer_costs_less_than_a_wrong_class_or_place() -> None:
    box = target((1, 20, 20, 60, 60, 0))
    right = answers()
    inside = ((PLACES > 20) & (PLACES < 60)).all(1)
    right[0, inside, :4] = box[0, 0, 1:5]
    right[0, inside, 5] = 4.0
    wrong_class, wrong_place = right.clone(), right.clone()
    wrong_class[0, inside, 4:] = torch.tensor([4.0, -2.0])
    wrong_place[0, inside, :4] += 12
    costs = [float(detection_loss(x, box, points_of)) for x in (right, wrong_class, wrong_place)]
    assert costs[0] < costs[1]
    assert costs[0] < costs[2]


def test_loss_of_a_batch_is_one_value_a_picture_and_has_gradients() -> None:
    outputs = answers().repeat(3, 1, 1).requires_grad_()
    rows = torch.cat(
        [target((0, 10, 10, 40, 40, 0)), target((1, 20, 20, 80, 80, 0)), target((-1, 0, 0, 0, 0, 0))]
    ).float()
    loss = detection_loss(outputs, rows, points_of)
    assert loss.shape == (3,)
    loss.mean().backward()
    assert outputs.grad is not None
    assert bool(torch.isfinite(outputs.grad).all())
