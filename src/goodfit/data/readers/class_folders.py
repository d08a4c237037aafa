"""Files in folders named after their class, with or without train, val and test folders above them: pictures, texts.

Source: the layout of ImageNet, as torchvision's ImageFolder documents it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...core.errors import DataError
from ...core.finding import Finding
from ...core.recipe import DataSection
from ..images import ImageFiles
from ..picture import SUFFIXES
from ..reader import PLAIN, Context, Reader
from ..targets import Label, Row, clean_text, files_dataset

PART_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_JUNK = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store", "icon\r", "__macosx"})
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")


def is_picture_name(name: str) -> bool:
    """Whether the suffix is that of a picture format."""
    return os.path.splitext(name)[1].lower() in SUFFIXES and not is_junk(name)


def is_junk(name: str) -> bool:
    """Whether a name is one that systems leave behind: Thumbs.db, .DS_Store, ._x.jpg, dot files."""
    return name.lower() in _JUNK or (name.startswith(".") and not name.startswith(".."))


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which files are samples.

    Attributes:
        name: file name -> whether it is that of a sample.
        content: path -> whether what lies there is one, asked where the name says nothing.
        otherwise: fault of a file that is none.
    """

    name: Callable[[str], bool]
    content: Callable[[str], bool]
    otherwise: str


@dataclass
class Walk:
    """What a walk through a folder met besides samples.

    Attributes:
        root: real path that nothing may lie outside of.
        without: real path that is overlooked, or None.
        wanted: which files are samples.
        refused: (id, fault) of files that are no samples.
        ignored: names of files that systems leave behind.
        empty: class folders without a sample.
        overlooked: folders that are no class.
    """

    root: Path
    without: Path | None = None
    wanted: Wanted = field(kw_only=True)
    refused: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    overlooked: list[str] = field(default_factory=list)

    def id_of(self, path: str) -> str:
        """The path inside the root, with forward slashes, safe to write as UTF-8."""
        return clean_text(os.path.relpath(path, self.root).replace(os.sep, "/"))

    def findings(self) -> list[Finding]:
        """What was ignored, as findings."""
        notes = []
        if self.ignored:
            notes.append(
                Finding(
                    code="GF-D002",
                    severity="info",
                    numbers={"count": len(self.ignored)},
                    ids=tuple(self.ignored[:1000]),
                )
            )
        if self.empty:
            names = ", ".join(self.empty)
            notes.append(
                Finding(
                    code="GF-D006",
                    severity="warning",
                    numbers={"count": len(self.empty), "names": names},
                    ids=tuple(self.empty),
                )
            )
        return notes


def recognises(path: Path, without: Path | None = None) -> str | None:
    """Class folders, with the parts that they are given in."""
    if not path.is_dir():
        return None
    layout = layout_of(path, without)
    if not layout or not any(has_pictures(folder) for _, folders in layout for folder in folders):
        return None
    parts = sorted({part for part, _ in layout if part}, key=("train", "val", "test").index)
    return "class folders" + (f" in {', '.join(parts)}" if parts else "")


def read(path: Path, section: DataSection, context: Context = PLAIN) -> ImageFiles:
    """Every picture below each class folder.

    Raises: DataError if a folder holds a link to a folder above itself, or pictures without class folders.
    """
    rows, walk = rows_of(path, context, PICTURES)
    return files_dataset(
        rows,
        format=recognises(path, context.without) or "a folder of pictures",
        target_name="folder",
        context=context,
        named=True,
        notes=walk.findings(),
        refused=walk.refused,
    )


def rows_of(
    path: Path, context: Context, wanted: Wanted, overlook: Callable[[str], bool] = lambda name: False
) -> tuple[list[Row], Walk]:
    """Every sample below each class folder, and what else was met there.

    Args:
        path: the folder.
        context: as a reader gets it.
        wanted: which files are samples.
        overlook: name of a folder -> whether it is no class.
    Raises: DataError if a folder holds a link to a folder above itself.
    """
    without = Path(os.path.realpath(context.without)) if context.without else None
    walk = Walk(Path(os.path.realpath(context.root or path)), without, wanted=wanted)
    rows: list[Row] = []
    for part, folders in layout_of(path, context.without, wanted.name):
        for folder in folders:
            if overlook(folder.name):
                walk.overlooked.append(walk.id_of(str(folder)))
                continue
            label: Label = clean_text(folder.name)
            found = [Row(id=walk.id_of(file), where=file, label=label, part=part) for file in files_below(folder, walk)]
            rows += found
            if not found:
                walk.empty.append(walk.id_of(str(folder)))
    rows += _unlabelled_test(path, walk, rows)
    if not rows and context.like is not None:
        rows = [Row(id=walk.id_of(file), where=file, label=None, part="test") for file in files_below(path, walk)]
    return rows, walk


