"""Pictures and boxes move by one matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from goodfit.augment.box_options import BoxAugment
from goodfit.augment.boxes import BoxPreparer
from goodfit.core.target_kinds import pad_boxes

STILL = {"flip": False, "zoom": None, "stretch": 0.0, "translate": 0.0}
PALE = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}


@dataclass(frozen=True)
class When:
    epoch: int
    places: np.ndarray
    positions: np.ndarray
    size: int = 0
    training: bool = True


def scene(n: int = 1) -> tuple[list[np.ndarray], np.ndarray]:
    """White rectangles on black, 120 wide and 80 high, and their boxes."""
    pictures, target = [], np.zeros((n, 1, 6), dtype=np.float32)
    for i in range(n):
        picture = np.zeros((80, 120, 3), np.uint8)
        picture[20:50, 30:75] = 255
        pictures.append(picture)
        target[i, 0] = [0, 30, 20, 75, 50, 0]
    return pictures, target


def preparer(n: int, **options: object) -> BoxPreparer:
    return BoxPreparer(
        options=BoxAugment(**{**STILL, **PALE, **options}),
        size=64,
        sizes=np.tile([80, 120], (n, 1)),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        seed=3,
    )


def when(n: int, epoch: int = 0, training: bool = True, size: int = 0) -> When:
    return When(epoch, np.arange(n), np.arange(n), size, training)


def lit(pixels: torch.Tensor) -> list[float]:
    """The box around what is white."""
    rows, columns = torch.nonzero(pixels[0] > 0.9, as_tuple=True)
    return [float(columns.min()), float(rows.min()), float(columns.max()) + 1, float(rows.max()) + 1]


def test_the_plain_view_holds_the_whole_picture() -> None:
    pictures, target = scene()
    inputs, boxes = preparer(1)(pictures, target, when(1, training=False))
    assert inputs["pixels"].shape == (1, 3, 64, 64)
    assert inputs["sizes"].tolist() == [[80, 120]]
    np.testing.assert_allclose(boxes[0, 0].numpy(), [0, 16, 16, 40, 40, 0], atol=1e-4)
    np.testing.assert_allclose(lit(inputs["pixels"][0]), [16, 16, 40, 40], atol=1)


def test_boxes_of_a_picture_that_is_stored_smaller_are_the_same() -> None:
    pictures, target = scene()
    _, boxes = preparer(1)([pictures[0][::2, ::2]], target, when(1, training=False))
    np.testing.assert_allclose(boxes[0, 0].numpy(), [0, 16, 16, 40, 40, 0], atol=1e-4)


@pytest.mark.parametrize("size", [0, 32])
def test_whatever_chance_does_the_box_stays_around_the_thing(size: int) -> None:
    n = 24
    pictures, target = scene(n)
    prepare = preparer(n, flip=True, zoom=(0.5, 1.4), stretch=0.3, translate=0.1, least_seen=0.0)
    inputs, boxes = prepare(pictures, target, when(n, size=size))
    assert inputs["pixels"].shape[-1] == (size or 64)
    moved = 0
    for i in range(n):
        box = boxes[i][boxes[i, :, 0] >= 0]
        if len(box):
            np.testing.assert_allclose(lit(inputs["pixels"][i]), box[0, 1:5].numpy(), atol=1.6)
            moved += not np.allclose(box[0, 1:5], [16, 16, 40, 40], atol=2)
    assert moved > n / 2


@pytest.mark.parametrize(
    "options",
    [{"flip_vertical": True}, {"quarter_turns": True}, {"rotate": 20.0}, {"shear": 15.0}, {"policy": "trivial"}],
    ids=lambda options: next(iter(options)),
)
def test_turned_boxes_stay_around_the_turned_thing(options: dict) -> None:
    n = 24
    pictures, target = scene(n)
    inputs, boxes = preparer(n, least_seen=0.0, **options)(pictures, target, when(n))
    moved = judged = 0
    for i in range(n):
        box, bright = boxes[i][boxes[i, :, 0] >= 0], inputs["pixels"][i]
        if len(box) and bright.max() > 0.9 and (bright > 0.9).float().mean() < 0.5:
            left, top, right, bottom = lit(bright)
            assert box[0, 1] - 1.6 <= left and right <= box[0, 3] + 1.6
            assert box[0, 2] - 1.6 <= top and bottom <= box[0, 4] + 1.6
            judged += 1
        moved += len(box) and not np.allclose(box[0, 1:5], [16, 16, 40, 40], atol=2)
    assert judged > n / 2
    assert moved >= n / 5


def test_beyond_a_turned_picture_lies_grey_too() -> None:
    pictures, target = scene(8)
    inputs, _ = preparer(8, rotate=45.0)(pictures, target, when(8))
    assert float((inputs["pixels"].abs() < 0.01).float().mean()) > 0.03  # corners, black and white apart
    assert float((inputs["pixels"] > 0.9).float().mean()) < 1.1 * 30 * 45 / (80 * 120)


def test_beyond_the_picture_lies_grey_not_its_reflection() -> None:
    pictures, target = scene()
    inputs, _ = preparer(1, zoom=(0.4, 0.4))(pictures, target, when(1))
    white = (inputs["pixels"][0, 0] > 0.5).float().mean()
    assert float(white) == pytest.approx(30 * 45 / (80 * 120) * 0.16, rel=0.25)  # one rectangle, not several
    assert float((inputs["pixels"][0].abs() < 0.01).float().mean()) > 0.5


def test_a_box_of_which_little_is_left_is_dropped_and_an_ignored_region_stays() -> None:
    pictures, target = scene(40)
    prepare = preparer(40, zoom=(1.7, 1.7), least_seen=0.9)
    _, boxes = prepare(pictures, target, when(40))
    assert 0 < int((boxes[..., 0] >= 0).sum()) < 40
    crowd = target.copy()
    crowd[..., 5] = 1
    _, kept = prepare(pictures, crowd, when(40))
    assert int((kept[..., 0] >= 0).sum()) > int((boxes[..., 0] >= 0).sum())


def test_chance_depends_on_seed_epoch_and_place_alone() -> None:
    pictures, target = scene(4)
    prepare = preparer(4, flip=True, zoom=(0.5, 2.0), brightness=0.3)
    first, again, later = (prepare(pictures, target, when(4, epoch))[0]["pixels"] for epoch in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, later)


def test_rows_are_cut_to_the_most_boxes_of_the_batch() -> None:
    pictures, target = scene(2)
    _, boxes = preparer(2)(pictures, pad_boxes(target, 50), when(2, training=False))
    assert boxes.shape == (2, 1, 6)


def test_options_refuse_an_empty_zoom() -> None:
    with pytest.raises(ValueError, match="zoom"):
        BoxAugment(zoom=(2.0, 1.0))
