"""Made-up pictures with the spectrum of photographs: detail at every scale, falling with frequency (Field 1987)."""

from __future__ import annotations

import numpy as np
from PIL import Image


def photograph(seed: int, height: int = 96, width: int = 120) -> Image.Image:
    """A coloured picture of clouds and edges, different for every seed."""
    rng = np.random.default_rng(seed)
    down, across = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]
    fall = 1 / np.maximum(np.hypot(down, across), 1 / max(height, width)) ** 1.1
    bands = []
    for _ in range(3):
        waves = np.fft.fft2(rng.normal(size=(height, width)))
        band = np.fft.ifft2(waves * fall).real
        bands.append(band)
    shape = np.stack([bands[0], 0.7 * bands[0] + 0.5 * bands[1], 0.6 * bands[0] + 0.5 * bands[2]], axis=2)
    for _ in range(6):  # things with edges
        y, x, r = rng.integers(0, height), rng.integers(0, width), rng.integers(6, 24)
        rows, columns = np.ogrid[:height, :width]
        disc = (rows - y) ** 2 + (columns - x) ** 2 < r**2
        shape[disc] += rng.normal(0, shape.std(), 3)
    shape = (shape - shape.mean()) / shape.std()
    return Image.fromarray(np.clip(120 + 45 * shape, 0, 255).astype(np.uint8))
