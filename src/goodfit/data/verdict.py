"""Judge one picture file: can it be decoded, what is in it; also a worker process that judges many.

Run as a module it reads a JSON list of paths a line and answers with a JSON list of verdicts a line.
"""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from typing import NamedTuple

from PIL import Image

from .picture import PILLOW_FAILS, BadImage, fault_of_decoder, open_lazily, orientation_of, read_bytes, to_rgb
from .picture_facts import Facts, measure_picture

SHRINK_ABOVE = 1 << 20  # pixels; a larger JPEG is entropy-decoded whole but built at a quarter of its sides or less
_MANY = frozenset({"GIF", "WEBP", "PNG", "TIFF", "AVIF"})  # formats whose further frames are an animation or pages


class Verdict(NamedTuple):
    """What was found in one file.

    Attributes:
        fault: a key of picture.FAULTS, "" for a good picture.
        content: 16-byte hex digest of the file's bytes, "" if they could not be read.
        pixels: 16-byte hex digest of what is seen, "" if it could not be decoded.
        height: pixels, upright.
        width: pixels, upright.
        mode: Pillow's mode (RGB, L, CMYK, P, RGBA, I;16, ...).
        format: Pillow's name of the format (JPEG, PNG, ...).
        frames: 1, or 2 for more than one.
        orientation: EXIF orientation, 1 = upright.
        spread: largest minus smallest value over all bands (8-bit pictures), 0 = one flat colour; -1 unknown.
        white, quarter, black, clipped, sharpness, detail, coloured, mark, inner, mean: see `picture_facts.Facts`.
    """

    fault: str
    content: str = ""
    pixels: str = ""
    height: int = 0
    width: int = 0
    mode: str = ""
    format: str = ""
    frames: int = 0
    orientation: int = 1
    spread: int = -1
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


def judge(path: str) -> Verdict:
    """The verdict on one file; never raises for what a file may hold."""
    try:
        data = read_bytes(path)
    except BadImage as error:
        return Verdict(error.fault)
    content = hashlib.blake2b(data, digest_size=16).hexdigest()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _judge_image(open_lazily(data, path), content)
        except BadImage as error:
            return Verdict(error.fault, content)
        except PILLOW_FAILS as error:
            return Verdict(fault_of_decoder(error), content)


def _judge_image(image: Image.Image, content: str) -> Verdict:
    kind, mode, size = str(image.format), image.mode, image.size
    orientation = orientation_of(image)
    many = kind in _MANY and _is_animated(image)
    if kind == "JPEG" and size[0] * size[1] > SHRINK_ABOVE:
        image.draft(None, (max(1, size[0] // 8), max(1, size[1] // 8)))
    image.load()
    height, width = (size[0], size[1]) if orientation >= 5 else (size[1], size[0])
    seen = image.convert("RGBA") if image.mode in ("P", "PA") else image
    digest = hashlib.blake2b(f"{seen.mode}{size}{orientation}".encode(), digest_size=16)
    digest.update(seen.tobytes())
    frames, spread = 2 if many else 1, _spread(seen)
    measured = _measured(image, orientation)
    return Verdict("", content, digest.hexdigest(), height, width, mode, kind, frames, orientation, spread, *measured)


def _measured(image: Image.Image, orientation: int) -> Facts:
    if image.mode in ("L", "RGB"):
        return measure_picture(image, orientation)
    return measure_picture(Image.fromarray(to_rgb(image)))  # turned upright on the way


def _is_animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except PILLOW_FAILS:
        return False  # the first frame decides whether the file is good


def _spread(image: Image.Image) -> int:
    if image.mode in ("I", "F", "I;16", "I;16B", "I;16L", "1"):
        low, high = image.convert("F").getextrema()
        return int(min(255, high - low))  # type: ignore[operator]
    extrema = image.getextrema()
    pairs = extrema if isinstance(extrema[0], tuple) else (extrema,)
    colour = pairs[:3] if image.mode in ("RGBA", "RGBa") else pairs[:1] if image.mode in ("LA", "La") else pairs
    return int(max(high - low for low, high in colour))


def _serve() -> None:
    for line in sys.stdin:
        answers = [judge(path) for path in json.loads(line)]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
