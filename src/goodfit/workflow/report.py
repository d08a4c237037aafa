"""`report`: write the story of a study as one self-contained page."""

from __future__ import annotations

from pathlib import Path

from ..report.page import write


def report(study: Path, *, lang: str = "en") -> Path:
    """Write report.html into a study folder.

    Args:
        study: the study, or a run or model inside it.
        lang: language shown first; the page holds both.
    Raises: UsageError if no study lies there.
    """
    from .study import find_study

    return write(find_study(study).folder, lang)
