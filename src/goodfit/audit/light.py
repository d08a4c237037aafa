"""Checks of how pictures were taken: too dark, over-exposed, out of focus. Named, kept: only a person knows the scene.

Each threshold was set between pictures as they come (CIFAR-10, COCO, ants and bees, blood cells under a microscope,
pedestrians, flowers) and the same pictures with the fault, and is met by fewer than 1 in 100 of the former.
"""

from __future__ import annotations

import numpy as np

from ..core.finding import Finding
from ..data.picture_scan import PictureScan
from .check import Check, Outcome, View, finding

DARK = 70  # luminance of the brightest 1 %: 114 is the least in CIFAR-10's test pictures, 117 in ants and bees
CLIPPED, LIFTED = 0.3, 60  # share of pixels at the end of a channel, and blacks lifted with it
WASHED, WASHED_QUARTER = 0.6, 190  # or so many at the end that hardly anything but light is left
BLURRED = 0.85  # Laplacian over gradient: photographs from 1.15 on, blurred by two pixels to 0.9 at most
BLURRED_HERE = 0.75  # of the set's median: a microscope is soft throughout (0.93 to 1.2)
DIM, DIM_HERE = 3.3, 0.25  # deviation of the Laplacian itself, so that a JPEG's noise over a blur is no focus


def exposure(view: View) -> Outcome:
    """Pictures that lost their shadows or their lights."""
    scan = view.scan
    if not isinstance(scan, PictureScan):
        return Outcome()
    shown = view.kept & scan.ok & (scan.white >= 0) & (scan.spread > 0)
    dark, light = shown & too_dark(scan), shown & over_exposed(scan)
    found = [
        finding(code, "warning", view, np.flatnonzero(here))
        for code, here in (("GF-D070", dark), ("GF-D071", light))
        if here.any() and here.sum() < shown.sum() / 2  # where most are, that is how the scene looks
    ]
    return Outcome(findings=tuple(found))


def focus(view: View) -> Outcome:
    """Pictures far less sharp than a picture of this set should be."""
    scan = view.scan
    if not isinstance(scan, PictureScan):
        return Outcome()
    shown = view.kept & scan.ok & (scan.sharpness > 0) & (scan.spread > 2) & ~too_dark(scan)
    if not shown.any():
        return Outcome()
    usual, detail = float(np.median(scan.sharpness[shown])), float(np.median(scan.detail[shown]))
    soft = (scan.sharpness < BLURRED) & (scan.sharpness < BLURRED_HERE * usual)
    dim = (scan.detail < DIM) & (scan.detail < DIM_HERE * detail)
    blurred = np.flatnonzero(shown & (soft | dim))
    found: tuple[Finding, ...] = (finding("GF-D072", "warning", view, blurred, usual=usual),) if len(blurred) else ()
    return Outcome(findings=found)


def too_dark(scan: PictureScan) -> np.ndarray:
    """(N,) bool."""
    return (scan.white >= 0) & (scan.white < DARK)


def over_exposed(scan: PictureScan) -> np.ndarray:
    """(N,) bool."""
    lifted = (scan.clipped >= CLIPPED) & (scan.black >= LIFTED)
    return lifted | ((scan.clipped >= WASHED) & (scan.quarter >= WASHED_QUARTER))


CHECKS = (
    Check(name="exposure", codes=("GF-D070", "GF-D071"), look=exposure, source="CleanVision's light and dark checks"),
    Check(name="focus", codes=("GF-D072",), look=focus, source="Pech-Pacheco et al. 2000"),
)
