"""What a reader of one layout is: a name, a way to recognise it, and a way to read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import DataError
from ..core.recipe import DataSection
from ..core.samples import Schema
from .samples import Samples


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a reader is told besides the path and the recipe's section.

    Attributes:
        task: the recipe's task; auto = as the data suggest.
        without: a file or folder inside the data that is read elsewhere (the named test set), or None.
        like: schema of the training side when a named test set is read; its classes are then the only ones.
        root: folder that no file may lie outside of; None = the data path itself.
        cache: folder into which pictures inside other files are written; None where the layout holds none.
    """

    task: str = "auto"
    without: Path | None = None
    like: Schema | None = None
    root: Path | None = None
    cache: Path | None = None


PLAIN = Context()


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One layout of data.

    Attributes:
        name: as `data.format` takes it.
        layout: one line that shows what it looks like.
        recognises: (path, folder or file to overlook or None) -> what was recognised, in words, or None.
        read: (path, section, context) -> data set, samples ordered by part and id.
        sample: kind of sample that it gives; a task that is named asks only readers of its kind.
        bare: whether it also reads a folder of loose files without labels, as a test set may come.
        broken: (path, folder or file to overlook or None) -> what is wrong with files that were meant as this layout
            and are not recognised as it; None where no such files lie.
        usual: whether it is shown to a person whose data nothing recognised; the others are named.
        columns: which of target, input, group, time, ignore and query a person may name here.
    """

    name: str
    layout: str
    recognises: Callable[[Path, Path | None], str | None]
    read: Callable[[Path, DataSection, Context], Samples]
    sample: str = "image"
    bare: bool = False
    usual: bool = False
    broken: Callable[[Path, Path | None], DataError | None] | None = None
    columns: frozenset[str] = frozenset()
