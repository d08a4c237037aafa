"""What every listed symptom keeps to."""

from __future__ import annotations

import pytest

from goodfit.core.messages import has
from goodfit.diagnose import SYMPTOMS


@pytest.mark.parametrize("name", SYMPTOMS)
def test_symptom_is_a_function_of_evidence_with_a_docstring(name: str) -> None:
    entry = SYMPTOMS[name]
    look = getattr(entry, "look", entry)
    assert callable(look)
    assert (look.__doc__ or entry.__doc__ or "").strip()


def test_symptoms_have_codes_with_words() -> None:
    codes = [code for name in SYMPTOMS if (code := getattr(SYMPTOMS[name], "code", None))]
    assert len(codes) == len(set(codes))
    assert [code for code in codes if not has(f"finding.{code}.title")] == []
