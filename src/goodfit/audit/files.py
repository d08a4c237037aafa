"""Checks of single files: quarantine what cannot be used, count what was converted on the way.

Sources: the conversions are those of `data.images.to_rgb`; the limits carry their reasons.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from ..core.finding import Finding
from ..data.picture_scan import PictureScan
from ..data.readers.class_folders import is_picture_name
from .check import Check, Outcome, View, finding

LEAST_SIDE = 4  # below this no texture and no shape is left
MOST_ASPECT = 20  # a strip that a square input would squeeze or cut to nothing
TINY_SIDE, TINY_TIMES = 16, 8  # fewer than 16 pixels a side among pictures eight times as large show a blur
FLAT_SPREAD = 2  # JPEG noise of a picture in one colour
PLAIN_MODES = frozenset({"RGB", "L"})
_KIND_OF_MODE = {
    **dict.fromkeys(("L", "1", "LA", "La"), "grayscale"),
    **dict.fromkeys(("P", "PA"), "palette"),
    **dict.fromkeys(("RGBA", "RGBa"), "rgba"),
    **dict.fromkeys(("I", "F", "I;16", "I;16B", "I;16L", "I;16N"), "sixteen_bit"),
    "CMYK": "cmyk",
}
_SUFFIX_OF = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "MPO": {".jpg", ".jpeg", ".mpo"},
    "PNG": {".png"},
    "GIF": {".gif"},
    "BMP": {".bmp", ".dib"},
    "WEBP": {".webp"},
    "TIFF": {".tif", ".tiff"},
    "PPM": {".ppm", ".pgm", ".pbm", ".pnm"},
    "JPEG2000": {".jp2", ".j2k"},
    "AVIF": {".avif"},
}


def quarantine(view: View) -> Outcome:
    """Files that cannot be decoded are left out everywhere; those too small to show anything on the training side."""
    scan = view.scan
    broken = np.flatnonzero(~scan.ok)
    tiny, strip = _too_small(view, scan) if isinstance(scan, PictureScan) else (broken[:0], broken[:0])
    faults = [(str(view.index.id[i]), str(scan.fault[i])) for i in broken]
    faults += [(str(view.index.id[i]), "tiny") for i in tiny] + [(str(view.index.id[i]), "odd_aspect") for i in strip]
    faults += list(view.refused)
    notes = view.notes
    if faults:
        notes = (_summary(faults, len(view.index) + len(view.refused)), *notes)
    return Outcome(findings=notes, drop=tuple(int(i) for i in (*broken, *tiny, *strip)), faults=tuple(faults))


def _too_small(view: View, scan: PictureScan) -> tuple[np.ndarray, np.ndarray]:
    """Positions of pictures of too few pixels, and of strips."""
    tiny = np.flatnonzero(view.kept & scan.ok & ~view.test & is_tiny(scan.height, scan.width, scan.ok))
    strip = np.flatnonzero(view.kept & scan.ok & ~view.test & is_strip(scan.height, scan.width))
    return np.setdiff1d(tiny, strip), strip


def conversions(view: View) -> Outcome:
    """Pictures that are not plain 8-bit RGB or grey, lie on their side, move, or bear another format's name."""
    scan, index = view.scan, view.index
    if not isinstance(scan, PictureScan):
        return Outcome()
    good = view.kept & scan.ok
    found: list[Finding] = []
    modes = Counter(str(mode) for mode in scan.mode[good])
    odd = np.flatnonzero(good & (scan.frames == 1) & ~np.isin(scan.mode.astype(str), list(PLAIN_MODES)))
    if len(odd) or len(modes) > 1:
        shown = ", ".join(f"{mode} {count}" for mode, count in modes.most_common())
        rare = np.union1d(odd, np.flatnonzero(good & (scan.mode == "L"))) if modes["L"] < modes["RGB"] else odd
        rare = rare if len(rare) else np.flatnonzero(good & (scan.mode == modes.most_common()[-1][0]))
        kinds = tuple(_KIND_OF_MODE.get(str(mode), "odd_mode") for mode in scan.mode[rare])
        found.append(replace(finding("GF-D009", "info", view, rare, modes=shown), kinds=kinds))
    for code, positions in (
        ("GF-D010", np.flatnonzero(good & (scan.frames > 1))),
        ("GF-D011", np.flatnonzero(good & (scan.orientation > 1))),
        (
            "GF-D012",
            np.array(
                [i for i in np.flatnonzero(good) if _is_misnamed(str(index.id[i]), str(scan.format[i]))], dtype=np.int64
            ),
        ),
    ):
        if len(positions):
            found.append(finding(code, "info", view, positions))
    return Outcome(findings=tuple(found))


