"""Light, sharpness and shape of one decoded picture, measured on a small copy of it; numbers for the audit to judge.

Sources: the discrete cosine transform of a small grey copy as a perceptual hash, Zauner 2010, "Implementation and
benchmarking of perceptual image hash functions"; the Laplacian as a measure of focus, Pech-Pacheco et al. 2000,
doi:10.1109/ICPR.2000.903548, here over the gradient so that neither contrast nor light decides.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops

SIDE = 256  # a picture is measured at this short side or less than twice it
CLIPPED = 250  # brightness from which a channel counts as clipped: JPEG rings a little around 255
STRAY = 9  # values that the channels of a grey picture may differ by: JPEG strays by a few
SIGNS = 63  # numbers of one mark: all of an 8 x 8 block of frequencies but the mean
_THUMB, _BLOCK = 32, 8
_INNER = 0.06  # of each side left away in the second mark, so that crops meet the whole
_UNIT = 400  # an entry of a unit vector of 63 is about 0.13
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Facts(NamedTuple):
    """What was measured.

    Attributes:
        white: luminance, 0 to 255, that 99 % of the pixels do not exceed; -1 where nothing was measured.
        quarter: luminance that 25 % of the pixels do not exceed.
        black: luminance that 1 % of the pixels do not exceed.
        clipped: share of pixels of which a channel is at its end.
        sharpness: deviation of the Laplacian over the gradient's; about 1.6 in a sharp photograph, 0.5 if blurred.
        detail: deviation of the Laplacian in grey values.
        coloured: 1 where some pixel is not grey.
        mark: hex of 63 signed bytes, the shape of the whole picture; "" where nothing was measured.
        inner: the same of its inner part.
        mean: luminance on average, -1 where nothing was measured.
    """

    white: int = -1
    quarter: int = -1
    black: int = -1
    clipped: float = 0.0
    sharpness: float = 0.0
    detail: float = 0.0
    coloured: int = 1
    mark: str = ""
    inner: str = ""
    mean: float = -1.0


def measure_picture(image: Image.Image, orientation: int = 1) -> Facts:
    """Facts of a decoded picture in mode L or RGB.

    Args:
        image: at any size.
        orientation: EXIF, of the picture as it is stored; 1 = upright.
    """
    times = min(image.size) // SIDE
    small = image.reduce(times) if times > 1 else image
    if orientation in _UPRIGHT:
        small = small.transpose(_UPRIGHT[orientation])
    grey = small if small.mode == "L" else small.convert("L")
    counts = np.array(grey.histogram())
    total = np.cumsum(counts)
    black, quarter, white = np.searchsorted(total, (0.01 * total[-1], 0.25 * total[-1], 0.99 * total[-1]))
    brightest, coloured = _channels(small)
    clipped = sum(brightest.histogram()[CLIPPED:]) / int(total[-1])
    sharpness, detail = _sharpness(np.asarray(grey, dtype=np.float32))
    wide, high = grey.size
    inner = (_INNER * wide, _INNER * high, (1 - _INNER) * wide, (1 - _INNER) * high)
    return Facts(
        int(white),
        int(quarter),
        int(black),
        round(clipped, 4),
        round(sharpness, 4),
        round(detail, 3),
        coloured,
        _mark(grey.resize((_THUMB, _THUMB), Image.Resampling.BOX)),
        _mark(grey.resize((_THUMB, _THUMB), Image.Resampling.BOX, box=inner)),
        round(float(counts @ np.arange(len(counts)) / total[-1]), 2),
    )


def vectors(marks: np.ndarray) -> np.ndarray:
    """(N, 63) float32 unit vectors of N marks; zeros where there is none."""
    whole = np.zeros((len(marks), SIGNS), dtype=np.float32)
    here = np.flatnonzero(marks.astype(str) != "")
    if len(here):
        joined = bytes.fromhex("".join(marks[here]))
        whole[here] = np.frombuffer(joined, dtype=np.int8).reshape(len(here), SIGNS)
    return whole / np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-9)


def mirrored(marks: np.ndarray) -> np.ndarray:
    """The vectors of the pictures mirrored left to right: odd waves across change their sign."""
    return marks * _waves()[2]


def _channels(small: Image.Image) -> tuple[Image.Image, int]:
    """The brightest channel of each pixel, and whether any pixel is coloured."""
    if small.mode == "L":
        return small, 0
    red, green, blue = small.split()
    brightest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    apart = (ImageChops.difference(red, green).histogram(), ImageChops.difference(green, blue).histogram())
    return brightest, int(any(sum(counts[STRAY:]) for counts in apart))


def _sharpness(grey: np.ndarray) -> tuple[float, float]:
    if min(grey.shape) < 4:
        return 0.0, 0.0
    across, down = np.diff(grey, axis=1), np.diff(grey, axis=0)
    laplacian = across[1:-1, 1:] - across[1:-1, :-1] + down[1:, 1:-1] - down[:-1, 1:-1]
    gradient = np.sqrt(float(np.mean(across * across)) + float(np.mean(down * down)))
    detail = float(laplacian.std())
    return detail / max(float(gradient), 1e-3), detail


def _mark(thumb: Image.Image) -> str:
    cosines, weight, _ = _waves()
    waves = cosines @ np.asarray(thumb, dtype=np.float32) @ cosines.T
    shape = waves.ravel()[1:] * weight
    length = float(np.linalg.norm(shape))
    if length < _THUMB:  # less than a grey value of deviation: no shape
        return ""
    return np.clip(np.rint(shape * (_UNIT / length)), -127, 127).astype(np.int8).tobytes().hex()


@cache
def _waves() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The transform, the weight of each frequency (natural pictures fall with it, Field 1987), its sign mirrored."""
    places, waves = np.arange(_THUMB) + 0.5, np.arange(_BLOCK)
    cosines = np.cos(np.pi * waves[:, None] * places / _THUMB) * np.sqrt(2 / _THUMB)
    cosines[0] /= np.sqrt(2)
    down, across = np.meshgrid(waves, waves, indexing="ij")
    return (
        cosines.astype(np.float32),
        np.hypot(down, across).ravel()[1:].astype(np.float32),
        np.where(across % 2 == 1, -1.0, 1.0).ravel()[1:].astype(np.float32),
    )