def class_folders_in(path: Path, without: Path | None = None) -> list[Path]:
    """Folders directly below that may be classes, by name."""
    hidden = Path(os.path.realpath(without)) if without else None
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            "this folder cannot be read", got=error.strerror, where=path, do="check its permissions"
        ) from None
    return [
        Path(entry.path)
        for entry in entries
        if is_folder(entry)
        and not is_junk(entry.name)
        and (hidden is None or Path(os.path.realpath(entry.path)) != hidden)
    ]


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or leads to one; a link to itself is none."""
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def has_pictures(folder: Path) -> bool:
    """Whether a picture name occurs among the first entries below a folder."""
    return has_files(folder, is_picture_name)


def has_files(folder: Path, wanted: Callable[[str], bool], depth: int = 6, look_at: int = 5000) -> bool:
    """Whether a name that is wanted occurs among the first entries below a folder."""
    try:
        entries = list(os.scandir(folder))[:look_at]
    except OSError:
        return False
    if any(wanted(entry.name) and not is_folder(entry) for entry in entries):
        return True
    deeper = [entry for entry in entries if not entry.is_symlink() and entry.is_dir() and not is_junk(entry.name)]
    return depth > 0 and any(has_files(Path(entry.path), wanted, depth - 1) for entry in deeper[:100])


def files_below(folder: Path, walk: Walk, above: tuple[str, ...] = ()) -> Iterator[str]:
    """Paths of the samples below a folder, by name; everything else goes to `walk.refused` or `walk.ignored`.

    Args:
        above: real paths of the folders that led here.
    Raises: DataError if a link leads back to one of them.
    """
    here = os.path.realpath(folder)
    if not _is_inside(str(folder), walk):
        walk.refused.append((walk.id_of(str(folder)), "outside"))
        return
    if here in above or str(walk.root).startswith(here + os.sep) or (folder.is_symlink() and here == str(walk.root)):
        raise DataError(
            "this link leads to a folder above itself, so the data never end", where=folder, do="remove the link"
        )
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        walk.refused.append((walk.id_of(str(folder)), "permission"))
        return
    for entry in entries:
        if is_junk(entry.name):
            walk.ignored.append(walk.id_of(entry.path))
        elif is_folder(entry):
            if walk.without is None or Path(os.path.realpath(entry.path)) != walk.without:
                yield from files_below(Path(entry.path), walk, (*above, here))
        elif fault := _fault_of_entry(entry, walk):
            walk.refused.append((walk.id_of(entry.path), fault))
        else:
            yield entry.path


def _fault_of_entry(entry: os.DirEntry[str], walk: Walk) -> str | None:
    if entry.is_symlink() and not _is_inside(entry.path, walk):
        return "outside"
    if entry.is_symlink() and not os.path.exists(entry.path):
        return "vanished"
    if not os.path.isfile(entry.path):
        return "not_a_file"
    known = walk.wanted.name(entry.name) or walk.wanted.content(entry.path)
    return None if known else walk.wanted.otherwise


def _smells_of_picture(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError:
        return False
    named_otherwise = os.path.splitext(path)[1] != ""
    return not named_otherwise and (head.startswith(MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"))


PICTURES = Wanted(name=is_picture_name, content=_smells_of_picture, otherwise="not_image")


def _is_inside(path: str, walk: Walk) -> bool:
    real = os.path.realpath(path)
    return real == str(walk.root) or real.startswith(str(walk.root) + os.sep)


def layout_of(
    path: Path, without: Path | None, wanted: Callable[[str], bool] = is_picture_name
) -> list[tuple[str, list[Path]]]:
    """(part, class folders) pairs; part is "" where the folders themselves are classes."""
    folders = class_folders_in(path, without)
    parted = {folder: PART_NAMES[folder.name.lower()] for folder in folders if folder.name.lower() in PART_NAMES}
    inner = {folder: class_folders_in(folder, without) for folder in parted}
    parted = {folder: part for folder, part in parted.items() if any(has_files(f, wanted) for f in inner[folder])}
    if "train" in parted.values():
        return [(part, inner[folder]) for folder, part in parted.items()]
    if parted and (
        rest := [folder for folder in folders if folder not in parted and folder.name.lower() not in PART_NAMES]
    ):
        return [("train", rest), *((part, inner[folder]) for folder, part in parted.items())]
    if parted:
        return [("" if len(parted) == 1 else part, inner[folder]) for folder, part in parted.items()]
    if len(folders) == 1 and len(_with_files(class_folders_in(folders[0], without), wanted)) > 1:
        return layout_of(folders[0], without, wanted)  # all of it lies in one folder, beside some loose files
    only_parts = all(folder.name.lower() in PART_NAMES for folder in _with_files(folders, wanted))
    return [("", folders)] if folders and not only_parts else []


def _with_files(folders: list[Path], wanted: Callable[[str], bool]) -> list[Path]:
    return [folder for folder in folders if has_files(folder, wanted)]


def _unlabelled_test(path: Path, walk: Walk, rows: list[Row]) -> list[Row]:
    """A test folder that holds samples and no class folders: kept as unknown, so that predictions can be made."""
    if not any(row.part == "train" for row in rows) or any(row.part == "test" for row in rows):
        return []
    folders = [f for f in class_folders_in(path, walk.without) if PART_NAMES.get(f.name.lower()) == "test"]
    return [
        Row(id=walk.id_of(file), where=file, label=None, part="test") for f in folders for file in files_below(f, walk)
    ]


READER = Reader(
    name="class_folders",
    layout="DATA/<class>/*.jpg, or DATA/{train,val,test}/<class>/*.jpg",
    recognises=recognises,
    read=read,
    usual=True,
    bare=True,
)
