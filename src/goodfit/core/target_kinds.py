"""What each kind of target means to the rest of the house: one record of functions a kind, and no branch elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import DataError
from .samples import TargetKind

NUMBER_BINS = 10  # quantile bins in which a number is stratified
PAD, UNKNOWN = -1.0, -2.0  # class of a row of boxes that holds none, and of one that nobody has annotated
BOX_BYTES = 6 * 4  # of one box, six float32
MOST_BYTES = 4 << 30  # of a column of boxes, which has room in each picture for as many as the fullest one holds
CLASS, CROWD = 0, 5  # columns of a box: class, x1, y1, x2, y2, crowd


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of target.

    Attributes:
        name: as the schema names it.
        is_exclusive: a sample has exactly one of the classes; there must be two, and answers can be mixed up.
        has_logits: outputs are logits of classes, so that confidence can be weighed against what is right.
        known: target (N, ...) -> (N,) bool, which samples have one.
        strata: target (N, ...) -> (N,) int64, by which a split is drawn.
        text: (target of one sample, classes) -> words.
        counts: (target, K) -> (K,) int64 of each class, samples or boxes; None where there are no classes.
        showing: (target, K) -> (K,) int64 samples that show each class, where `counts` counts boxes; else None.
        members: (target, K) -> (K, N) bool, which samples show a class; None where there are no classes.
        empty: (N, K) -> the column of samples that nothing is known of, as prediction needs it.
        priors: (train target, target to be scored, K or 0) -> constant output rows; all known.
        recode: (target, (K,) new number of each class, new K) -> the target in other class numbers.
        join: (targets, targets) -> one column.
    """

    name: TargetKind
    is_exclusive: bool = False
    has_logits: bool = False
    known: Callable[[np.ndarray], np.ndarray]
    strata: Callable[[np.ndarray], np.ndarray]
    text: Callable[[Any, Sequence[str]], str]
    counts: Callable[[np.ndarray, int], np.ndarray] | None = None
    showing: Callable[[np.ndarray, int], np.ndarray] | None = None
    members: Callable[[np.ndarray, int], np.ndarray] | None = None
    empty: Callable[[int, int], np.ndarray]
    priors: Callable[[np.ndarray, np.ndarray, int], list[np.ndarray]]
    recode: Callable[[np.ndarray, np.ndarray, int], np.ndarray]
    join: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda a, b: np.concatenate([a, b])


def kind_of(target: np.ndarray) -> Kind:
    """The kind of a target column, by its shape and type alone: predictions carry no schema."""
    if target.ndim == 3:
        return BOXES
    if target.ndim == 2:
        return MULTILABEL
    return NUMBER if target.dtype.kind == "f" else CLASSES


def _all(target: np.ndarray) -> np.ndarray:
    return np.ones(len(target), dtype=bool)


# class: (N,) int64, -1 unknown ----------------------------------------------------------------------------------------


def _class_priors(train: np.ndarray, target: np.ndarray, classes: int) -> list[np.ndarray]:
    k = max(classes, int(train.max()) + 1, int(target.max()) + 1)
    counts = np.bincount(train, minlength=k)
    return [np.log(np.maximum(counts, 1e-6) / counts.sum()).astype(np.float32)]


CLASSES = Kind(
    name="class",
    is_exclusive=True,
    has_logits=True,
    known=lambda target: target >= 0,
    strata=lambda target: np.asarray(target, dtype=np.int64),
    text=lambda target, classes: classes[int(target)] if target >= 0 else "?",
    counts=lambda target, k: np.bincount(target[target >= 0], minlength=k),
    members=lambda target, k: np.arange(k)[:, None] == target,
    empty=lambda n, k: np.zeros(n, dtype=np.int64),
    priors=_class_priors,
    recode=lambda target, order, k: np.where(target >= 0, order[np.maximum(target, 0)], -1),
)


# multilabel: (N, K) uint8 ---------------------------------------------------------------------------------------------


def _rarest(present: np.ndarray) -> np.ndarray:
    """(N,) place of the rarest label of each sample, K where it has none; present is (N, K)."""
    rare = np.argsort(np.argsort(present.sum(axis=0), kind="stable"))  # 0 = rarest
    rank = np.where(present > 0, rare[None, :], present.shape[1])
    return np.asarray(rank.min(axis=1, initial=present.shape[1])).astype(np.int64)


def _label_priors(train: np.ndarray, target: np.ndarray, classes: int) -> list[np.ndarray]:
    share = np.clip(train.mean(axis=0), 1e-6, 1 - 1e-6)
    return [np.log(share / (1 - share)).astype(np.float32)]


def _wider(target: np.ndarray, order: np.ndarray, k: int) -> np.ndarray:
    wide = np.zeros((len(target), k), dtype=target.dtype)
    wide[:, order] = target
    return wide


