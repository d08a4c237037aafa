"""`clean`: list the caches, and delete them if told to; a study is never touched."""

from __future__ import annotations

from typing import Any

from ..core.telling import Tell, silent
from ..engine.cachefolder import cache_folder, delete, entries


def clean(*, yes: bool = False, tell: Tell = silent) -> dict[str, Any]:
    """What lies in the cache folder, and whether it was deleted.

    Args:
        yes: delete; else only list.
        tell: hears what happens.
    Returns: folder, entries [{name, bytes}], bytes, deleted.
    """
    folder = cache_folder()
    found = entries(folder)
    for entry in found if yes else ():
        delete(folder, entry)
    rows = [{"name": e.path.name, "bytes": e.size_bytes} for e in found]
    return {"folder": str(folder), "entries": rows, "bytes": sum(e.size_bytes for e in found), "deleted": yes}
