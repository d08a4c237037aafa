"""An explicit catalogue: a named, ordered table of entries whose look-up explains itself when it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from .errors import UsageError, did_you_mean

T = TypeVar("T")


class Catalog(Mapping[str, T]):
    """A read-only mapping from name to entry.

    Args:
        what: singular noun used in errors, for example "task".
        entries: name -> entry, in the order in which they are listed.
    """

    def __init__(self, what: str, entries: Mapping[str, T]) -> None:
        self.what, self._entries = what, dict(entries)

    def __getitem__(self, name: str) -> T:
        if name in self._entries:
            return self._entries[name]
        raise UsageError(
            f"no {self.what} named '{name}'",
            allowed=", ".join(self._entries),
            do=did_you_mean(name, self._entries) or f"choose one of the {self.what}s named here",
        )

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
