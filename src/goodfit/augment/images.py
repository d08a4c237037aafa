"""Make network inputs of decoded pictures, a batch at a time: one geometry matrix and one colour matrix a sample.

Every random number is a function of (seed, epoch, place in the epoch), so that workers and cuts change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F

from ..core import randomness
from ..core.errors import UsageError
from . import colour, geometry, mix, policy, turns
from .look import looked
from .options import ImageAugment, TestTime
from .warp import Pictures, resize_square, warp

GEOMETRY, MIX, ERASE, FACING, COPY, AREA = 1, 3, 4, 5, 6, 9  # streams of core.randomness; 0 is the epoch's order
Box = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # left, top, width, height, each (B,)
_ASPECT = 4 / 3  # widest random box; Szegedy et al. 2015
_RESIDENT_SHARE = 0.25  # of the device's free memory that decoded pictures may take


class Moment(Protocol):
    """When a batch is made, as data/loader tells it."""

    @property
    def epoch(self) -> int: ...
    @property
    def places(self) -> np.ndarray: ...
    @property
    def positions(self) -> np.ndarray: ...
    @property
    def size(self) -> int: ...
    @property
    def training(self) -> bool: ...


class Plain(Protocol):
    """The view without chance, as data/preprocess gives it."""

    @property
    def size(self) -> int: ...
    @property
    def crop(self) -> float: ...
    @property
    def mean(self) -> tuple[float, float, float]: ...
    @property
    def std(self) -> tuple[float, float, float]: ...
    def view(self, image: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True, kw_only=True)
class ImagePreparer:
    """Pictures and targets in, tensors on the device out; called by the loaders.

    Attributes:
        options: settled augmentation; no key is `auto`.
        plain: how a picture looks when nothing is left to chance: data.preprocess.Preprocess.
        seed: the recipe's seed.
        classes: number of classes, for mixed targets; 0 where targets are no classes.
        device: where the tensors go.
        dtype: of the inputs; bfloat16 halves their size where the network computes in it anyway.
        layout: channels_last or contiguous.
        repeated: (classes,) chance that a training sample of a class is a repeat, which is then blended with another of
            its class; None = nothing is blended so.
    Raises: UsageError if a key of `options` is still `auto`.
    """

    options: ImageAugment
    plain: Plain
    seed: int
    classes: int = 0
    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    layout: Literal["channels_last", "contiguous"] = "channels_last"
    repeated: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.options.is_settled:
            raise UsageError("augmentation is still to be planned", got="auto", do="settle the options first")

    def __call__(self, images: Pictures, target: np.ndarray, moment: Moment) -> tuple[torch.Tensor, torch.Tensor]:
        """One batch.

        Args:
            images: (B, H, W, 3) uint8 array or tensor, or B arrays (H_i, W_i, 3).
            target: (B, ...) rows of the target column.
            moment: when, and of what size.
        Returns: inputs (B, 3, size, size) of `dtype`; target (B,) int64, (B, K) float32 or (B,) float32.
        """
        wanted = as_target(target).to(self.device, non_blocking=True)
        if not moment.training:
            pixels = self._plain_views(images, moment.size)
            return self._finish(colour.normalise(pixels, self.plain.mean, self.plain.std)), wanted
        inputs = self._finish(self._looked(self._moved(images, moment), moment))
        if self.repeated is not None:
            chance, own = self._draw(moment, 2, COPY).T
            inputs = mix.within_class(inputs, target, np.where(chance < self.repeated[target], own, 1.0))
        return self._mixed(self._blanked(inputs, moment), wanted, moment)

    def _plain_views(self, images: Pictures, size: int) -> torch.Tensor:
        if self._fits(images):
            pixels = torch.as_tensor(images).to(self.device, non_blocking=True)
        else:
            pictures = images.cpu().numpy() if isinstance(images, torch.Tensor) else images
            pixels = torch.from_numpy(np.stack([self.plain.view(image) for image in pictures])).to(self.device)
        return resize_square(pixels, size or self.plain.size)

    def _fits(self, images: Pictures) -> bool:
        """Whether the plain view of each picture is the picture itself."""
        alike = not isinstance(images, Sequence) and tuple(images.shape[1:3]) == (self.plain.size,) * 2
        return alike and self.plain.crop == 1.0

    def _moved(self, images: Pictures, moment: Moment) -> torch.Tensor:
        size = moment.size or self.plain.size
        if not self.options.moves and self._fits(images):
            return resize_square(torch.as_tensor(images).to(self.device, copy=True), size)
        direct = size if self.options.scale is not None else self.plain.size  # whole-pixel moves come before resizing
        matrices = self.matrices(images, moment, direct)
        return resize_square(warp(images, matrices, direct, self.device), size)

    def matrices(self, images: Pictures, moment: Moment, size: int) -> np.ndarray:
        """(B, 2, 3) movements of a training batch onto a square of side `size`; boxes and masks move by them too."""
        options, draws = self.options, self._draw(moment, 9, GEOMETRY)
        height, width = _sides(images)
        if options.scale is not None:
            box = random_box(height, width, draws[:, :4], options.scale)  # type: ignore[arg-type]
        else:
            box = self._jittered_box(height, width, draws[:, :2])
        steps = [geometry.box_to_square(*box, size)]
        if options.flip:
            steps.append(geometry.mirror(self._facing(moment, draws[:, 4]), size))
        steps += turns.exact(options, self._chance(moment), size)
        if not options.is_upright:
            grow = turns.draws_of(self._chance(moment))[4] if options.zoom else np.full(len(draws), 0.5)
            steps.append(self._slant(draws[:, 5:] * 2 - 1, grow * 2 - 1, size))
        if options.policy == "trivial":
            steps.append(policy.movement(self._drawn(moment), size))
        return geometry.then(*steps)

    def _jittered_box(self, height: np.ndarray, width: np.ndarray, draws: np.ndarray) -> Box:
        """A square of the plain view's size, anywhere in the picture or `crop_pad` beyond its edge."""
        side = np.maximum(1, np.round(np.minimum(height, width) * self.plain.crop))
        pad = np.round(self.options.crop_pad * side / self.plain.size)
        left = np.floor(draws[:, 0] * (width - side + 2 * pad + 1)) - pad
        top = np.floor(draws[:, 1] * (height - side + 2 * pad + 1)) - pad
        return left, top, side, side

    def _facing(self, moment: Moment, chance: np.ndarray) -> np.ndarray:
        if not self.options.flip_alternate:
            return chance < 0.5
        first = randomness.uniform(self.seed, 0, moment.positions, 1, FACING)[:, 0] < 0.5
        return first ^ bool(moment.epoch % 2)

    def _slant(self, draws: np.ndarray, grow: np.ndarray, size: int) -> np.ndarray:
        turn, lean, right, down = draws.T
        factor = (1 + self.options.zoom) ** grow
        linear = geometry.then(turns.tilt(self.options, turn, lean), geometry.scaling(factor, factor))
        reach = self.options.translate * size
        return geometry.then(
            geometry.about(linear, size / 2, size / 2), geometry.translation(reach * right, reach * down)
        )

    def _looked(self, pixels: torch.Tensor, moment: Moment) -> torch.Tensor:
        plain, first = self.plain, None
        if self.options.policy == "trivial":
            drawn = self._drawn(moment)
            first = policy.colours(drawn, float(np.dot(colour.LUMA, plain.mean)))
            pixels = policy.touch(pixels, drawn)
        planar = self.layout == "contiguous"
        return looked(pixels, self.options, self._chance(moment), plain.mean, plain.std, first, planar)

    def _blanked(self, inputs: torch.Tensor, moment: Moment) -> torch.Tensor:
        options, size = self.options, inputs.shape[2]
        if options.erase:
            x, y = self._draw(moment, 2, ERASE).T
            inputs = mix.erase(inputs, round(options.erase * size / self.plain.size), x, y)
        if options.erase_area:
            inputs = mix.erase_area(inputs, options.erase_area, self._draw(moment, 4, AREA))
        return inputs

    def _finish(self, pixels: torch.Tensor) -> torch.Tensor:
        form = torch.channels_last if self.layout == "channels_last" else torch.contiguous_format
        return pixels.to(self.dtype).permute(0, 3, 1, 2).contiguous(memory_format=form)

    def _mixed(self, inputs: torch.Tensor, target: torch.Tensor, moment: Moment) -> tuple[torch.Tensor, torch.Tensor]:
        alphas = {name: getattr(self.options, name) for name in ("mixup", "cutmix") if getattr(self.options, name)}
        if not alphas or len(inputs) < 2:
            return inputs, target
        rng = np.random.Generator(np.random.Philox(randomness.key(self.seed, moment.epoch, int(moment.places[0]), MIX)))
        name = sorted(alphas)[int(rng.integers(len(alphas)))]  # both on: either by chance, batch by batch
        share = rng.beta(alphas[name], alphas[name], len(inputs))
        soft = mix.one_hot(target, self.classes)
        if name == "mixup":
            return mix.mixup(inputs, soft, share)
        return mix.cutmix(inputs, soft, share, *self._draw(moment, 2, MIX).T)

    def _drawn(self, moment: Moment) -> policy.Drawn:
        return policy.draw(self._chance(moment), self.options.policy_strength, self.options.policy_without)

    def _chance(self, moment: Moment) -> tuple[int, int, np.ndarray]:
        return self.seed, moment.epoch, moment.places

    def _draw(self, moment: Moment, draws: int, stream: int) -> np.ndarray:
        return randomness.uniform(self.seed, moment.epoch, moment.places, draws, stream)


