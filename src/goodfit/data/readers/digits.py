"""The handwritten digits that scikit-learn carries: 1,797 real 8x8 pictures, no network needed.

Source: E. Alpaydin and C. Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI repository.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from ...core.errors import MissingExtra
from ...core.recipe import DataSection
from ..images import ImageArrays
from ..reader import PLAIN, Context, Reader
from ..targets import Label, array_dataset

BRIGHTEST = 16  # the set counts ink in 4x4 blocks of a binary scan


def recognises(path: Path, without: Path | None = None) -> str | None:
    """The name `digits`, unless a file or folder of that name exists."""
    return "digits that scikit-learn carries" if str(path) == "digits" and not path.exists() else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageArrays:
    """The 1,797 pictures, 0 = no ink, 255 = full ink. Raises: MissingExtra without scikit-learn."""
    table = _table()
    pixels = np.rint(table[:, :-1].reshape(-1, 8, 8) * (255 / BRIGHTEST)).astype(np.uint8)
    labels: list[Label] = [str(int(label)) for label in table[:, -1]]
    return array_dataset(
        {"": (pixels, labels)},
        format="digits that scikit-learn carries",
        target_name="digit",
        context=context,
        named=True,
    )


def _table() -> np.ndarray:
    """(1797, 65) counts of ink and the digit, from scikit-learn's file; importing it all would take a second."""
    spec = importlib.util.find_spec("sklearn")
    folders = spec.submodule_search_locations if spec is not None else None
    if not folders:
        raise MissingExtra("the digits lie in scikit-learn, which is not installed", do="pip install scikit-learn")
    file = Path(folders[0], "datasets", "data", "digits.csv.gz")
    if file.is_file():
        return np.loadtxt(file, delimiter=",", dtype=np.float64)
    from sklearn.datasets import load_digits

    raw = load_digits()
    return np.column_stack([raw.data, raw.target])


READER = Reader(name="digits", layout="digits", recognises=recognises, read=read)
