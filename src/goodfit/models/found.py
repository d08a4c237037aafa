"""From what a detector says at every point to the boxes of an answer: best class scores, one box an object.

Source: non-maximum suppression by class as torchvision.ops.batched_nms does it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..core.errors import MissingExtra

MOST = 100  # boxes a picture, as COCO's evaluator counts
CANDIDATES = 400  # of a picture before suppression
LEAST_SCORE = 0.01
OVERLAP = 0.6  # boxes of a class that share more are one; FCOS


def found_boxes(outputs: Tensor, sizes: Tensor, side: int) -> Tensor:
    """(B, MOST, 6) class, score, x1, y1, x2, y2 in pixels of the pictures, the surest first, padded with class -1.

    Args:
        outputs: (B, A, 4 + K) corners in input pixels and logits.
        sizes: (B, 2) height and width of the pictures.
        side: of the input, onto which the whole picture was resized.
    """
    answers = outputs.new_full((len(outputs), MOST, 6), -1.0)
    for i, (rows, size) in enumerate(zip(outputs.float(), sizes.tolist(), strict=True)):
        scores = rows[:, 4:].sigmoid()
        flat = scores.flatten()
        best, places = flat.topk(min(CANDIDATES, len(flat)))
        places = places[best > LEAST_SCORE]
        best = best[best > LEAST_SCORE]
        point, label = places // scores.shape[1], places % scores.shape[1]
        boxes = fitted(rows[point, :4], side, size[0], size[1])
        kept = suppress(boxes, best, label)
        answers[i, : len(kept)] = torch.cat([label[kept, None].float(), best[kept, None], boxes[kept]], dim=1)
    return answers


def fitted(boxes: Tensor, side: int, height: float, width: float) -> Tensor:
    """(F, 4) corners in input pixels -> in those of the picture, inside it."""
    scale = boxes.new_tensor([width, height, width, height])
    return torch.minimum((boxes / side * scale).clamp_min(0), scale)


def suppress(boxes: Tensor, scores: Tensor, labels: Tensor) -> Tensor:
    """Rows that stay, the surest first, at most MOST; boxes without area go."""
    try:
        from torchvision.ops import batched_nms
    except ImportError:
        raise MissingExtra("torchvision is not installed", do="pip install torchvision") from None
    solid = torch.nonzero(((boxes[:, 2:] - boxes[:, :2]) > 0.5).all(1))[:, 0]
    kept: Tensor = batched_nms(boxes[solid], scores[solid], labels[solid], OVERLAP)
    return solid[kept[:MOST]]


def fitted_answers(answers: Tensor, sizes: Tensor, side: int) -> Tensor:
    """(B, D, 6) class, score and corners in input pixels -> the same in pixels of the pictures."""
    scale = torch.stack([sizes[:, 1], sizes[:, 0], sizes[:, 1], sizes[:, 0]], dim=1).to(answers)[:, None] / side
    moved = torch.minimum((answers[..., 2:] * scale).clamp_min(0), scale * side)
    real = answers[..., :1] >= 0
    return torch.cat([answers[..., :2], torch.where(real, moved, -1.0)], dim=2)
