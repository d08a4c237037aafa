"""The first sheet of an Excel workbook as rows of cells: values as last computed, never formulas or macros.

Source: ECMA-376, Office Open XML; read by openpyxl (MIT licence).
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from ...core.errors import DataError, MissingExtra

SUFFIXES = (".xlsx", ".xlsm")
LARGEST_RATIO = 200  # unpacked to packed; a sheet of repeated cells reaches about 30
FREE_BYTES = 64 << 20  # so little may have any ratio


def read_sheet(path: Path) -> list[tuple[int, tuple[Any, ...]]]:
    """(row number, cells) of every row of the first sheet that is not empty.

    Raises: DataError if the file is damaged, encrypted or a bomb; MissingExtra without openpyxl.
    """
    try:
        import openpyxl
        import openpyxl.utils.exceptions as wrong
    except ImportError:
        raise MissingExtra("Excel files need openpyxl", where=path, do="pip install 'goodfit[excel]'") from None
    try:
        _check_size(path)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # some writers note a wrong one
            rows = [(number, tuple(row)) for number, row in enumerate(sheet.iter_rows(values_only=True), start=1)]
        finally:
            book.close()
    except (
        wrong.InvalidFileException,
        zipfile.BadZipFile,
        zlib.error,
        ParseError,
        OSError,
        KeyError,
        ValueError,
        TypeError,
        IndexError,
        AttributeError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:  # what openpyxl is known to raise on damaged input
        raise DataError(
            "this Excel file cannot be read",
            got=error,
            where=path,
            do="save it again as .xlsx without a password, or as CSV",
        ) from None
    return [(number, row) for number, row in rows if any(cell not in (None, "") for cell in row)]


def _check_size(path: Path) -> None:
    """Raises: DataError for a workbook that unpacks to far more than it holds."""
    with zipfile.ZipFile(path) as archive:
        total = sum(info.file_size for info in archive.infolist())
    if total > max(FREE_BYTES, LARGEST_RATIO * path.stat().st_size):
        raise DataError(
            "this Excel file unpacks to far more than it holds, as a bomb does",
            got=f"{total} bytes from {path.stat().st_size}",
            allowed=f"{LARGEST_RATIO} times",
            where=path,
            do="save it as CSV if you trust it",
        )
