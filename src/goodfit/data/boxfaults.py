"""What is wrong with the boxes of one picture, and the boxes that are left when it is mended.

Sources: COCO's own loaders drop boxes without area; the list of faults follows the label checks of detection toolboxes
(torchvision's reference scripts, Roboflow's and FiftyOne's data checks).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

TINY = 2.0  # pixels of a side below which no net of stride 4 or more can say where a box is; the audit tells them
NUDGE = 0.51  # pixels beyond the edge that rounding explains (and that COCO's own boxes show): cut without a word

FAULTS = ("outside", "inverted", "no_area", "repeated", "no_number", "turned")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """How the corners of one picture's boxes are to be read.

    Attributes:
        height: of the upright picture in pixels.
        width: likewise.
        is_share: corners are shares of the sides, not pixels.
        from_one: the first pixel is number 1 and the last one belongs to the box (PASCAL).
        orientation: EXIF orientation by which boxes must be turned along, 1 = none.
    """

    height: int
    width: int
    is_share: bool = False
    from_one: bool = False
    orientation: int = 1


def mend(boxes: np.ndarray, frame: Frame) -> tuple[np.ndarray, Counter[str]]:
    """Boxes that a net can learn from.

    Args:
        boxes: (n, 6) float64 class, x1, y1, x2, y2, crowd as annotated.
        frame: of the picture.
    Returns: (m, 6) float32 in pixels, inside the picture, x1 < x2 and y1 < y2; and how many boxes had which of FAULTS.
        Those without area, repeated, not finite or wholly outside are dropped; inverted ones are turned round.
    """
    found: Counter[str] = Counter()
    keep = np.isfinite(boxes).all(axis=1)
    found["no_number"] = int((~keep).sum())
    boxes = boxes[keep].copy()
    low, high = np.minimum(boxes[:, 1:3], boxes[:, 3:5]), np.maximum(boxes[:, 1:3], boxes[:, 3:5])
    flat = (high <= low).any(axis=1)
    found["inverted"] = int(((boxes[:, 1:3] > boxes[:, 3:5]).any(axis=1) & ~flat).sum())
    found["no_area"] = int(flat.sum())
    boxes[:, 1:3], boxes[:, 3:5] = low - frame.from_one, high
    boxes = boxes[~flat]
    boxes = _upright(boxes, frame, found)
    sides = np.array([frame.width, frame.height, frame.width, frame.height], dtype=np.float64)
    whole = boxes[:, 1:5].copy()
    if (sides > 0).all():
        boxes[:, 1:5] = np.clip(whole, 0, sides)
    gone = (boxes[:, 3:5] <= boxes[:, 1:3]).any(axis=1)
    found["outside"] = int(((np.abs(whole - boxes[:, 1:5]) > NUDGE).any(axis=1) | gone).sum())
    boxes = boxes[~gone].astype(np.float32)
    _, first = np.unique(boxes, axis=0, return_index=True)
    found["repeated"] = len(boxes) - len(first)
    boxes = boxes[np.sort(first)]
    return boxes, +found


def _upright(boxes: np.ndarray, frame: Frame, found: Counter[str]) -> np.ndarray:
    """Corners in pixels of the upright picture."""
    turned = frame.orientation >= 5
    width, height = (frame.height, frame.width) if turned else (frame.width, frame.height)  # as stored
    if frame.is_share:
        boxes[:, 1:5] *= np.array([width, height, width, height])
    if not turned:
        return boxes
    found["turned"] = len(boxes)
    x, y = boxes[:, [1, 3]], boxes[:, [2, 4]]
    # EXIF 5: transposed; 6: turned right by 90 degrees; 7: both; 8: turned left (CIPA DC-008, tag 0x0112)
    across = {5: y, 6: height - y, 7: height - y, 8: y}[frame.orientation]
    down = {5: x, 6: x, 7: width - x, 8: width - x}[frame.orientation]
    turned_boxes = boxes.copy()
    turned_boxes[:, 1], turned_boxes[:, 3] = across.min(axis=1), across.max(axis=1)
    turned_boxes[:, 2], turned_boxes[:, 4] = down.min(axis=1), down.max(axis=1)
    return turned_boxes
