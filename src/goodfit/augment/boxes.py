"""Make a detector's inputs of decoded pictures and their boxes: one matrix a sample moves both.

Every random number is a function of (seed, epoch, place in the epoch), so that workers and cuts change nothing.
Sources: Liu et al. 2016, "SSD", arXiv:1512.02325, 2.2 (zoom in and out, photometric changes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import torch

from ..core import randomness
from ..core.target_kinds import CLASS, CROWD, PAD
from . import colour, geometry, mix, policy, turns
from .box_options import BoxAugment
from .images import AREA, GEOMETRY, Box, Moment
from .look import looked
from .warp import Pictures, warp


@dataclass(frozen=True, kw_only=True)
class BoxPreparer:
    """Pictures and boxes in, tensors on the device out; called by the loaders.

    Attributes:
        options: settled augmentation; no key is `auto`.
        size: side of the square input; the whole picture is resized onto it.
        sizes: (N, 2) height and width of every picture of the data set, in whose pixels its boxes are.
        mean: of each channel, pixels in [0, 1].
        std: likewise.
        seed: the recipe's seed.
        device: where the tensors go.
        dtype: of the inputs.
        layout: channels_last or contiguous.
    """

    options: BoxAugment
    size: int
    sizes: np.ndarray
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    seed: int
    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    layout: Literal["channels_last", "contiguous"] = "contiguous"

    def __call__(self, images: Pictures, target: np.ndarray, moment: Moment) -> tuple[dict[str, Any], torch.Tensor]:
        """One batch.

        Args:
            images: (B, H, W, 3) uint8 array or tensor, or B arrays (H_i, W_i, 3); perhaps stored smaller than `sizes`.
            target: (B, M, 6) boxes in pixels of the pictures' own sizes.
            moment: when, and of what size.
        Returns: {pixels (B, 3, S, S), sizes (B, 2) float32, target (B, m, 6)} and the target again, in input pixels.
        """
        side = moment.size or self.size
        height, width = shapes_of(images)
        views = self._views(height, width, moment) if moment.training else _whole(height, width)
        matrices = geometry.box_to_square(*views, side)
        if moment.training:
            matrices = geometry.then(matrices, *self._turns(moment, side))
        pixels = warp(list(images) if isinstance(images, np.ndarray) else images, matrices, side, self.device)
        if moment.training:
            pixels = self._greyed(pixels, matrices, height, width, side)
        own = self.sizes[moment.positions].astype(np.float64)
        boxes = self._moved(target, matrices, (height / own[:, 0], width / own[:, 1]), side)
        wanted = torch.from_numpy(boxes).to(self.device)
        inputs = {"pixels": self._finish(self._looked(pixels, moment), moment), "sizes": torch.from_numpy(own).float()}
        return {**inputs, "target": wanted}, wanted

    def _views(self, height: np.ndarray, width: np.ndarray, moment: Moment) -> Box:
        """(left, top, width, height) of what is seen of each picture, whole pixels, perhaps beyond its edge."""
        draws = self._draw(moment, 7, GEOMETRY)
        low, high = np.log(self.options.zoom if isinstance(self.options.zoom, tuple) else (1.0, 1.0))
        zoom = np.exp(low + (high - low) * draws[:, 0])
        stretch = (1 + self.options.stretch) ** (2 * draws[:, 1] - 1)
        wide = np.maximum(1, np.round(width / zoom * np.sqrt(stretch)))
        tall = np.maximum(1, np.round(height / zoom / np.sqrt(stretch)))
        shift = self.options.translate * (2 * draws[:, 4:6] - 1)
        left = np.round((width - wide) * draws[:, 2] + shift[:, 0] * wide)
        top = np.round((height - tall) * draws[:, 3] + shift[:, 1] * tall)
        return left, top, wide, tall

    def _turns(self, moment: Moment, side: int) -> list[np.ndarray]:
        """What happens on the square: mirrors, quarter turns, slants, and what a policy drew."""
        options, chance, steps = self.options, self._chance(moment), []
        if options.flip:
            steps.append(geometry.mirror(self._draw(moment, 7, GEOMETRY)[:, 6] < 0.5, side))
        steps += turns.exact(options, chance, side)
        if options.rotate or options.shear:
            turn, lean = turns.draws_of(chance)[2:4] * 2 - 1
            steps.append(geometry.about(turns.tilt(options, turn, lean), side / 2, side / 2))
        if options.policy == "trivial":
            steps.append(policy.movement(self._drawn(moment), side))
        return steps

    def _greyed(
        self, pixels: torch.Tensor, matrices: np.ndarray, height: np.ndarray, width: np.ndarray, side: int
    ) -> torch.Tensor:
        """The mean colour where the view lies beyond the picture: its reflection would show things without a box."""
        upright = geometry.is_upright(matrices)
        ends = np.stack(
            [matrices[:, :, 2], matrices[:, :, 2] + matrices[:, [0, 1], [0, 1]] * np.stack([width, height], 1)]
        )
        low, high = np.clip(np.round(ends.min(0)), 0, side), np.clip(np.round(ends.max(0)), 0, side)
        grey = torch.tensor([255 * m for m in self.mean], device=pixels.device).to(pixels.dtype)
        for i in np.flatnonzero(upright & ((low > 0).any(1) | (high < side).any(1))).tolist():
            (x1, y1), (x2, y2) = low[i].astype(int).tolist(), high[i].astype(int).tolist()
            pixels[i, :y1] = pixels[i, y2:] = pixels[i, :, :x1] = pixels[i, :, x2:] = grey
        for i in np.flatnonzero(~upright).tolist():
            beyond = _beyond(matrices[i], height[i], width[i], side)
            pixels[i][torch.from_numpy(beyond).to(pixels.device)] = grey
        return pixels

    def _moved(
        self, target: np.ndarray, matrices: np.ndarray, stored: tuple[np.ndarray, np.ndarray], side: int
    ) -> np.ndarray:
        """(B, m, 6) float32 boxes in input pixels; those of which too little is left go, ignored regions stay."""
        rows = []
        for boxes, matrix, down, across in zip(target, matrices, *stored, strict=True):
            real = boxes[boxes[:, CLASS] >= 0].astype(np.float64)
            corners = real[:, 1:5] * np.array([across, down, across, down])
            real[:, 1:5], seen = geometry.move_boxes(corners, matrix, side)
            sides = real[:, 3:5] - real[:, 1:3]
            keep = (sides.min(axis=1, initial=np.inf) >= 1) & ((seen >= self.options.least_seen) | (real[:, CROWD] > 0))
            rows.append(real[keep])
        moved = np.zeros((len(rows), max(1, *(len(r) for r in rows)), 6), dtype=np.float32)
        moved[..., CLASS] = PAD
        for i, real in enumerate(rows):
            moved[i, : len(real)] = real
        return moved

    def _looked(self, pixels: torch.Tensor, moment: Moment) -> torch.Tensor:
        if not moment.training:
            return colour.normalise(pixels, self.mean, self.std)
        first = None
        if self.options.policy == "trivial":
            drawn = self._drawn(moment)
            first = policy.colours(drawn, float(np.dot(colour.LUMA, self.mean)))
            pixels = policy.touch(pixels, drawn)
        planar = self.layout == "contiguous"
        return looked(pixels, self.options, self._chance(moment), self.mean, self.std, first, planar)

    def _finish(self, pixels: torch.Tensor, moment: Moment) -> torch.Tensor:
        form = torch.channels_last if self.layout == "channels_last" else torch.contiguous_format
        inputs = pixels.to(self.dtype).permute(0, 3, 1, 2).contiguous(memory_format=form)
        if moment.training and self.options.erase_area:
            return mix.erase_area(inputs, self.options.erase_area, self._draw(moment, 4, AREA))
        return inputs

    def _drawn(self, moment: Moment) -> policy.Drawn:
        return policy.draw(self._chance(moment), self.options.policy_strength, self.options.policy_without)

    def _chance(self, moment: Moment) -> tuple[int, int, np.ndarray]:
        return self.seed, moment.epoch, moment.places

    def _draw(self, moment: Moment, draws: int, stream: int) -> np.ndarray:
        return randomness.uniform(self.seed, moment.epoch, moment.places, draws, stream)


def shapes_of(images: Pictures) -> tuple[np.ndarray, np.ndarray]:
    """(height, width), each (B,) float64."""
    if isinstance(images, Sequence):
        shapes = np.array([image.shape[:2] for image in images], dtype=np.float64)
    else:
        shapes = np.tile(np.array(images.shape[1:3], dtype=np.float64), (len(images), 1))
    return shapes[:, 0], shapes[:, 1]


def _beyond(matrix: np.ndarray, height: float, width: float, side: int) -> np.ndarray:
    """(side, side) bool: output pixels whose centre comes from beyond the picture."""
    y, x = np.mgrid[:side, :side] + 0.5
    source = geometry.move_points(np.stack([x, y], axis=-1), geometry.inverse(matrix[None])[0])
    return cast(np.ndarray, ((source < 0) | (source > np.array([width, height]))).any(axis=-1))


def _whole(height: np.ndarray, width: np.ndarray) -> Box:
    zero = np.zeros(len(height))
    return zero, zero, width, height
