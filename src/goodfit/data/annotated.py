"""From pictures as annotation files describe them to a data set of boxes, with findings on all that was mended."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.errors import DataError, printable
from ..core.finding import Finding
from ..core.samples import PARTS, Schema
from ..core.target_kinds import UNKNOWN, check_room, no_boxes, pad_boxes
from .boxes import Boxes
from .boxfaults import Frame, mend
from .picture import SUFFIXES, header_of
from .reader import Context
from .targets import Row, class_names, make_index, unique_ids

CODES = {  # fault -> (finding, severity)
    "outside": ("GF-D050", "warning"),
    "inverted": ("GF-D051", "warning"),
    "no_area": ("GF-D052", "warning"),
    "repeated": ("GF-D053", "info"),
    "no_number": ("GF-D054", "warning"),
    "unknown_class": ("GF-D055", "warning"),
    "turned": ("GF-D059", "info"),
}
MIXED = 0.1  # share of boxes in another unit from which it is no slip of a few; single ones are mended or dropped
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Box:
    """One rectangle as annotated: corners in the frame of its picture."""

    label: str
    corners: tuple[float, float, float, float]
    crowd: bool = False


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture as an annotation file describes it.

    Attributes:
        id: unique name.
        where: file; may be absent.
        boxes: in the order given; None = nobody has annotated it.
        part: train, val, test or "".
        size: (height, width) that the annotation claims, or None.
        unread: things drawn there that could not be read as boxes.
    """

    id: str
    where: str
    boxes: tuple[Box, ...] | None
    part: str = ""
    size: tuple[int, int] | None = None
    unread: int = 0


def boxes_dataset(
    pictures: Sequence[Picture],
    *,
    format: str,
    context: Context,
    root: Path,
    classes: Sequence[str] | None = None,
    is_share: bool = False,
    counts_from_one: bool = False,
    notes: Iterable[Finding] = (),
    refused: Iterable[tuple[str, str]] = (),
) -> Boxes:
    """A data set of boxes, ordered by part and id.

    Args:
        pictures: as read.
        format: what was recognised, in words.
        context: of the reading.
        root: folder that no picture may lie outside of.
        classes: all classes where the layout names them, in index order; a box of another one is dropped. None = those
            that occur.
        is_share: corners are shares of the picture's sides.
        counts_from_one: the layout counts pixels from 1, the last one included; taken back where a corner at 0 shows
            that these files do not.
        notes: findings made while reading.
        refused: (id, fault) of what could not be used.
    Raises: DataError if no box is there at all, or many are in another unit than the layout's.
    """
    unlabelled = [p for p in pictures if p.boxes is None and p.part != "test"]
    usable = [p for p in pictures if p.boxes is not None or p.part == "test"]
    kept, lost = _present(usable, root)
    _check_unit(kept, is_share, root)
    names = context.like.classes if context.like else tuple(classes) if classes is not None else _classes(kept)
    from_one = counts_from_one and not any(min(b.corners) < 1 for p in kept for b in p.boxes or ())
    rows = unique_ids([Row(id=p.id, where=p.where, label=None, part=p.part) for p in kept])
    order = sorted(range(len(rows)), key=lambda i: (("", *PARTS).index(rows[i].part), rows[i].id))
    faults: dict[str, Counter[str]] = defaultdict(Counter)
    place = {name: k for k, name in enumerate(names)}
    columns, sizes, disagree, used = [], [], [], list[Row]()
    spoilt: list[str] = []
    for i in order:
        height, width, orientation, agrees = _frame(kept[i])
        frame = Frame(height=height, width=width, is_share=is_share, from_one=from_one, orientation=orientation)
        coded, strangers = _coded(kept[i], place)
        boxes, found = mend(coded, frame)
        for fault, count in (*found.items(), *([("unknown_class", strangers)] if strangers else [])):
            faults[fault][rows[i].id] += count
        drawn = len(kept[i].boxes or ()) + kept[i].unread - (strangers if classes is None else 0)
        if drawn and not len(boxes):  # something is there, and nobody knows where: no example of nothing
            spoilt.append(rows[i].id)
            continue
        used.append(rows[i])
        disagree += [] if agrees else [rows[i].id]
        columns.append(boxes if kept[i].boxes is not None else None)
        sizes.append((height, width))
    if not any(boxes is not None and len(boxes) for boxes in columns):
        raise DataError(
            "no box is left to learn from",
            got=f"{len(pictures)} pictures, {sum(sum(c.values()) for c in faults.values())} boxes with faults, "
            f"{len(lost)} pictures not found",
            where=root,
            do="check the annotation files, their classes and the names of the pictures",
        )
    made = [_finding(*CODES[fault], faults[fault], _strangers(kept, place)) for fault in CODES if faults[fault]]
    made += _lists(unlabelled, lost, disagree)
    schema = Schema(task="detection", format=format, target_kind="boxes", classes=tuple(names), target_name="boxes")
    index = make_index(used, _column(columns, [row.id for row in used]))
    left_out = [(p.id, "no_label") for p in unlabelled] + [(p.id, fault) for p, fault in lost]
    left_out += [(name, "no_usable_box") for name in spoilt]
    return Boxes(
        schema=schema,
        index=index,
        sizes=np.array(sizes, dtype=np.int64).reshape(-1, 2),
        notes=(*notes, *made),
        refused=(*refused, *left_out),
    )


