"""Pictures as a data set: from files, decoded one at a time, or from arrays in memory."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..core.errors import DataError
from ..core.samples import Index
from .picture import BadImage, content_of, open_image, open_lazily, orientation_of, read_bytes
from .samples import Samples

__all__ = ["ImageArrays", "ImageFiles", "Images", "measure", "open_image"]


@dataclass(frozen=True, kw_only=True)
class ImageFiles(Samples):
    """Pictures that lie in files; nothing is decoded before it is asked for.

    Attributes:
        index: `where` names the files.
        known: file -> content digest, filled by a scan so that the fingerprint need not read everything again.
    """

    known: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, i: int) -> np.ndarray:
        """(H, W, 3) uint8 RGB. Raises: BadImage (a DataError) naming the file."""
        return open_image(self.index.where[i])

    @cached_property
    def contents(self) -> np.ndarray:
        """(N,) object array: digest of each file's bytes."""
        for path in self.index.where:
            if path not in self.known:
                self.known[path] = content_of(path)
        return np.array([self.known[path] for path in self.index.where], dtype=object)

    def measured(self, positions: np.ndarray) -> dict[str, Any]:
        """See `measure`."""
        return measure(self, positions)

    def joined(self, test: Samples, index: Index) -> ImageFiles:
        """See `Samples.joined`."""
        known = test.known if isinstance(test, ImageFiles) else {}
        return replace(super().joined(test, index), known={**self.known, **known})


@dataclass(frozen=True, kw_only=True)
class ImageArrays(Samples):
    """Pictures held in memory.

    Attributes:
        index: `where` is "" throughout.
        pixels: (M, H, W) or (M, H, W, 3) uint8, shared by all views of it.
        rows: (N,) int64 row of `pixels` for each sample.
    """

    pixels: np.ndarray
    rows: np.ndarray

    def __getitem__(self, i: int) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        picture = self.pixels[self.rows[i]]
        return np.repeat(picture[:, :, None], 3, axis=2) if picture.ndim == 2 else np.array(picture)

    def take(self, positions: np.ndarray) -> ImageArrays:
        """The samples at `positions`, without copying pixels."""
        return replace(super().take(positions), rows=self.rows[np.asarray(positions, dtype=np.int64)])

    @cached_property
    def contents(self) -> np.ndarray:
        """(N,) object array: digest of each picture's pixels."""
        digest = lambda row: hashlib.blake2b(np.ascontiguousarray(self.pixels[row]).data, digest_size=16).hexdigest()  # noqa: E731
        return np.array([digest(row) for row in self.rows], dtype=object)

    def measured(self, positions: np.ndarray) -> dict[str, Any]:
        """See `measure`."""
        return measure(self, positions)

    def joined(self, test: Samples, index: Index) -> ImageArrays:
        """See `Samples.joined`; both must hold pictures of one shape."""
        both = super().joined(test, index)
        assert isinstance(test, ImageArrays)
        if self.pixels.shape[1:] != test.pixels.shape[1:]:
            raise DataError(
                "train and test hold pictures of different shapes",
                got=f"{self.pixels.shape[1:]}, {test.pixels.shape[1:]}",
                do="store one shape",
            )
        pixels = np.concatenate([self.pixels, test.pixels])
        return replace(both, pixels=pixels, rows=np.concatenate([self.rows, test.rows + len(self.pixels)]))


Images = ImageFiles | ImageArrays


def measure(dataset: Images, positions: np.ndarray, wanted: int = 256, decoded: int = 24) -> dict[str, Any]:
    """Facts for the schema from a spread of samples: sizes, whether all are equal, grey or colour.

    Args:
        positions: samples that may be looked at (never test).
        wanted: headers read.
        decoded: pictures decoded to tell grey from colour.
    Returns: height, width (medians), same_size, max_side, channels (1 if all are grey, else 3).
    """
    spread = (
        positions[np.linspace(0, len(positions) - 1, min(wanted, len(positions))).astype(np.int64)]
        if len(positions)
        else ()
    )
    sizes = np.array([size for i in spread if (size := _size(dataset, int(i)))] or [(0, 0)])
    stride = max(1, len(spread) // decoded)
    grey = [is_grey for i in list(spread)[::stride] if (is_grey := _is_grey(dataset, int(i))) is not None]
    return {
        "height": int(np.median(sizes[:, 0])),
        "width": int(np.median(sizes[:, 1])),
        "same_size": bool((sizes == sizes[0]).all()),
        "max_side": int(sizes.max()),
        "channels": 1 if grey and all(grey) else 3,
    }


def _size(dataset: Images, i: int) -> tuple[int, int] | None:
    if isinstance(dataset, ImageArrays):
        return dataset.pixels.shape[1], dataset.pixels.shape[2]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = open_lazily(read_bytes(dataset.index.where[i]))
            turned = orientation_of(image) >= 5
    except BadImage:
        return None
    return (image.width, image.height) if turned else (image.height, image.width)


def _is_grey(dataset: Images, i: int) -> bool | None:
    if isinstance(dataset, ImageArrays) and dataset.pixels.ndim == 3:
        return True
    try:
        picture = dataset[i]
    except BadImage:
        return None
    return bool((picture[..., 0] == picture[..., 1]).all() and (picture[..., 1] == picture[..., 2]).all())
