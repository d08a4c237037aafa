"""Pictures with boxes drawn, for the report: what is there in one colour, what was found in another."""

from __future__ import annotations

import base64
import io

import numpy as np

from ..core.target_kinds import CLASS, CROWD
from ..stats.boxes import SAID

SIDE = 320  # longest side in pixels
REAL, FOUND, IGNORED = (0, 158, 115), (213, 94, 0), (150, 150, 150)  # Okabe and Ito's green and vermilion: told apart


def show(sample: np.ndarray, side: int = SIDE) -> dict[str, str]:
    """A picture alone: a small PNG, base64."""
    return show_answer(sample, None, None)


def show_answer(sample: np.ndarray, target: np.ndarray | None, outputs: np.ndarray | None) -> dict[str, str]:
    """A picture with its boxes.

    Args:
        sample: (H, W, 3) uint8.
        target: (M, 6) boxes that are there, green (ignored regions grey), or None.
        outputs: (D, 6) boxes found, vermilion, or None.
    """
    from PIL import Image, ImageDraw

    image = Image.fromarray(sample)
    scale = min(1.0, SIDE / max(image.size))
    if scale < 1:
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    pen = ImageDraw.Draw(image)
    for row in () if target is None else target[target[:, CLASS] >= 0]:
        corners = [float(c) * scale for c in row[1:5]]
        pen.rectangle(corners, outline=IGNORED if row[CROWD] > 0 else REAL, width=2)
    for row in () if outputs is None else outputs[(outputs[:, CLASS] >= 0) & (outputs[:, 1] >= SAID)]:
        pen.rectangle([float(c) * scale for c in row[2:6]], outline=FOUND, width=1)
    file = io.BytesIO()
    image.quantize(96).save(file, "PNG", optimize=True)
    return {"png": base64.b64encode(file.getvalue()).decode("ascii")}