def as_target(target: np.ndarray) -> torch.Tensor:
    """Rows of a target column as the losses take them: classes int64, everything else float32."""
    whole = target.ndim == 1 and np.issubdtype(target.dtype, np.integer)
    return torch.from_numpy(np.ascontiguousarray(target, dtype=np.int64 if whole else np.float32))


def random_box(height: np.ndarray, width: np.ndarray, draws: np.ndarray, area: tuple[float, float]) -> Box:
    """A random part of each picture, in whole pixels.

    Args:
        height: (B,) pixels.
        width: (B,) pixels.
        draws: (B, 4) in [0, 1).
        area: least and most share of the picture's area.
    Returns: left, top, width, height, each (B,).
    Source: Szegedy et al. 2015, arXiv:1409.4842; a side that would not fit is cut to the picture, not drawn again.
    """
    share = area[0] + draws[:, 0] * (area[1] - area[0])
    aspect = np.exp((draws[:, 1] * 2 - 1) * np.log(_ASPECT))
    across = np.round(np.sqrt(share * height * width * aspect)).clip(1, width)
    down = np.round(np.sqrt(share * height * width / aspect)).clip(1, height)
    return np.floor(draws[:, 2] * (width - across + 1)), np.floor(draws[:, 3] * (height - down + 1)), across, down


