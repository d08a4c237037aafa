"""COCO files as labels of whole pictures: annotations without boxes, or the classes that the boxes name.

Source: Lin et al. 2014, arXiv:1405.0312; the COCO-like files of iNaturalist and iWildCam, whose annotations have an
image and a category alone (Van Horn et al. 2018, arXiv:1707.06642).
"""

from __future__ import annotations

from pathlib import Path

from ...core.errors import DataError
from ...core.recipe import DataSection
from ..annotated import is_inside
from ..images import ImageFiles
from ..reader import PLAIN, Context, Reader
from ..targets import Label, Row, files_dataset
from .annotations import Skipped
from .coco import annotated, coco_files


def recognises(path: Path, without: Path | None = None) -> str | None:
    """Files as the reader `coco` takes them; it is asked first, so boxes stay boxes where the task says nothing."""
    files = coco_files(path, without)
    return f"COCO labels of whole pictures ({', '.join(f.name for f in files.values())})" if files else None


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageFiles:
    """Every picture that the files list, with the set of its classes; one class each makes a plain classification.

    Raises: DataError if a file is no COCO file.
    """
    files = coco_files(path, context.without)
    if not files:
        raise DataError("no COCO file here", where=path, do="name the JSON file or its folder")
    root = context.root or (path if path.is_dir() else path.parent)
    skipped = Skipped()
    pictures = [p for part, file in files.items() for p in annotated(file, part, root, skipped)]
    sets = [tuple(dict.fromkeys(labels)) for _, labels in pictures]
    single = all(len(labels) == 1 for (p, _), labels in zip(pictures, sets, strict=True) if p.part != "test" or labels)
    rows: list[Row] = []
    refused: list[tuple[str, str]] = []
    for (picture, _), labels in zip(pictures, sets, strict=True):
        if not is_inside(picture.where, root):
            refused.append((picture.id, "outside"))
            continue
        label: Label = (labels[0] if labels else None) if single else labels
        rows.append(Row(id=picture.id, where=picture.where, label=label, part=picture.part))
    return files_dataset(
        rows,
        format=str(recognises(path, context.without)),
        target_name="category",
        context=context,
        named=single,
        notes=skipped.findings(),
        refused=refused,
    )


READER = Reader(
    name="coco_labels",
    layout="DATA/*.json as COCO writes it, for task=image_multilabel or image_classification, or without boxes",
    recognises=recognises,
    read=read,
)
