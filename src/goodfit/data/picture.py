"""Open one picture file that may be hostile: every mode becomes upright 8-bit RGB, every fault has a word.

Sources: Pillow's decompression-bomb limit (its documentation, "Image.open"); EXIF orientation, CIPA DC-008 tag 0x0112.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import struct
import warnings
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..core.errors import DataError

PIXEL_LIMIT = (
    89_478_485  # Pillow's default warning level, a quarter of a gigabyte of RGB; kept even where it was lifted
)
BYTE_LIMIT = 1 << 30  # no picture file needs more; protects memory before Pillow sees it
FORMATS = (
    "JPEG",
    "MPO",
    "PNG",
    "GIF",
    "BMP",
    "WEBP",
    "TIFF",
    "PPM",
    "JPEG2000",
    "AVIF",
)  # none starts a program (EPS does)
SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".gif",
        ".bmp",
        ".dib",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".jp2",
        ".j2k",
        ".avif",
        ".heic",
        ".heif",
    ]
)

FAULTS: Mapping[str, str] = {
    "zero_byte": "the file is empty",
    "not_image": "the file holds something else than a picture",
    "broken_header": "the file does not begin as any picture format does",
    "unreadable": "the picture cannot be decoded",
    "truncated": "the picture ends too early",
    "unsupported": "this picture format is not supported",
    "bomb": "the picture has more pixels than is safe to decode",
    "too_large": "the file is larger than any picture should be",
    "vanished": "the file is gone",
    "permission": "the file may not be read",
    "not_a_file": "this is no ordinary file",
    "outside": "this leads out of the data folder",
    "crashed": "decoding this file killed the decoder",
}

PILLOW_FAILS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    AssertionError,
    struct.error,
    zlib.error,
)  # what Pillow's decoders are known to raise on damaged input


class BadImage(DataError):
    """Take the file out of the data, or replace it by a good copy.

    Args:
        fault: a key of FAULTS.
        where: the file.
        detail: what the decoder said.
    """

    def __init__(self, fault: str, where: object, detail: str = "") -> None:
        self.fault, self.detail = fault, detail
        super().__init__(
            FAULTS[fault], got=detail or None, where=where, do="replace the file or take it out of the data"
        )


def open_image(path: str | Path, at_least: int = 0) -> np.ndarray:
    """The picture in a file as (H, W, 3) uint8 RGB: upright, first frame, alpha over white, 16 bit cut to 8.

    Args:
        path: the file.
        at_least: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as both sides stay at or above this many
            pixels; 0 = full size.
    Raises: BadImage with the fault's word if the file is no good picture.
    """
    return decode(read_bytes(path), path, at_least)


def decode(data: bytes, where: object = "", at_least: int = 0) -> np.ndarray:
    """What `open_image` gives, from the file's bytes. Raises: BadImage."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata; the pixel limit is checked by hand
        image = open_lazily(data, where)
        try:
            if at_least:
                image.draft(None, (at_least, at_least))
            return to_rgb(image)
        except PILLOW_FAILS as error:
            raise BadImage(fault_of_decoder(error), where, str(error)) from None


def open_lazily(data: bytes, where: object = "") -> Image.Image:
    """A Pillow image whose header is read and whose size is safe; pixels are not decoded yet. Raises: BadImage."""
    if not data:
        raise BadImage("zero_byte", where)
    try:
        image = Image.open(io.BytesIO(data), formats=_formats())
    except UnidentifiedImageError:
        raise BadImage(_fault_of_bytes(data), where) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage("bomb", where, str(error)) from None
    except PILLOW_FAILS as error:
        raise BadImage(fault_of_decoder(error), where, str(error)) from None
    if image.width * image.height > PIXEL_LIMIT:
        raise BadImage("bomb", where, f"{image.width} x {image.height} pixels")
    return image


def header_of(path: str) -> tuple[int, int, int] | None:
    """(height, width, EXIF orientation) as stored, from the header alone; None where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_formats()) as image:
                return image.height, image.width, orientation_of(image)
    except (*PILLOW_FAILS, Image.DecompressionBombError):
        return None


def to_rgb(image: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8 of a Pillow image of any mode, its EXIF orientation applied."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        return _from_deep(np.asarray(upright))
    if upright.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        white = Image.new("RGBA", upright.size, (255, 255, 255, 255))
        upright = Image.alpha_composite(white, upright)
    return np.array(upright if upright.mode == "RGB" else upright.convert("RGB"), dtype=np.uint8)


def read_bytes(path: str | Path) -> bytes:
    """The bytes of an ordinary file of a sane size. Raises: BadImage if it is gone, forbidden, a pipe, or too large."""
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise BadImage("not_a_file", path)
        if facts.st_size > BYTE_LIMIT:
            raise BadImage("too_large", path, f"{facts.st_size} bytes")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise BadImage(fault_of_system(error), path, error.strerror or "") from None


def fault_of_system(error: OSError) -> str:
    """The word for what the operating system said about a file."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
        return "vanished"
    return "permission" if error.errno in (errno.EACCES, errno.EPERM) else "unreadable"


def content_of(path: str) -> str:
    """16-byte hex digest of a file's bytes; "" if they cannot be read."""
    try:
        return hashlib.blake2b(read_bytes(path), digest_size=16).hexdigest()
    except BadImage:
        return ""


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation, 1 (upright) to 8; 1 where there is none or it cannot be read."""
    try:
        value = image.getexif().get(0x0112, 1)
    except PILLOW_FAILS:
        return 1
    return int(value) if isinstance(value, int) and 1 <= value <= 8 else 1


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _from_deep(values: np.ndarray) -> np.ndarray:
    """8-bit RGB of a 16-bit, 32-bit or float grey picture: full range kept, never stretched by content alone."""
    deep = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    if values.dtype.kind == "f":
        top = 1.0 if deep.max(initial=0.0) <= 1.0 else 255.0 if deep.max() <= 255.0 else 65535.0
    else:
        top = 255.0 if values.dtype != np.uint16 and deep.max(initial=0.0) <= 255.0 else 65535.0
    grey = np.clip(np.rint(deep * (255.0 / top)), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _fault_of_bytes(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "unsupported"  # HEIC, video and other boxes that Pillow does not open
    head = data[:512]
    textual = sum(32 <= b < 127 or b in b"\t\r\n" for b in head) / len(head) > 0.95
    return "not_image" if textual or head[:4] in (b"%PDF", b"PK\x03\x04", b"\x7fELF", b"RIFF") else "broken_header"


def fault_of_decoder(error: BaseException) -> str:
    if isinstance(error, Image.DecompressionBombError | MemoryError):
        return "bomb"
    words = str(error).lower()
    return "truncated" if "truncated" in words or "eof" in words or isinstance(error, EOFError) else "unreadable"
