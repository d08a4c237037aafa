"""What a data set is to the rest of the house: a schema, a table of samples, lazy decoding; and how it is split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np

TargetKind = Literal["class", "multilabel", "number", "boxes"]
PARTS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What the data are, as read; decided before anything is decoded in bulk.

    Attributes:
        task: name in TASKS that suits these data.
        format: what the reader recognised, in words ("class folders with train and test").
        target_kind: class = one of `classes`; multilabel = any of them; number = a real target;
            boxes = any number of rectangles, each of one of them. What follows from it stands in `core.target_kinds`.
        classes: class names in index order; empty for number.
        target_name: column or folder level that the target came from.
        facts: measured on the data, JSON values only; images: height, width (medians), same_size (bool),
            max_side, channels; read by plans and tasks, never by the loop.
    """

    task: str
    format: str
    target_kind: TargetKind
    classes: tuple[str, ...] = ()
    target_name: str = "label"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Index:
    """A table of N samples, one array a column, filtered and split without decoding.

    Attributes:
        id: (N,) object array of str, unique and stable: relative path, or row name.
        where: (N,) object array of str, the file to decode; "" for samples held in memory.
        target: (N,) int64 class index (-1 unknown), (N, K) uint8 for multilabel, (N,) float64 for number, (N, M, 6)
            float32 for boxes: class, x1, y1, x2, y2 in pixels of the upright picture, crowd (1 = an ignored region);
            rows padded with class -1, -2 = nobody has annotated the picture.
        part: (N,) object array: "train", "val", "test" as given by the layout, "" where not given.
        group: (N,) object array of str that must not be split apart, or None.
        source: (N,) object array of str (folder, camera, annotator), or None.
        time: (N,) float64 seconds, or None.
    """

    id: np.ndarray
    where: np.ndarray
    target: np.ndarray
    part: np.ndarray
    group: np.ndarray | None = None
    source: np.ndarray | None = None
    time: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.id)

    def take(self, positions: np.ndarray) -> Index:
        """The rows at `positions` (int64), in that order."""
        columns = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return replace(self, **{name: column[positions] for name, column in columns.items() if column is not None})

    def with_part(self, part: np.ndarray) -> Index:
        """The same rows with another given part."""
        return replace(self, part=part)


class Dataset(Protocol):
    """A table of samples and a way to decode one; readers make it, loaders and audits read it."""

    @property
    def schema(self) -> Schema: ...

    @property
    def index(self) -> Index: ...

    @property
    def fingerprint(self) -> str:
        """Hex digest of ids, targets and contents; a changed sample changes it, a moved folder does not."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> Any:
        """Sample i decoded (image: (H, W, 3) uint8 RGB array). Raises DataError naming the file if it cannot be."""
        ...

    def take(self, positions: np.ndarray) -> Dataset:
        """The samples at `positions`, lazily."""
        ...

    def with_target(self, target: np.ndarray) -> Dataset:
        """The same samples under other targets, to be trained on; their fingerprint stays."""
        ...


class SealedTest:
    """Positions of the test samples, given out only against an entry in a ledger.

    Args:
        positions: (T,) int64 positions in the data set.
    """

    def __init__(self, positions: np.ndarray) -> None:
        self._positions = positions
        self.openings = 0

    def __len__(self) -> int:
        return len(self._positions)

    def open(self, record: Callable[[], None]) -> np.ndarray:
        """The positions, after `record` has written the opening down."""
        record()
        self.openings += 1
        return self._positions


@dataclass(frozen=True, kw_only=True)
class Split:
    """Which sample serves what. Positions are int64, disjoint, and index the data set that was split.

    Attributes:
        train: fitted on.
        select: first half of val: early stopping, search, choice of rung.
        confirm: second half of val: an improvement counts only if it holds here; calibration.
        test: sealed until the end.
        how: one word a property, for example ("stratified", "grouped", "given test").
        seed: seed of the draw.
    """

    train: np.ndarray
    select: np.ndarray
    confirm: np.ndarray
    test: SealedTest
    how: tuple[str, ...]
    seed: int

    @property
    def val(self) -> np.ndarray:
        """select and confirm together, in data-set order."""
        return np.sort(np.concatenate([self.select, self.confirm]))

    def digest(self) -> str:
        """Hex digest of train, select and confirm (test stays out of it)."""
        h = hashlib.blake2b(digest_size=12)
        for part in (self.train, self.select, self.confirm):
            h.update(np.ascontiguousarray(part, dtype=np.int64).tobytes() + b"|")
        return h.hexdigest()
