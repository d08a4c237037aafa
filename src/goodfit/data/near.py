"""Look for near copies in a data set, as its kind asks for; what was found is kept for the next time."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..core.files import write_atomic
from .images import ImageArrays, ImageFiles
from .near_pairs import NONE, NearPairs
from .near_pictures import near_pictures
from .near_texts import near_texts
from .picture_scan import PictureScan
from .samples import Samples
from .scanned import Progress, Scan
from .text_scan import TextScan

VERSION = 2  # of the rules by which copies are found; another one makes the kept pairs void


def near_copies(dataset: Samples, scan: Scan, cache: Path, progress: Progress | None = None) -> NearPairs:
    """Pairs of samples that are copies but not equal; none for rows of a table, where likeness is no copy.

    Args:
        cache: folder in which pairs are kept, under what the samples show.
        progress: called with (pairs compared, pairs).
    """
    seen = hashlib.blake2b("\n".join(map(str, scan.seen)).encode(), digest_size=12, key=str(VERSION).encode())
    file = cache / "near" / f"{seen.hexdigest()}.npz"
    stored = _read(file, len(scan))
    if stored is not None:
        return stored
    if isinstance(scan, TextScan):
        found = near_texts(scan, progress)
    elif isinstance(scan, PictureScan) and isinstance(dataset, ImageFiles | ImageArrays):
        found = near_pictures(dataset, scan, progress)
    else:
        return NONE
    _write(file, found)
    return found


def _read(file: Path, n: int) -> NearPairs | None:
    try:
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as held:
            found = NearPairs(a=held["a"], b=held["b"], alike=held["alike"], mirrored=held["mirrored"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return found if not len(found) or int(found.b.max()) < n else None


def _write(file: Path, found: NearPairs) -> None:
    packed = io.BytesIO()
    np.savez(packed, a=found.a, b=found.b, alike=found.alike, mirrored=found.mirrored)
    with suppress(OSError):  # a cache: a full disk costs only the time of looking again
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, packed.getvalue())
