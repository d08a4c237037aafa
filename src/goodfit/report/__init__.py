"""The story of a study as one page that anybody can open."""

from .page import write

__all__ = ["write"]
