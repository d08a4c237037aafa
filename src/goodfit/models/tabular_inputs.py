"""Cells of a table as the numbers that learners take: one description, stored with the model, for all of them.

Missing numbers become the median of train and a mark; categories become codes, 0 = missing, 1 = rare or never seen.
Source: Little and Rubin 2002, "Statistical Analysis with Missing Data", for marks beside imputed values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..data.columns import Column
from ..data.row_facts import MOMENTS, as_described, moments

MISSING, UNKNOWN, KNOWN = 0, 1, 2  # codes of a category; the first that has a name is KNOWN
WIDEST = 8.0  # standard deviations at which an input is cut, so that one typing error does not rule a linear model


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Rows as numbers and codes.

    Attributes:
        numbers: (N, F) float64 in their own units, NaN = missing.
        codes: (N, C) int64.
    """

    numbers: np.ndarray
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, positions: np.ndarray) -> Encoded:
        """Some of the rows."""
        return Encoded(numbers=self.numbers[positions], codes=self.codes[positions])


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """How the columns of one table become inputs.

    Attributes:
        facts: of the schema: `columns` (kinds) and `inputs` (medians, categories), as `data.row_facts` made them.
    """

    facts: Mapping[str, Any]

    @cached_property
    def numbers(self) -> list[Mapping[str, Any]]:
        """Inputs that are numbers, parts of dates included."""
        return [entry for entry in self.facts["inputs"] if entry["kind"] != "category"]

    @cached_property
    def categories(self) -> list[Mapping[str, Any]]:
        """Inputs that are categories."""
        return [entry for entry in self.facts["inputs"] if entry["kind"] == "category"]

    @property
    def names(self) -> list[str]:
        """Of all inputs, numbers first."""
        return [str(entry["name"]) for entry in (*self.numbers, *self.categories)]

    @property
    def cardinalities(self) -> list[int]:
        """Codes of each category."""
        return [KNOWN + len(entry["names"]) for entry in self.categories]

    @cached_property
    def marked(self) -> list[int]:
        """Places of the numbers that were missing somewhere in train."""
        return [i for i, entry in enumerate(self.numbers) if entry["marked"]]

    @property
    def width(self) -> int:
        """Columns of `packed`."""
        return len(self.numbers) + len(self.marked) + len(self.categories)

    def encode(self, columns: Mapping[str, Column]) -> Encoded:
        """Rows of any table with these columns; an absent column is missing throughout."""
        read = as_described(columns, self.facts)
        length = len(next(iter(columns.values()))) if columns else 0
        numbers = np.full((length, len(self.numbers)), np.nan)
        parts: dict[str, Mapping[str, np.ndarray]] = {}
        for i, entry in enumerate(self.numbers):
            cells = read[entry["column"]].values
            if entry["kind"] in MOMENTS:
                parts.setdefault(entry["column"], moments(cells))
                cells = parts[entry["column"]][entry["kind"]]
            numbers[:, i] = cells
        codes = [_codes(read[entry["column"]], entry["names"]) for entry in self.categories]
        return Encoded(numbers=numbers, codes=np.stack(codes, 1) if codes else np.zeros((length, 0), dtype=np.int64))

    def scaled(self, numbers: np.ndarray) -> np.ndarray:
        """(N, F) float64: missing numbers are the median, all in standard deviations from the mean, cut at WIDEST."""
        filled = np.where(np.isnan(numbers), self._column("median"), numbers)
        return np.clip((filled - self._column("mean")) / self._column("std"), -WIDEST, WIDEST)

    def marks(self, numbers: np.ndarray) -> np.ndarray:
        """(N, M) float64: 1 where a number is missing, for those that were missing in train."""
        return np.isnan(numbers[:, self.marked]).astype(np.float64)

    def packed(self, rows: Encoded) -> np.ndarray:
        """(N, width) float32 for networks: scaled numbers, marks, codes; whole numbers are exact up to 2^24."""
        return np.concatenate([self.scaled(rows.numbers), self.marks(rows.numbers), rows.codes], 1, dtype=np.float32)

    def knots(self) -> list[np.ndarray]:
        """Rising ends of the quantile bins of each number, scaled; at least two of them."""
        found = []
        for entry in self.numbers:
            scaled = np.clip((np.array(entry["knots"]) - entry["mean"]) / entry["std"], -WIDEST, WIDEST)
            ends = np.unique(scaled)
            found.append(ends if len(ends) > 1 else np.array([ends[0], ends[0] + 1.0]))
        return found

    def made_up(self, rows: int, seed: int = 0) -> Encoded:
        """Rows of chance, for probes."""
        random = np.random.default_rng(seed)
        numbers = random.normal(size=(rows, len(self.numbers))) * self._column("std") + self._column("mean")
        codes = [random.integers(0, count, rows) for count in self.cardinalities]
        return Encoded(numbers=numbers, codes=np.stack(codes, 1) if codes else np.zeros((rows, 0), dtype=np.int64))

    def _column(self, key: str) -> np.ndarray:
        return np.array([entry[key] for entry in self.numbers], dtype=np.float64)


def _codes(column: Column, names: list[str]) -> np.ndarray:
    """(N,) int64 codes of a category's cells."""
    place = {name: KNOWN + k for k, name in enumerate(names)}
    table = np.array([*(place.get(name, UNKNOWN) for name in column.names), MISSING], dtype=np.int64)
    return table[column.values]  # -1 takes the last
