"""Look at every sample of a data set once, as its kind asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from .boxes import Boxes
from .images import ImageArrays, ImageFiles
from .picture_scan import scan_arrays, scan_files
from .row_scan import scan_rows
from .rows import Rows
from .samples import Samples
from .scanned import Progress, Scan
from .text_scan import scan_texts
from .texts import Texts

_LOOKS: Mapping[type[Samples], Callable[..., Scan]] = {
    ImageFiles: scan_files,
    ImageArrays: scan_arrays,
    Boxes: scan_files,
    Texts: scan_texts,
    Rows: scan_rows,
}


def scan(dataset: Samples, cache: Path, workers: int | None = None, progress: Progress | None = None) -> Scan:
    """Judge every sample.

    Args:
        dataset: what `read` gave; the contents of its files are remembered in it for the fingerprint.
        cache: folder in which verdicts are kept.
        workers: processes; 0 = in this process; None = one a core, or none for few samples.
        progress: called with (done, total).
    """
    return _LOOKS[type(dataset)](dataset, cache, workers, progress)


__all__ = ["Scan", "scan"]
