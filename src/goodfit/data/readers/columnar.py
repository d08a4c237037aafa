"""Parquet, Feather and Arrow files: rows as cells, and the column of pictures that some of them hold.

Sources: the Apache Parquet and Arrow IPC formats; the features that the library `datasets` writes into the schema
(Lhoest et al. 2021, arXiv:2109.02846), which give class numbers their names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...core.errors import DataError, MissingExtra

SUFFIXES = (".parquet", ".feather", ".arrow")
_MARK = b"ARROW1"  # of a file; a stream has none
_ROWS = 256  # a batch; pictures of some megabytes each stay bounded


def read_columns(files: Sequence[Path]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """(names, rows) of files of one schema; columns of bytes are left out unread.

    Raises: DataError if a file is damaged or the files do not agree; MissingExtra without pyarrow.
    """
    schema = schema_of(files[0])
    names = [field.name for field in schema if not _is_bytes(field.type)]
    classes = _classes(schema)
    rows: list[tuple[Any, ...]] = []
    for batch in batches(files, names):
        columns = [_named(batch.column(name).to_pylist(), classes.get(name)) for name in names]
        rows += zip(*columns, strict=True) if columns else [()] * batch.num_rows
    return [str(name) for name in names], rows


def picture_columns(file: Path) -> list[str]:
    """Columns of bytes, plain or beside a path as `datasets` stores pictures.

    Raises: as `schema_of`.
    """
    return [field.name for field in schema_of(file) if _is_bytes(field.type)]


def pictures(files: Sequence[Path], column: str) -> Iterator[tuple[bytes | None, str | None]]:
    """(bytes, path) of every row's picture, None where it has none."""
    for batch in batches(files, [column]):
        for cell in batch.column(column).to_pylist():
            held = cell.get("bytes") if isinstance(cell, dict) else cell
            path = cell.get("path") if isinstance(cell, dict) else None
            yield (held if isinstance(held, bytes) else None), (path if isinstance(path, str) else None)


def schema_of(file: Path) -> Any:
    """The schema. Raises: DataError if the file is damaged; MissingExtra without pyarrow."""
    with _opened(file) as source:
        return source.schema_arrow if hasattr(source, "schema_arrow") else source.schema


def batches(files: Sequence[Path], names: Sequence[str]) -> Iterator[Any]:
    """Record batches with these columns alone. Raises: DataError naming the file that is damaged or lacks one."""
    for file in files:
        with _opened(file) as source:
            if hasattr(source, "iter_batches"):
                yield from source.iter_batches(batch_size=_ROWS, columns=list(names))
                continue
            every = (
                (source.get_batch(i) for i in range(source.num_record_batches))
                if hasattr(source, "num_record_batches")
                else source
            )
            for batch in every:
                yield batch.select(list(names))


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """A reader of a Parquet file, an Arrow file or an Arrow stream; what goes wrong in its use is said in words."""
    kind = {".parquet": "Parquet", ".feather": "Feather"}.get(file.suffix.lower(), "Arrow")
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra(f"{kind} needs pyarrow", where=file, do="pip install 'goodfit[parquet]'") from None
    try:
        if kind == "Parquet":
            with pyarrow.parquet.ParquetFile(file) as source:
                yield source
            return
        with pyarrow.memory_map(str(file)) as raw:
            is_file = raw.read(len(_MARK)) == _MARK
            raw.seek(0)
            yield pyarrow.ipc.open_file(raw) if is_file else pyarrow.ipc.open_stream(raw)
    except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        raise DataError(f"this {kind} file cannot be read", got=error, where=file, do="write it again") from None


def _is_bytes(kind: Any) -> bool:
    import pyarrow.types as types

    if types.is_struct(kind):
        return any(field.name == "bytes" and _is_bytes(field.type) for field in kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def _classes(schema: Any) -> dict[str, list[str]]:
    """Column -> names of its class numbers, as `datasets` notes them."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    found = {}
    for name, feature in features.items() if isinstance(features, dict) else ():
        inner = feature.get("feature") if isinstance(feature, dict) else None
        for entry in (feature, inner):
            if isinstance(entry, Mapping) and isinstance(entry.get("names"), list):
                found[str(name)] = [str(label) for label in entry["names"]]
    return found


def _named(cells: list[Any], names: Sequence[str] | None) -> list[Any]:
    """Cells with class numbers replaced by names; -1, a hidden label, becomes None."""
    if names is None:
        return cells
    return [_name(cell, names) for cell in cells]


def _name(cell: Any, names: Sequence[str]) -> Any:
    if isinstance(cell, list):
        return [_name(one, names) for one in cell]
    if not isinstance(cell, int):
        return cell
    return names[cell] if 0 <= cell < len(names) else None if cell == -1 else str(cell)
