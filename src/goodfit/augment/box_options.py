"""The keys under `augment.` for pictures with boxes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ..core.recipe import Auto, Section, Share


class BoxAugment(Section):
    """What chance may do to a training picture and its boxes; both move by one matrix."""

    flip: bool | Auto = "auto"  # mirror left and right by chance; auto = yes
    zoom: tuple[float, float] | Auto | None = (
        "auto"  # factors: below 1 the picture shrinks on grey, above it is cropped
    )
    stretch: Share = 0.15  # width over height changed by at most so much
    translate: Share = 0.1  # largest shift beyond the zoom's own, share of the side
    brightness: Share = 0.2  # factor drawn from 1 - b to 1 + b
    contrast: Share = 0.2  # as brightness
    saturation: Share = 0.3  # as brightness
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.015  # largest turn of the colour wheel, in whole turns
    least_seen: Share = 0.3  # a box of which less is left in the picture is dropped

    @model_validator(mode="after")
    def _zoom_is_a_range(self) -> BoxAugment:
        if isinstance(self.zoom, tuple) and not 0.1 <= self.zoom[0] <= self.zoom[1] <= 10:
            raise ValueError("zoom needs two factors, 0.1 <= least <= most <= 10")
        return self

    @property
    def changes_colour(self) -> bool:
        """Whether any colour key is on."""
        return bool(self.brightness or self.contrast or self.saturation or self.hue)
