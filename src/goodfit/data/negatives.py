"""Samples of nothing: pictures without boxes and members of a background class; and how many of them train.

Two rules of practice are told apart. Of samples (or regions) two or three negatives go to each positive: Girshick et
al. 2014, arXiv:1311.2524 (32 positive and 96 background regions a step). Of whole pictures without any box 0 to 10 %
are enough: the training advice of YOLOv5 (Jocher 2020, doi:10.5281/zenodo.3908559).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.errors import DataError, did_you_mean
from ..core.randomness import uniform
from ..core.samples import Schema
from ..core.target_kinds import BOXES, CLASS

MOST_A_POSITIVE = 3.0  # negatives a positive, of samples; Girshick et al. 2014
MOST_EMPTY = 0.10  # share of pictures without boxes; YOLOv5's advice
NAMES = frozenset(  # classes that mean nothing, as people call them
    "background bg backgrounds nothing none empty no_object noobject negatives junk 背景 背景类 无 无目标 空".split()
)
_STREAM = 0x4E45


def background_class(classes: Sequence[str], named: str | None = None) -> int | None:
    """The class that stands for nothing: the one that is named, else the one that is called so.

    Raises: DataError for a name that is no class.
    """
    if named is not None:
        if named not in classes:
            raise DataError(
                "no class has this name",
                got=named,
                allowed=", ".join(classes[:20]),
                where="data.background",
                do=did_you_mean(named, classes) or "name the class that stands for nothing",
            )
        return list(classes).index(named)
    return next((k for k, name in enumerate(classes) if _folded(name) in NAMES), None)


def is_background(target: np.ndarray, schema: Schema, named: str | None = None) -> np.ndarray | None:
    """(N,) bool, samples of nothing; None where the target has no such thing.

    Args:
        target: of the samples.
        schema: of the data.
        named: class that stands for nothing, None = the one that is called so.
    Raises: DataError for a name that is no class.
    """
    if schema.target_kind == "boxes":
        return np.asarray(BOXES.known(target) & (target[..., CLASS] < 0).all(axis=1))
    if schema.target_kind == "multilabel":
        return np.asarray(target.sum(axis=1) == 0)
    if schema.target_kind != "class":
        return None
    found = background_class(schema.classes, named)
    return None if found is None else np.asarray(target == found)


def thinned(positions: np.ndarray, negative: np.ndarray, ratio: float, seed: int) -> np.ndarray:
    """The positions with at most `ratio` negatives a positive, each drawn by its own number, so that a larger ratio
    keeps what a smaller one kept.

    Args:
        positions: (M,) int64, of training samples.
        negative: (N,) bool of the whole data set.
        ratio: 0 keeps none.
        seed: of the draw.
    """
    away = positions[negative[positions]]
    wanted = int(round(ratio * (len(positions) - len(away))))
    if len(away) <= wanted:
        return positions
    luck = uniform(seed, 0, away, 1, _STREAM)[:, 0]
    out = away[np.argsort(luck, kind="stable")[wanted:]]
    return positions[~np.isin(positions, out)]


def _folded(name: str) -> str:
    return "_".join(name.strip().casefold().replace("-", " ").replace("_", " ").split())
