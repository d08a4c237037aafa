"""What a detector without anchors learns from: which points answer for which box, and the loss of their answers.

Sources: Feng et al. 2021, "TOOD", arXiv:2108.07755 (task-aligned assignment: the points whose class score and box
together fit best); Zhang et al. 2021, "VarifocalNet", arXiv:2008.13367 (the class score as quality of the box);
Rezatofighi et al. 2019, arXiv:1902.09630 (GIoU).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Points = Callable[[int, str], tuple[Tensor, Tensor]]  # (points in all, device) -> (A, 2) places, (A,) strides
TOP = 10  # points a box at most
ALPHA, BETA = 1.0, 6.0  # powers of score and overlap; TOOD's
BOX_GAIN = (
    2.5  # of the box term over the class term; YOLOv6, Li et al. 2022, arXiv:2209.02976, with the same two losses
)
NEGATIVE, FOCUS = 0.75, 2.0  # VarifocalNet's alpha and gamma


def detection_loss(outputs: Tensor, target: Tensor, points: Points) -> Tensor:
    """(B,) loss of each picture; their mean is the sum over the batch by the sum of the assigned quality.

    Args:
        outputs: (B, A, 4 + K) corners in pixels and logits.
        target: (B, M, 6) class (-1 = none), x1, y1, x2, y2, crowd.
        points: gives places and strides of the A points.
    """
    boxes, logits = outputs[..., :4].float(), outputs[..., 4:].float()
    places, strides = points(outputs.shape[1], str(outputs.device))
    with torch.no_grad():
        owner, quality = assign(boxes, logits.sigmoid(), target.float(), places, strides)
        wanted = torch.zeros_like(logits)
        real = owner >= 0
        label = _pick(target[..., :1], owner)[..., 0].long().clamp_min(0)
        wanted.scatter_(2, label[..., None], quality[..., None] * real[..., None])
        scale = quality.sum().clamp_min(1.0) / len(outputs)
        weight = torch.where(wanted > 0, wanted, NEGATIVE * logits.sigmoid() ** FOCUS)
        weight = weight * ~(_inside(places, target, target[..., 5] > 0).any(1) & ~real)[..., None]
    classes = (F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * weight).sum((1, 2))
    corners = (1 - giou(boxes, _pick(target[..., 1:5], owner))) * quality
    return (classes + BOX_GAIN * torch.where(real, corners, 0.0).sum(1)) / scale


def assign(boxes: Tensor, scores: Tensor, target: Tensor, places: Tensor, strides: Tensor) -> tuple[Tensor, Tensor]:
    """Which box each point answers for, and how good its class score should be.

    Args:
        boxes: (B, A, 4) predicted corners.
        scores: (B, A, K) in [0, 1].
        target: (B, M, 6).
        places: (A, 2).
        strides: (A,).
    Returns: (B, A) row of the target, -1 = none; (B, A) in [0, 1], 0 where none.
    """
    real = (target[..., 0] >= 0) & (target[..., 5] == 0)  # (B, M)
    label = target[..., 0].long().clamp_min(0)
    near = _near(places, strides, target) & real[..., None]  # (B, M, A)
    overlap = iou(target[:, :, None, 1:5], boxes[:, None]) * near
    score = scores.transpose(1, 2).gather(1, label[..., None].expand(-1, -1, boxes.shape[1]))
    fit = score.pow(ALPHA) * overlap.clamp_min(1e-9).pow(BETA) * near
    best = fit.topk(min(TOP, fit.shape[2]), dim=2)
    chosen = torch.zeros_like(near).scatter_(2, best.indices, True) & near
    kept = torch.where(chosen, overlap + 1e-9, torch.zeros_like(overlap))
    most, owner = kept.max(dim=1)  # a point that several boxes want goes to the one that it covers best
    owner = torch.where(most > 0, owner, -1)
    mine = chosen & (owner[:, None] == torch.arange(target.shape[1], device=owner.device)[:, None])
    fit, overlap = fit * mine, overlap * mine
    top_fit, top_overlap = fit.amax(2, keepdim=True), overlap.amax(2, keepdim=True)
    quality = (fit / top_fit.clamp_min(1e-12) * top_overlap).amax(1)
    return owner, quality.clamp(0, 1)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes whose last axis holds x1, y1, x2, y2; other axes broadcast."""
    inside, union, _ = _areas(a, b)
    return inside / union.clamp_min(1e-9)


def giou(a: Tensor, b: Tensor) -> Tensor:
    """IoU less the share of the smallest box around both that neither fills, in [-1, 1]."""
    inside, union, around = _areas(a, b)
    return inside / union.clamp_min(1e-9) - (around - union) / around.clamp_min(1e-9)


def _areas(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    ax1, ay1, ax2, ay2 = a.unbind(-1)
    bx1, by1, bx2, by2 = b.unbind(-1)
    width = (torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1)).clamp_min(0)
    height = (torch.minimum(ay2, by2) - torch.maximum(ay1, by1)).clamp_min(0)
    inside = width * height
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - inside
    around = (torch.maximum(ax2, bx2) - torch.minimum(ax1, bx1)) * (torch.maximum(ay2, by2) - torch.minimum(ay1, by1))
    return inside, union, around


def _near(places: Tensor, strides: Tensor, target: Tensor) -> Tensor:
    """(B, M, A) bool: points inside a box, or within half a step of the middle of one too small to hold a point."""
    middle = (target[..., 1:3] + target[..., 3:5]) / 2  # (B, M, 2)
    half = ((target[..., 3:5] - target[..., 1:3]) / 2)[:, :, None]
    reach = torch.maximum(half, 0.51 * strides[:, None])  # (B, M, A, 2)
    return ((places - middle[:, :, None]).abs() < reach).all(-1)


def _inside(places: Tensor, target: Tensor, which: Tensor) -> Tensor:
    """(B, M, A) bool: points inside the boxes that `which` (B, M) marks."""
    x, y = places[:, 0], places[:, 1]
    x1, y1, x2, y2 = (target[..., c, None] for c in range(1, 5))
    return (x > x1) & (x < x2) & (y > y1) & (y < y2) & which[..., None]


def _pick(rows: Tensor, owner: Tensor) -> Tensor:
    """(B, A, C) rows (B, M, C) of the owners; the first row where there is none."""
    return rows.float().gather(1, owner.clamp_min(0)[..., None].expand(-1, -1, rows.shape[2]))
