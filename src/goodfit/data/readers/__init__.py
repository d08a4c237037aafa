"""READERS: every layout of data that can be read, asked in this order when the format is to be guessed."""

from __future__ import annotations

from ...core.catalog import Catalog
from ..reader import Reader
from . import (
    arff,
    box_table,
    cifar_binary,
    class_folders,
    coco,
    digits,
    fasttext,
    labelme,
    npz,
    pascal_text,
    row_table,
    sqlite,
    table,
    text_folders,
    text_table,
    voc,
    yolo_boxes,
)

READERS: Catalog[Reader] = Catalog(
    "data format",
    {
        entry.name: entry
        for entry in (
            digits.READER,
            cifar_binary.READER,
            npz.READER,
            sqlite.READER,
            arff.READER,
            coco.READER,
            voc.READER,
            yolo_boxes.READER,
            labelme.READER,
            pascal_text.READER,
            box_table.READER,
            table.READER,
            text_table.READER,
            fasttext.READER,
            class_folders.READER,
            text_folders.READER,
            row_table.READER,
        )
    },
)

__all__ = ["READERS", "Reader"]
