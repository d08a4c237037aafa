"""A catalogue explains a failed look-up."""

from __future__ import annotations

import pytest

from goodfit.core.catalog import Catalog
from goodfit.core.errors import UsageError

PETS: Catalog[int] = Catalog("pet", {"cat": 1, "dog": 2})


def test_lookup_order_and_membership() -> None:
    assert (PETS["dog"], list(PETS), len(PETS), "cat" in PETS, "cow" in PETS) == (2, ["cat", "dog"], 2, True, False)


def test_unknown_name_lists_the_known_and_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no pet named 'cta'; allowed: cat, dog; Did you mean 'cat'\?"):
        PETS["cta"]


def test_hostile_name_stays_on_one_line() -> None:
    with pytest.raises(UsageError) as caught:
        PETS["a\nb"]
    assert "\n" not in str(caught.value)