MULTILABEL = Kind(
    name="multilabel",
    has_logits=True,
    known=_all,
    strata=_rarest,
    text=lambda target, classes: ", ".join(classes[k] for k in np.flatnonzero(target).tolist()),
    counts=lambda target, k: target.sum(axis=0).astype(np.int64),
    members=lambda target, k: target.T.astype(bool),
    empty=lambda n, k: np.zeros((n, k), dtype=np.uint8),
    priors=_label_priors,
    recode=_wider,
)


# number: (N,) float64, NaN unknown ------------------------------------------------------------------------------------


def _quantiles(target: np.ndarray) -> np.ndarray:
    order = np.argsort(np.argsort(target, kind="stable"), kind="stable")
    return (order * min(NUMBER_BINS, max(1, len(target) // 10)) // max(1, len(target))).astype(np.int64)


NUMBER = Kind(
    name="number",
    known=np.isfinite,
    strata=_quantiles,
    text=lambda target, classes: f"{float(target):g}",
    empty=lambda n, k: np.zeros(n),
    priors=lambda train, target, k: [
        np.array([train.mean()], np.float32),
        np.array([np.median(train)], np.float32),
    ],
    recode=lambda target, order, k: target,
)


# boxes: (N, M, 6) float32 of class, x1, y1, x2, y2, crowd; rows padded with class PAD ---------------------------


def box_presence(target: np.ndarray, k: int) -> np.ndarray:
    """(N, K) int64: boxes of each class in each picture, ignored regions (crowd) left out."""
    counted = (target[..., CLASS] >= 0) & (target[..., CROWD] == 0)
    picture, row = np.nonzero(counted)
    found = np.zeros((len(target), k), dtype=np.int64)
    np.add.at(found, (picture, target[picture, row, CLASS].astype(np.int64)), 1)
    return found


def most_classes(target: np.ndarray) -> int:
    """How many classes a column of boxes shows."""
    return int(target[..., CLASS].max(initial=-1)) + 1


def _box_text(target: np.ndarray, classes: Sequence[str]) -> str:
    if target[0, CLASS] == UNKNOWN:
        return "?"
    counts = box_presence(target[None], len(classes))[0]
    return ", ".join(f"{classes[k]} {counts[k]}" for k in np.flatnonzero(counts).tolist()) or "-"


def _box_recode(target: np.ndarray, order: np.ndarray, k: int) -> np.ndarray:
    moved = target.copy()
    number = target[..., CLASS].astype(np.int64)
    moved[..., CLASS] = np.where(number >= 0, order[np.maximum(number, 0)], number)
    return moved


def check_room(pictures: int, rows: int, where: str | None = None) -> None:
    """Raises: DataError if a column with room for `rows` boxes a picture would take more than MOST_BYTES."""
    if pictures * rows * BOX_BYTES > MOST_BYTES:
        raise DataError(
            "one picture has so many boxes that room for as many in each does not fit into memory",
            got=f"{rows} boxes, {pictures} pictures",
            allowed=f"{MOST_BYTES // BOX_BYTES // max(1, pictures)} boxes a picture, with so many pictures",
            where=where,
            do="mend or leave out this picture, or cut it into smaller ones",
        )


def pad_boxes(target: np.ndarray, rows: int) -> np.ndarray:
    """The column with room for `rows` boxes a picture. Raises: DataError if that takes more than MOST_BYTES."""
    check_room(len(target), rows)
    missing = max(0, rows - target.shape[1])
    filler = np.zeros((len(target), missing, target.shape[2]), dtype=target.dtype)
    filler[..., CLASS] = PAD
    return np.concatenate([target, filler], axis=1)


def no_boxes(n: int, k: int = 0) -> np.ndarray:
    """(N, 1, 6) float32: pictures without a box."""
    return pad_boxes(np.zeros((n, 0, 6), dtype=np.float32), 1)


BOXES = Kind(
    name="boxes",
    known=lambda target: target[:, 0, CLASS] != UNKNOWN,
    strata=lambda target: _rarest((box_presence(target, most_classes(target)) > 0).astype(np.int64)),
    text=_box_text,
    counts=lambda target, k: box_presence(target, k).sum(axis=0),
    showing=lambda target, k: (box_presence(target, k) > 0).sum(axis=0),
    members=lambda target, k: (box_presence(target, k) > 0).T,
    empty=no_boxes,
    priors=lambda train, target, k: [no_boxes(1)[0]],  # the constant answer is that there is nothing
    recode=_box_recode,
    join=lambda a, b: np.concatenate([pad_boxes(x, max(a.shape[1], b.shape[1])) for x in (a, b)]),
)


KINDS: dict[TargetKind, Kind] = {kind.name: kind for kind in (CLASSES, MULTILABEL, NUMBER, BOXES)}