def is_inside(path: str, root: Path) -> bool:
    """Whether a path, its links followed, lies in the root folder."""
    return os.path.realpath(path).startswith(os.path.realpath(root) + os.sep)


def named_like(stem: str, folder: str) -> str | None:
    """The picture of this name in a folder, whatever its suffix; None where there is none."""
    for suffix in (".jpg", ".png", ".jpeg", ".JPG", ".PNG", ".JPEG", *sorted(SUFFIXES)):
        if os.path.isfile(path := os.path.join(folder, stem + suffix)):
            return path
    return None


def _check_unit(pictures: Sequence[Picture], is_share: bool, root: Path) -> None:
    """Raises: DataError where many boxes are in shares of the sides and many in pixels, or all in the wrong one."""
    boxes = [(p.id, b.corners) for p in pictures for b in p.boxes or ()]
    largest = np.abs(np.array([corners for _, corners in boxes], dtype=np.float64).reshape(-1, 4)).max(axis=1)
    odd = np.flatnonzero(largest > 2 if is_share else (largest > 0) & (largest <= 1))
    if len(odd) < max(2, MIXED * len(boxes)):
        return
    unit, other = ("shares of the sides", "pixels") if is_share else ("pixels", "shares of the sides")
    raise DataError(
        f"boxes seem to be in {other} where {unit} are meant",
        got=f"{len(odd)} of {len(boxes)} boxes, for example {boxes[odd[0]][1]} in {printable(boxes[odd[0]][0], 100)}",
        allowed=f"{unit} throughout",
        where=root,
        do="write all boxes alike",
    )


def _present(pictures: Sequence[Picture], root: Path) -> tuple[list[Picture], list[tuple[Picture, str]]]:
    kept, lost = [], []
    for picture in pictures:
        if "\0" in picture.where or not picture.where or not os.path.isfile(picture.where):
            lost.append((picture, "vanished"))
        elif not is_inside(picture.where, root):
            lost.append((picture, "outside"))
        else:
            kept.append(picture)
    return kept, lost


def _classes(pictures: Sequence[Picture]) -> tuple[str, ...]:
    """Those of the training side; a class that only the test part has is a stranger."""
    side = [p for p in pictures if p.part != "test"] or list(pictures)
    return class_names(box.label for p in side for box in p.boxes or ())


def _frame(picture: Picture) -> tuple[int, int, int, bool]:
    """(height, width) upright, the EXIF orientation that boxes must follow, and whether the claimed size is the file's.

    Annotators saw the picture upright unless the size that they wrote down is that of the stored, lying one.
    """
    stored = header_of(picture.where)
    if stored is None:
        height, width = picture.size or (0, 0)
        return height, width, 1, True
    height, width, orientation = stored
    upright = (width, height) if orientation >= 5 else (height, width)
    claimed = picture.size
    if claimed is None or claimed == upright:
        return *upright, 1, True
    if orientation >= 5 and claimed == (height, width):
        return *upright, orientation, True
    return *upright, 1, False


def _coded(picture: Picture, place: dict[str, int]) -> tuple[np.ndarray, int]:
    """(n, 6) float64 boxes of known classes, and how many are of unknown ones."""
    boxes = picture.boxes or ()
    rows = [(place[b.label], *b.corners, float(b.crowd)) for b in boxes if b.label in place]
    return np.array(rows, dtype=np.float64).reshape(-1, 6), len(boxes) - len(rows)


def _column(columns: Sequence[np.ndarray | None], ids: Sequence[str]) -> np.ndarray:
    """(N, M, 6) float32; a picture that nobody annotated has the class UNKNOWN in its first row.

    Raises: DataError that names the picture with so many boxes that the column would not fit into memory.
    """
    most = max((len(boxes) for boxes in columns if boxes is not None), default=0)
    full = (name for name, boxes in zip(ids, columns, strict=True) if boxes is not None and len(boxes) == most)
    check_room(len(columns), most, printable(next(full, ""), 200))
    target = pad_boxes(no_boxes(len(columns)), max(1, most))
    for i, boxes in enumerate(columns):
        if boxes is None:
            target[i, 0, 0] = UNKNOWN
        else:
            target[i, : len(boxes)] = boxes
    return target


def _strangers(pictures: Sequence[Picture], place: dict[str, int]) -> str:
    names = Counter(b.label for p in pictures for b in p.boxes or () if b.label not in place)
    return ", ".join(f"{printable(name, 60)} {n}" for name, n in names.most_common(_SHOWN))


def _finding(code: str, severity: str, per_picture: Counter[str], names: str) -> Finding:
    numbers = {"count": sum(per_picture.values()), "pictures": len(per_picture), "names": names}
    return Finding(code=code, severity=severity, numbers=numbers, ids=tuple(list(per_picture)[:1000]))  # type: ignore[arg-type]


def _lists(
    unlabelled: Sequence[Picture], lost: Sequence[tuple[Picture, str]], disagree: Sequence[str]
) -> list[Finding]:
    """Findings on whole pictures: not annotated, not there, of another size than the annotation claims."""
    parts = {
        "GF-D056": [p.id for p in unlabelled],
        "GF-D057": [p.id for p, _ in lost],
        "GF-D058": list(disagree),
    }
    return [
        Finding(code=code, severity="warning", numbers={"count": len(ids)}, ids=tuple(ids[:1000]))
        for code, ids in parts.items()
        if ids
    ]
