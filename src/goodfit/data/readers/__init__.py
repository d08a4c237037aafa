"""READERS: every layout of data that can be read, asked in this order when the format is to be guessed."""

from __future__ import annotations

from ...core.catalog import Catalog
from ..reader import Reader
from . import cifar_binary, class_folders, digits, fasttext, npz, table, text_folders, text_table

READERS: Catalog[Reader] = Catalog(
    "data format",
    {
        entry.name: entry
        for entry in (
            digits.READER,
            cifar_binary.READER,
            npz.READER,
            table.READER,
            text_table.READER,
            fasttext.READER,
            class_folders.READER,
            text_folders.READER,
        )
    },
)

__all__ = ["READERS", "Reader"]
