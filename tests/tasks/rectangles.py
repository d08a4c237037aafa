"""A tiny set of pictures with boxes, easy enough to be learnt in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def draw_rectangles(folder: Path, count: int = 40) -> Path:
    """Pictures of 64 pixels with one to three red or blue rectangles on grey noise, as YOLO labels."""
    random = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    for i in range(count):
        picture = random.integers(90, 150, (64, 64, 3)).astype(np.uint8)
        rows = []
        for _ in range(int(random.integers(1, 4))):
            k, (w, h) = int(random.integers(0, 2)), random.integers(14, 30, 2)
            x, y = int(random.integers(0, 64 - w)), int(random.integers(0, 64 - h))
            picture[y : y + h, x : x + w] = (20, 20, 240) if k == 0 else (240, 20, 20)
            rows.append(f"{k} {(x + w / 2) / 64} {(y + h / 2) / 64} {w / 64} {h / 64}")
        Image.fromarray(picture).save(folder / "images" / f"{i:02d}.png")
        (folder / "labels" / f"{i:02d}.txt").write_text("\n".join(rows))
    (folder / "data.yaml").write_text("names: [blue, red]\n")
    return folder
