"""Pictures with boxes as a data set: picture files, and the size that their boxes are measured in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.samples import Index
from ..core.target_kinds import CLASS, CROWD
from .images import ImageFiles
from .samples import Samples


@dataclass(frozen=True, kw_only=True)
class Boxes(ImageFiles):
    """Picture files whose target is boxes.

    Attributes:
        sizes: (N, 2) int64 height and width of each upright picture, in whose pixels its boxes are; 0 = cannot be read.
    """

    sizes: np.ndarray

    def take(self, positions: np.ndarray) -> Boxes:
        """The samples at `positions`."""
        rows = np.asarray(positions, dtype=np.int64)
        return replace(self, index=self.index.take(rows), sizes=self.sizes[rows])

    def joined(self, test: Samples, index: Index) -> Boxes:
        """See `Samples.joined`."""
        both = super().joined(test, index)
        assert isinstance(test, Boxes) and isinstance(both, Boxes)
        return replace(both, sizes=np.concatenate([self.sizes, test.sizes]))

    def measured(self, positions: np.ndarray) -> dict[str, Any]:
        """Those of pictures, and of their boxes: boxes (most in a picture), box_share (median box side over the
        picture's), box_small (share of boxes below a tenth of the picture's side)."""
        target, sizes = self.index.target[positions], self.sizes[positions]
        picture, row = np.nonzero((target[..., CLASS] >= 0) & (target[..., CROWD] == 0))
        corners, scale = target[picture, row, 1:5], np.maximum(sizes[picture], 1)
        area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
        share = np.sqrt(area / (scale[:, 0] * scale[:, 1]))
        most = np.bincount(picture, minlength=1).max(initial=0)
        return {
            **super().measured(positions),
            "boxes": int(most),
            "box_share": round(float(np.median(share)), 4) if len(share) else 0.0,
            "box_small": round(float((share < 0.1).mean()), 4) if len(share) else 0.0,
        }
