"""What every listed check of the audit keeps to."""

from __future__ import annotations

import pytest

from goodfit.audit import CHECKS


@pytest.mark.parametrize("name", CHECKS)
def test_check_is_callable_and_says_what_it_looks_for(name: str) -> None:
    entry = CHECKS[name]
    look = entry if callable(entry) else getattr(entry, "look", None) or entry.run
    assert callable(look)
    assert (look.__doc__ or "").strip()
