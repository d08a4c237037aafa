"""The keys under `augment.` for pictures with boxes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ..core.recipe import Auto, Section, Share
from .options import Chance, Policy, Without


class BoxAugment(Section):
    """What chance may do to a training picture and its boxes; both move by one matrix."""

    flip: bool | Auto = "auto"  # mirror left and right by chance; auto = yes
    flip_vertical: bool = False  # mirror top and bottom by chance: views from above, cells
    quarter_turns: bool = False  # turn by 0, 90, 180 or 270 degrees by chance
    zoom: tuple[float, float] | Auto | None = "auto"  # factors; below 1 it shrinks on grey, above 1 it is cropped
    stretch: Share = 0.15  # width over height changed by at most so much
    translate: Share = 0.1  # largest shift beyond the zoom's own, share of the side
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0  # largest turn, degrees; boxes grow to hold the turned ones
    shear: Annotated[float, Field(ge=0, lt=90)] = 0.0  # largest slant, degrees
    brightness: Share = 0.2  # factor drawn from 1 - b to 1 + b
    contrast: Share = 0.2  # as brightness
    saturation: Share = 0.3  # as brightness
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.015  # largest turn of the colour wheel, in whole turns
    grey: Chance = 0.0  # chance that a picture loses its colours
    blur: Annotated[float, Field(ge=0, le=0.1)] = 0.0  # widest Gaussian, standard deviation as a share of the side
    noise: Share = 0.0  # loudest Gaussian noise, standard deviation as a share of white
    erase_area: Share = 0.0  # largest share of the area that a blanked rectangle takes; Zhong et al. 2020
    policy: Policy = "none"  # trivial = one of 14 operations a sample, of random strength; Mueller and Hutter 2021
    policy_strength: Chance = 1.0  # of the policy; 1 = the widest ranges of its paper
    policy_without: Without = ""  # operations that the policy never draws, joined by commas
    least_seen: Share = 0.3  # a box of which less is left in the picture is dropped

    @model_validator(mode="after")
    def _zoom_is_a_range(self) -> BoxAugment:
        if isinstance(self.zoom, tuple) and not 0.1 <= self.zoom[0] <= self.zoom[1] <= 10:
            raise ValueError("zoom needs two factors, 0.1 <= least <= most <= 10")
        return self