def test_time_views(inputs: torch.Tensor, how: TestTime) -> list[tuple[torch.Tensor, float]]:
    """Views of a batch whose outputs are averaged, with weights that sum to 1.

    Args:
        inputs: (B, 3, H, W) as the network takes it.
        how: none = the batch itself; flip = and its mirror; flip_shift = both, and at half the weight both shifted by
            one pixel along the diagonal, either way.
    Source: Jordan 2024, arXiv:2404.00498.
    """
    if how == "none":
        return [(inputs, 1.0)]
    if how == "flip":
        return [(inputs, 0.5), (inputs.flip(-1), 0.5)]
    padded = F.pad(inputs.float(), (1,) * 4, mode="reflect").to(inputs.dtype)
    height, width = inputs.shape[2:]
    form = torch.channels_last if inputs.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    shifts = [padded[:, :, :height, :width], padded[:, :, 2:, 2:]]
    weighted = [(inputs, 0.25), *((shift.contiguous(memory_format=form), 0.125) for shift in shifts)]
    return [pair for view, weight in weighted for pair in ((view, weight), (view.flip(-1), weight))]


test_time_views.__test__ = False  # type: ignore[attr-defined]  # a name that pytest would collect


class ResidentCache:
    """A uniform decoded cache held on the device, so that a batch costs no transfer; made by `on_device`."""

    def __init__(self, cache: Any, pixels: torch.Tensor, rows: np.ndarray) -> None:
        self.failed, self._cache, self._pixels, self._rows = cache.failed, cache, pixels, rows

    def has(self, positions: np.ndarray) -> np.ndarray:
        """(B,) bool: which positions are held."""
        held: np.ndarray = self._cache.has(positions)
        return held

    def gather(self, positions: np.ndarray) -> torch.Tensor:
        """(B, H, W, 3) uint8 on the device."""
        return self._pixels[torch.from_numpy(self._rows[positions]).to(self._pixels.device)]


def on_device(cache: Any, device: str) -> ResidentCache | None:
    """The cache's pictures on a CUDA device; None where they have several shapes or would crowd it.

    Args:
        cache: a DecodedCache.
        device: cuda or cuda:N.
    """
    if not cache.uniform or not device.startswith("cuda"):
        return None
    if cache.size_bytes > _RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    pixels = torch.empty((len(cache), *cache.shape), dtype=torch.uint8, device=device)
    for start in range(0, len(cache), 8192):
        part = cache.positions[start : start + 8192]
        pixels[start : start + len(part)] = torch.from_numpy(cache.gather(part)).to(device)
    rows = np.full(int(cache.positions.max()) + 1, -1, dtype=np.int64)
    rows[cache.positions] = np.arange(len(cache))
    return ResidentCache(cache, pixels, rows)


def _sides(images: Pictures) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(images, Sequence):
        shapes = np.array([image.shape[:2] for image in images], dtype=np.float64)
    else:
        shapes = np.tile(np.array(images.shape[1:3], dtype=np.float64), (len(images), 1))
    return shapes[:, 0], shapes[:, 1]
