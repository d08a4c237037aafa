"""Scenes made to order: colours that are classes, and shapes that lie turned by any angle."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from _data import home
from PIL import Image, ImageDraw

SIDE, FINE = 32, 4  # pixels, and how many times finer shapes are drawn before they are shrunk
COLOURS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 60, 200), "yellow": (200, 190, 40)}
SHAPES = {
    "ell": ((-0.5, -1), (0, -1), (0, 0.5), (0.7, 0.5), (0.7, 1), (-0.5, 1)),
    "tee": ((-0.9, -1), (0.9, -1), (0.9, -0.5), (0.25, -0.5), (0.25, 1), (-0.25, 1), (-0.25, -0.5), (-0.9, -0.5)),
    "arrow": ((0, -1), (0.8, 0), (0.3, 0), (0.3, 1), (-0.3, 1), (-0.3, 0), (-0.8, 0)),
    "arch": ((-1, -1), (1, -1), (1, 1), (0.3, 1), (0.3, 0), (-0.3, 0), (-0.3, 1), (-1, 1)),
    "kite": ((0, -1), (0.6, -0.3), (0, 1), (-0.6, -0.3)),
    "square": ((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)),
}


def colours(per_class: int) -> Path:
    """Any shape at any angle; its colour is its class."""
    random, kinds = np.random.default_rng(1), sorted(SHAPES)
    return _made(
        f"colours_{per_class}",
        {
            name: [
                _picture(random, SHAPES[kinds[int(random.integers(len(kinds)))]], _near(random, base))
                for _ in range(per_class)
            ]
            for name, base in COLOURS.items()
        },
    )


def turned(per_class: int) -> Path:
    """Any colour at any angle; the shape is the class."""
    random = np.random.default_rng(2)
    return _made(
        f"turned_{per_class}",
        {
            name: [_picture(random, shape, random.integers(0, 256, 3)) for _ in range(per_class)]
            for name, shape in SHAPES.items()
        },
    )


def _near(random: np.random.Generator, base: tuple[int, int, int]) -> np.ndarray:
    return np.clip(np.array(base) + random.integers(-35, 36, 3), 0, 255)


def _picture(random: np.random.Generator, shape: tuple[tuple[float, float], ...], colour: np.ndarray) -> Image.Image:
    side, angle = SIDE * FINE, random.uniform(0, 2 * math.pi)
    image = Image.new("RGB", (side, side), tuple(int(v) for v in random.integers(90, 166, 3)))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    centre = side * (0.5 + random.uniform(-0.1, 0.1, 2))
    points = np.array(shape) @ turn * side * random.uniform(0.2, 0.34) + centre
    ImageDraw.Draw(image).polygon([tuple(point) for point in points], fill=tuple(int(v) for v in colour))
    small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
    return Image.fromarray(np.clip(small + random.normal(0, 8, small.shape), 0, 255).astype(np.uint8))


def _made(name: str, pictures: dict[str, list[Image.Image]]) -> Path:
    target = home() / "data" / name
    for kind, images in pictures.items():
        (target / kind).mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(images):
            image.save(target / kind / f"{number:04d}.png")
    return target
