"""The same augmentations by torchvision v2 and by kornia: uint8 batches in, normalised float batches out.

Each sample has its own random parameters where a tool can do so: torchvision one picture at a time (`each`), kornia on
the batch. torchvision's way with whole batches (`batch`) gives all pictures the same parameters; it is shown and judged
by nobody. Both resample bilinearly, as ours does. kornia's TrivialAugment draws one operation a call, so it too goes
picture by picture.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
Work = Callable[[Any], Any]  # (B, 3, S, S) uint8 -> (B, 3, S, S) float32
KERNEL = 3.0  # deviations on either side of a blur's kernel


def torchvision(name: str, side: int) -> tuple[Work, Work]:
    """(picture by picture, the whole batch at once)."""
    import torch
    from torchvision.transforms import InterpolationMode, v2

    soft: Any = {"interpolation": InterpolationMode.BILINEAR}
    jitter, wide = v2.ColorJitter(0.2, 0.2, 0.2, 0.02), 0.015 * side
    crop = v2.RandomCrop(side, padding=side // 8, padding_mode="reflect")
    steps: dict[str, list[Any]] = {
        "plain": [],
        "flip": [v2.RandomHorizontalFlip()],
        "flip_vertical": [v2.RandomVerticalFlip()],
        "crop_pad": [crop],
        "scale": [v2.RandomResizedCrop(side, (0.35, 1.0), antialias=True, **soft)],
        "rotate": [v2.RandomRotation(10, **soft)],
        "zoom": [v2.RandomAffine(0, scale=(1 / 1.1, 1.1), **soft)],
        "translate": [v2.RandomAffine(0, translate=(0.1, 0.1), **soft)],
        "shear": [v2.RandomAffine(0, shear=8, **soft)],
        "colour": [jitter],
        "grey": [v2.RandomGrayscale(0.2)],
        "blur": [v2.GaussianBlur(_kernel(wide), (0.01, wide))],
        "noise": [v2.ToDtype(torch.float32, scale=True), v2.GaussianNoise(sigma=0.05)],
        "erase_area": [v2.RandomErasing(1.0, (0.001, 0.2))],
        "crop+flip": [crop, v2.RandomHorizontalFlip()],
        "jitter": [v2.RandomAffine(15, scale=(1 / 1.2, 1.2), **soft), jitter, v2.RandomErasing(1.0, (0.001, 0.2))],
        "trivial": [v2.TrivialAugmentWide(**soft)],
    }
    change = v2.Compose(steps[name]) if steps[name] else lambda x: x

    def finish(x: Any) -> Any:
        return v2.functional.normalize(v2.functional.to_dtype(x, torch.float32, scale=True), MEAN, STD)

    return (lambda x: finish(torch.stack([change(one) for one in x]))), (lambda x: finish(change(x)))


def kornia(name: str, side: int) -> Work | None:
    """The batch at once, each sample by itself; None where it has no such operation on batches."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import kornia.augmentation as ka
        from kornia.augmentation.auto import TrivialAugment

    size, wide, all_of = (side, side), 0.015 * side, {"p": 1.0}
    jitter, crop = ka.ColorJitter(0.2, 0.2, 0.2, 0.02, **all_of), ka.RandomCrop(size, side // 8, padding_mode="reflect")
    erase = ka.RandomErasing((0.001, 0.2), **all_of)
    steps: dict[str, list[Any]] = {
        "plain": [],
        "flip": [ka.RandomHorizontalFlip()],
        "flip_vertical": [ka.RandomVerticalFlip()],
        "quarter_turns": [ka.RandomRotation90((0, 3), **all_of)],
        "crop_pad": [crop],
        "scale": [ka.RandomResizedCrop(size, (0.35, 1.0), **all_of)],
        "rotate": [ka.RandomRotation(10.0, **all_of)],
        "zoom": [ka.RandomAffine(0.0, scale=(1 / 1.1, 1.1), **all_of)],
        "translate": [ka.RandomAffine(0.0, translate=(0.1, 0.1), **all_of)],
        "shear": [ka.RandomAffine(0.0, shear=8.0, **all_of)],
        "colour": [jitter],
        "grey": [ka.RandomGrayscale(p=0.2)],
        "blur": [ka.RandomGaussianBlur((_kernel(wide),) * 2, (0.01, wide), **all_of)],
        "noise": [ka.RandomGaussianNoise(std=0.05, **all_of)],
        "erase_area": [erase],
        "crop+flip": [crop, ka.RandomHorizontalFlip()],
        "jitter": [ka.RandomAffine(15.0, scale=(1 / 1.2, 1.2), **all_of), jitter, erase],
    }
    normal = ka.Normalize(torch.tensor(MEAN), torch.tensor(STD))
    if name == "trivial":
        one = TrivialAugment()
        return lambda x: normal(torch.cat([one(picture[None]) for picture in x.float() / 255]))
    if name not in steps:
        return None
    whole = torch.nn.Sequential(*steps[name], normal)
    return lambda x: whole(x.float() / 255)


def _kernel(sigma: float) -> int:
    return 2 * max(1, math.ceil(KERNEL * sigma)) + 1
