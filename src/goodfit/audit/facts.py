"""Simple facts of each sample as numbers that people have words for: light, sharpness, size; words; cells of a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.columns import Column
from ..data.picture_facts import vectors
from ..data.picture_scan import PictureScan
from ..data.row_scan import RowScan
from ..data.scanned import Scan
from ..data.text_scan import TextScan
from ..stats.projection import projected_counts

MOST_CELLS = 60  # facts of a row, numbers first
COMMONEST = 6  # categories of a column that are facts of their own


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was measured of N samples.

    Attributes:
        names: F words of the catalogue (`fact.<name>`), or columns of a table as they are called.
        values: (N, F) float64, NaN where not known.
    """

    names: tuple[str, ...]
    values: np.ndarray

    def take(self, positions: np.ndarray) -> Facts:
        """Those of the samples at `positions`."""
        return Facts(names=self.names, values=self.values[positions])

    @property
    def filled(self) -> np.ndarray:
        """(N, F) each fact with mean 0 and deviation 1, its median where unknown; without facts that never vary."""
        known = np.isfinite(self.values)
        some = known.any(axis=0)
        values, known = self.values[:, some], known[:, some]
        middle = np.array([np.median(column[here]) for column, here in zip(values.T, known.T, strict=True)])
        whole = np.where(known, values, middle[None, :] if len(middle) else 0.0)
        spread = whole.std(axis=0)
        varying = spread > 0
        return np.asarray((whole[:, varying] - whole[:, varying].mean(0)) / spread[varying])


def facts_of(scan: Scan) -> Facts:
    """What a scan knows of each sample in numbers; no column for a kind of sample without any."""
    if isinstance(scan, PictureScan):
        return _of_pictures(scan)
    if isinstance(scan, TextScan):
        texts = {"words": scan.length, "characters": scan.chars, "markup": scan.markup, "east": scan.east}
        return _joined({name: column.astype(np.float64) for name, column in texts.items()}, len(scan))
    if isinstance(scan, RowScan):
        return _of_rows(scan)
    return Facts(names=(), values=np.empty((len(scan), 0)))


def light_features(scan: Scan) -> np.ndarray:
    """(N, D) float64: what is known of each sample without any network, each direction of like weight.

    Facts, and the shape of a picture (its perceptual mark) or the words of a text (signed random projection).
    """
    plain = facts_of(scan).filled
    if isinstance(scan, PictureScan):
        return np.hstack([plain, vectors(scan.mark) * np.sqrt(63)])
    if isinstance(scan, TextScan):
        return np.hstack([plain, projected_counts(scan.words, scan.ends, len(scan.vocabulary))])
    return plain


def _of_pictures(scan: PictureScan) -> Facts:
    shown = scan.ok & (scan.white >= 0)
    pictures = {
        "light": scan.white,
        "mean": scan.mean,
        "middle": scan.quarter,
        "dark": scan.black,
        "clipped": scan.clipped,
        "sharpness": scan.sharpness,
        "detail": scan.detail,
        "coloured": scan.coloured,
        "height": scan.height,
        "width": scan.width,
        "aspect": np.log(np.maximum(scan.width, 1) / np.maximum(scan.height, 1)),
    }
    return _joined({name: np.where(shown, column, np.nan) for name, column in pictures.items()}, len(scan))


def _of_rows(scan: RowScan) -> Facts:
    used = [str(c["name"]) for c in scan.described if c["use"]]
    columns = {name: scan.columns[name] for name in used if name in scan.columns}
    found: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        if column.values.dtype.kind == "f":
            found[name] = column.values.astype(np.float64)
    for name, column in columns.items():
        if column.values.dtype.kind != "f":
            found |= _categories(name, column)
    return _joined(dict(list(found.items())[:MOST_CELLS]), len(scan))


def _categories(name: str, column: Column) -> dict[str, np.ndarray]:
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.names))
    common = np.argsort(-counts, kind="stable")[:COMMONEST]
    return {f"{name} = {column.names[k]}": (column.values == k).astype(np.float64) for k in common if counts[k]}


def _joined(columns: dict[str, np.ndarray], n: int) -> Facts:
    values = np.stack(list(columns.values()), axis=1) if columns else np.empty((n, 0))
    return Facts(names=tuple(columns), values=np.asarray(values, dtype=np.float64))