def blank(view: View) -> Outcome:
    """Pictures of one flat colour: no class can be learnt from them, so they are left out where there are classes."""
    scan = view.scan
    if not isinstance(scan, PictureScan):
        return Outcome()
    flat = np.flatnonzero(view.kept & scan.ok & (scan.spread >= 0) & (scan.spread <= FLAT_SPREAD))
    if not len(flat):
        return Outcome()
    useless = flat[~view.test[flat]] if view.schema.target_kind == "class" else flat[:0]
    found = finding("GF-D019", "warning", view, flat, left_out=len(useless))
    return Outcome(findings=(found,), drop=tuple(int(i) for i in useless))


def is_tiny(height: np.ndarray, width: np.ndarray, ok: np.ndarray) -> np.ndarray:
    """(N,) bool: too few pixels to show anything, in itself or next to the others."""
    short = np.minimum(height, width)
    usual = float(np.median(short[ok])) if ok.any() else 0.0
    return (short < LEAST_SIDE) | ((short < TINY_SIDE) & (short * TINY_TIMES <= usual))


def is_strip(height: np.ndarray, width: np.ndarray) -> np.ndarray:
    """(N,) bool: one side more than MOST_ASPECT times the other."""
    return np.maximum(height, width) > MOST_ASPECT * np.maximum(np.minimum(height, width), 1)


def _summary(faults: list[tuple[str, str]], total: int) -> Finding:
    kinds = Counter(word for _, word in faults)
    share = len(faults) / total
    return Finding(
        code="GF-D001",
        severity="problem" if share > 0.1 else "warning",
        numbers={
            "count": len(faults),
            "total": total,
            "share": share,
            "kinds": ", ".join(f"{w} {n}" for w, n in kinds.most_common()),
            "by_fault": dict(kinds),
        },
        ids=tuple(name for name, _ in faults),
        kinds=tuple(_kind_of_fault(name, word) for name, word in faults),
    )


def _kind_of_fault(name: str, word: str) -> str:
    """The fault of a file in the words of the audit's list: a page saved as a picture is not a note beside pictures."""
    if word == "not_image":
        return "text_named_as_image" if is_picture_name(name) else "non_image_file"
    return {"odd_aspect": "extreme_aspect"}.get(word, word)


def _is_misnamed(name: str, format: str) -> bool:
    suffix = "." + name.lower().rpartition(".")[2] if "." in name.rpartition("/")[2] else ""
    expected = _SUFFIX_OF.get(format)
    return expected is not None and suffix not in expected and any(suffix in known for known in _SUFFIX_OF.values())


CHECKS = (
    Check(
        name="quarantine",
        codes=("GF-D001",),
        look=quarantine,
        source="CleanVision's odd size and aspect; Pillow's decoders",
    ),
    Check(
        name="conversions",
        codes=("GF-D009", "GF-D010", "GF-D011", "GF-D012"),
        look=conversions,
        source="Pillow modes; EXIF tag 0x0112",
    ),
    Check(name="blank", codes=("GF-D019",), look=blank, source="CleanVision's low-information check"),
)
