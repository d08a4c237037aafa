"""Boxes are mended once, while they are read."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.data.annotated import CODES
from goodfit.data.boxfaults import FAULTS, Frame, mend

FRAME = Frame(height=30, width=40)


def of(*corners: tuple[float, float, float, float]) -> np.ndarray:
    return np.array([[0, *c, 0] for c in corners], dtype=np.float64).reshape(-1, 6)


@pytest.mark.parametrize(
    ("corners", "left", "fault"),
    [
        ((5, 5, 10, 10), [5, 5, 10, 10], None),
        ((-3, 5, 10, 10), [0, 5, 10, 10], "outside"),
        ((-0.3, 5, 10, 30.4), [0, 5, 10, 30], None),  # rounding is no fault
        ((50, 5, 60, 10), None, "outside"),
        ((10, 10, 5, 5), [5, 5, 10, 10], "inverted"),
        ((5, 5, 5, 10), None, "no_area"),
        ((5, np.nan, 9, 10), None, "no_number"),
        ((5, 5, 6, 25), [5, 5, 6, 25], None),  # small is no fault; the audit counts it
    ],
)
def test_each_fault_has_its_word_and_its_cure(
    corners: tuple[float, float, float, float], left: list[float] | None, fault: str | None
) -> None:
    boxes, found = mend(of(corners), FRAME)
    assert [row.tolist() for row in boxes[:, 1:5]] == ([] if left is None else [left])
    assert dict(found) == ({} if fault is None else {fault: 1})


def test_every_fault_is_told() -> None:
    assert set(FAULTS) <= CODES.keys()


def test_repeated_boxes_are_one_and_another_class_is_another_box() -> None:
    boxes = of((1, 1, 5, 5), (1, 1, 5, 5), (1, 1, 5, 5))
    boxes[2, 0] = 1
    kept, found = mend(boxes, FRAME)
    assert (len(kept), dict(found)) == (2, {"repeated": 1})


def test_shares_become_pixels_and_counting_from_one_gives_a_pixel_back() -> None:
    shares, _ = mend(of((0.25, 0.5, 0.5, 1.0)), Frame(height=30, width=40, is_share=True))
    assert shares[0, 1:5].tolist() == [10, 15, 20, 30]
    pascal, _ = mend(of((1, 1, 40, 30)), Frame(height=30, width=40, from_one=True))
    assert pascal[0, 1:5].tolist() == [0, 0, 40, 30]


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_turn_as_pillow_turns_the_picture(orientation: int) -> None:
    from PIL import Image, ImageOps

    stored = np.zeros((40, 30, 3), np.uint8)  # 40 high, 30 wide as stored
    stored[4:14, 6:26] = 255
    image = Image.fromarray(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.info["exif"] = exif.tobytes()
    image.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image))[..., 0]
    rows, columns = np.nonzero(upright)
    boxes, found = mend(of((6, 4, 26, 14)), Frame(height=30, width=40, orientation=orientation))
    assert upright.shape == (30, 40)
    assert boxes[0, 1:5].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert found["turned"] == 1
