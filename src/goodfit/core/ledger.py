"""The ledger of a study: one line a decision with reason and numbers, written before it is used, replayed on resume."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .files import append_line, read_lines


class Ledger:
    """An append-only file of JSON lines.

    Args:
        path: ledger.jsonl; read if it exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = read_lines(path)

    def write(self, event: str, **fields: Any) -> dict[str, Any]:
        """Append one durable line and return it.

        Args:
            event: what kind of line: decision, test_opened, session, finding, note.
            fields: JSON values.
        """
        line = {"n": len(self.lines), "time": round(time.time(), 3), "event": event, **fields}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        append_line(self.path, json.dumps(line, ensure_ascii=False, allow_nan=False, default=_plain))
        self.lines.append(json.loads(json.dumps(line, default=_plain)))
        return self.lines[-1]

    def decide(self, key: str, compute: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """The decision under `key`: replayed if it was taken before, else computed, written, and returned.

        Args:
            key: unique within the study, for example "ladder.2.climb".
            compute: gives `value` (what was decided), `why` (message key under `ledger.`) and `numbers` (evidence).
        """
        for line in self.lines:
            if line["event"] == "decision" and line["key"] == key:
                return line
        return self.write("decision", key=key, **compute())

    def events(self, event: str) -> list[dict[str, Any]]:
        """All lines of one kind, oldest first."""
        return [line for line in self.lines if line["event"] == event]


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"not JSON: {type(value).__name__}")
