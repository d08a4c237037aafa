"""`audit`: read and check the data, train nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core.recipe import Recipe
from ..core.telling import Tell, silent
from .prepare import about, prepare


def audit(asked: Recipe, *, runs: Path = Path("runs"), lang: str = "en", tell: Tell = silent) -> dict[str, Any]:
    """What the data are and what is wrong with them.

    Returns: format, task, classes, counts, findings, quarantined, duplicates, conflicts, leaks.
    Raises: DataError if they cannot be used.
    """
    data = prepare(asked, tell)
    return {
        **about(data),
        **data.audit.to_json(),
        "findings": [f.to_json() for f in data.audit.findings],
        "fingerprint": data.dataset.fingerprint,
    }
