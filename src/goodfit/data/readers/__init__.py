"""READERS: every layout of data that can be read, asked in this order when the format is to be guessed."""

from __future__ import annotations

from ...core.catalog import Catalog
from ..reader import Reader
from . import (
    arff,
    box_table,
    cifar_binary,
    cifar_python,
    class_folders,
    coco,
    coco_labels,
    cvat,
    digits,
    fasttext,
    idx,
    kitti,
    label_studio,
    labelme,
    list_files,
    npz,
    pascal_text,
    picture_table,
    row_table,
    sqlite,
    studio_choices,
    synset_folders,
    table,
    text_folders,
    text_table,
    ultralytics_ndjson,
    voc,
    webdataset,
    yolo_boxes,
)

READERS: Catalog[Reader] = Catalog(
    "data format",
    {
        entry.name: entry
        for entry in (
            digits.READER,
            cifar_binary.READER,
            cifar_python.READER,
            idx.READER,
            npz.READER,
            sqlite.READER,
            arff.READER,
            coco.READER,
            voc.READER,
            yolo_boxes.READER,
            kitti.READER,
            cvat.READER,
            labelme.READER,
            label_studio.READER,
            pascal_text.READER,
            ultralytics_ndjson.READER,
            box_table.READER,
            synset_folders.READER,
            coco_labels.READER,
            studio_choices.READER,
            studio_choices.TEXTS,
            webdataset.READER,
            picture_table.READER,
            table.READER,
            text_table.READER,
            fasttext.READER,
            list_files.READER,
            class_folders.READER,
            text_folders.READER,
            row_table.READER,
        )
    },
)

__all__ = ["READERS", "Reader"]
