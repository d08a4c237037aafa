"""The keys under `augment.` for pictures, what `auto` means for them, and the catalogue's entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from ..core.recipe import Auto, NonNegative, Section, Share
from ..core.task import Reason
from .policy import OPERATIONS

TestTime = Literal["none", "flip", "flip_shift"]
Policy = Literal["none", "trivial"]
Chance = Annotated[float, Field(ge=0, le=1)]
_SMALL = 64  # px; sides up to here are icons, digits and thumbnails, not photographs
_PAD_SHARE = 16  # one part in so many is padded: 2 px of 32, the range of the 94 % CIFAR-10 recipe (Jordan 2024)
_LEAST_AREA = 0.35  # smallest share of a photograph seen in training; fastai's default for transfer


def _known(names: str) -> str:
    without = set(names.split(",")) - {""}
    if without - set(OPERATIONS) or len(without) == len(OPERATIONS):
        raise ValueError(f"some, but not all, of {', '.join(OPERATIONS)} can be left out, joined by commas")
    return names


Without = Annotated[str, AfterValidator(_known)]


class ImageAugment(Section):
    """What chance may do to a training picture. Everything moves by one matrix, colours change by one."""

    flip: bool | Auto = "auto"  # mirror left and right; auto = yes, not for small grey pictures or numbers
    flip_alternate: bool = True  # each picture mirrored every second epoch instead of by chance; Jordan 2024
    crop_pad: Annotated[int, Field(ge=0)] | Auto = "auto"  # pixels that the crop may move beyond the (reflected) edge
    flip_vertical: bool = False  # mirror top and bottom by chance: views from above, tissue
    quarter_turns: bool = False  # turn by 0, 90, 180 or 270 degrees by chance
    scale: tuple[float, float] | Auto | None = "auto"  # area seen by a random resized crop; None = plain crop
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0  # largest turn, degrees
    zoom: Annotated[float, Field(ge=0, le=4)] = 0.0  # largest change of size, factor from 1/(1+z) to 1+z
    translate: Share = 0.0  # largest shift, share of the side
    shear: Annotated[float, Field(ge=0, lt=90)] = 0.0  # largest slant, degrees
    brightness: Share = 0.0  # factor drawn from 1 - b to 1 + b
    contrast: Share = 0.0  # as brightness
    saturation: Share = 0.0  # as brightness
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0  # largest turn of the colour wheel, in whole turns
    grey: Chance = 0.0  # chance that a picture loses its colours
    blur: Annotated[float, Field(ge=0, le=0.1)] = 0.0  # widest Gaussian, standard deviation as a share of the side
    noise: Share = 0.0  # loudest Gaussian noise, standard deviation as a share of white
    erase: Annotated[int, Field(ge=0)] = 0  # side of a blanked square, pixels; DeVries and Taylor 2017
    erase_area: Share = 0.0  # largest share of the area that a blanked rectangle takes; Zhong et al. 2020
    policy: Policy = "none"  # trivial = one of 14 operations a sample, of random strength; Mueller and Hutter 2021
    policy_strength: Chance = 1.0  # of the policy; 1 = the widest ranges of its paper
    policy_without: Without = ""  # operations that the policy never draws, joined by commas: those that change a label
    mixup: NonNegative = 0.0  # alpha of the Beta that shares are drawn from; 0 = off; Zhang et al. 2018
    cutmix: NonNegative = 0.0  # as mixup, for pasted boxes; Yun et al. 2019
    test_time: TestTime | Auto = "auto"  # views averaged when predicting; counted in latency

    @model_validator(mode="after")
    def _area_is_a_range(self) -> ImageAugment:
        if isinstance(self.scale, tuple) and not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError("scale needs two shares of the area, 0 < least <= most <= 1")
        return self

    @property
    def is_settled(self) -> bool:
        """Whether no key is `auto` any more."""
        return "auto" not in (self.flip, self.crop_pad, self.scale, self.test_time)

    @property
    def moves(self) -> bool:
        """Whether any pixel may change its place."""
        exact = self.flip or self.flip_vertical or self.quarter_turns or self.crop_pad or self.scale is not None
        return bool(exact or not self.is_upright or self.policy != "none")

    @property
    def is_upright(self) -> bool:
        """Whether only crops, scales and mirrors happen: nothing turns, slants or shifts by part of a pixel."""
        return not (self.rotate or self.zoom or self.translate or self.shear)


def settle(
    options: ImageAugment, facts: Mapping[str, Any], size: int, mirrors: bool = True
) -> tuple[ImageAugment, tuple[Reason, ...]]:
    """Each `auto` turned into a value, with its reason; what a person chose stays.

    Args:
        options: as asked.
        facts: of the schema: height, width (medians), same_size, channels.
        size: planned side of the input.
        mirrors: whether the target usually survives mirroring; a number may be a direction or a place.
    """
    shortest = min(int(facts.get("height", size)), int(facts.get("width", size)))
    small = bool(facts.get("same_size", True)) and shortest <= _SMALL
    grey = facts.get("channels", 3) == 1
    numbers = {"side": shortest, "size": size}
    flip = mirrors and not (small and grey) if options.flip == "auto" else options.flip
    scale = (None if small else (_LEAST_AREA, 1.0)) if options.scale == "auto" else options.scale
    chosen: dict[str, tuple[Any, str]] = {
        "flip": (flip, "flip_pictures" if flip else "flip_characters" if mirrors else "flip_numbers"),
        "scale": (scale, "crop_small" if scale is None else "crop_photographs"),
        "crop_pad": (size // _PAD_SHARE if scale is None else 0, "crop_pad"),
        "test_time": (("flip_shift" if small else "flip") if flip else "none", "test_time"),
    }
    open_keys = [key for key in chosen if getattr(options, key) == "auto"]
    settled = options.model_copy(update={key: chosen[key][0] for key in open_keys})
    return settled, tuple(
        Reason(key=f"augment.{key}", value=chosen[key][0], why=f"augment.{chosen[key][1]}", numbers=numbers)
        for key in open_keys
    )


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """One thing that chance may do, as plans, remedies and searches see it.

    Attributes:
        name: unique; for most, the key under `augment.`.
        kind: geometry moves pixels, colour changes them, mix looks across the batch or blanks a part, policy draws
            from several, text changes words.
        mild: keys and values of a careful first try on pictures of side 32; pixel figures scale with the side.
        off: keys and values that switch it off.
        source: where it comes from.
        pixels: keys of `mild` that are pixels.
    """

    name: str
    kind: Literal["geometry", "colour", "mix", "policy", "text"]
    mild: Mapping[str, Any]
    off: Mapping[str, Any]
    source: str
    pixels: frozenset[str] = field(default_factory=frozenset)


ENTRIES = (
    Augmentation(
        name="flip", kind="geometry", mild={"flip": True}, off={"flip": False}, source="Jordan 2024, arXiv:2404.00498"
    ),
    Augmentation(
        name="flip_vertical",
        kind="geometry",
        mild={"flip_vertical": True},
        off={"flip_vertical": False},
        source="Cohen and Welling 2016, arXiv:1602.07576: tissue and views from above have no upside",
    ),
    Augmentation(
        name="quarter_turns",
        kind="geometry",
        mild={"quarter_turns": True},
        off={"quarter_turns": False},
        source="Cohen and Welling 2016, arXiv:1602.07576",
    ),
    Augmentation(
        name="crop_pad",
        kind="geometry",
        mild={"crop_pad": 2},
        off={"crop_pad": 0},
        source="He et al. 2016, arXiv:1512.03385",
        pixels=frozenset({"crop_pad"}),
    ),
    Augmentation(
        name="scale",
        kind="geometry",
        mild={"scale": (0.35, 1.0)},
        off={"scale": None},
        source="Szegedy et al. 2015, arXiv:1409.4842; least area as in fastai",
    ),
    Augmentation(
        name="rotate", kind="geometry", mild={"rotate": 10.0}, off={"rotate": 0.0}, source="fastai, aug_transforms"
    ),
    Augmentation(name="zoom", kind="geometry", mild={"zoom": 0.1}, off={"zoom": 0.0}, source="fastai, aug_transforms"),
    Augmentation(
        name="translate",
        kind="geometry",
        mild={"translate": 0.1},
        off={"translate": 0.0},
        source="Cubuk et al. 2020, arXiv:1909.13719",
    ),
    Augmentation(
        name="shear",
        kind="geometry",
        mild={"shear": 8.0},
        off={"shear": 0.0},
        source="Cubuk et al. 2020, arXiv:1909.13719",
    ),
    Augmentation(
        name="colour",
        kind="colour",
        mild={"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.02},
        off={"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0},
        source="Szegedy et al. 2015, arXiv:1409.4842; strengths as in fastai's lighting",
    ),
    Augmentation(
        name="grey", kind="colour", mild={"grey": 0.2}, off={"grey": 0.0}, source="Chen et al. 2020, arXiv:2002.05709"
    ),
    Augmentation(
        name="blur",
        kind="colour",
        mild={"blur": 0.015},
        off={"blur": 0.0},
        source="Chen et al. 2020, arXiv:2002.05709: up to 2 of 224 pixels; here 3.4, so that 32 pixels see half a one",
    ),
    Augmentation(
        name="noise",
        kind="colour",
        mild={"noise": 0.05},
        off={"noise": 0.0},
        source="Bishop 1995, Training with Noise is Equivalent to Tikhonov Regularization; Hendrycks and Dietterich "
        "2019, arXiv:1903.12261, of whose Gaussian noise 0.04 to 0.08 are the mild grades",
    ),
    Augmentation(
        name="erase",
        kind="mix",
        mild={"erase": 8},
        off={"erase": 0},
        source="DeVries and Taylor 2017, arXiv:1708.04552",
        pixels=frozenset({"erase"}),
    ),
    Augmentation(
        name="erase_area",
        kind="mix",
        mild={"erase_area": 0.2},
        off={"erase_area": 0.0},
        source="Zhong et al. 2020, arXiv:1708.04896",
    ),
    Augmentation(
        name="policy",
        kind="policy",
        mild={"policy": "trivial", "policy_strength": 0.5},
        off={"policy": "none", "policy_strength": 1.0},
        source="Mueller and Hutter 2021, arXiv:2103.10158",
    ),
    Augmentation(
        name="mixup", kind="mix", mild={"mixup": 0.2}, off={"mixup": 0.0}, source="Zhang et al. 2018, arXiv:1710.09412"
    ),
    Augmentation(
        name="cutmix", kind="mix", mild={"cutmix": 1.0}, off={"cutmix": 0.0}, source="Yun et al. 2019, arXiv:1905.04899"
    ),
)
