"""The page of a scene: what changes something first, both languages, nothing from data unescaped."""

from __future__ import annotations

from typing import Any

import numpy as np

from goodfit.report.scene_page import render
from goodfit.tasks.images import show

PICTURE = show(np.zeros((8, 8, 3), np.uint8))
ABOUT = {"name": "<i>signs", "format": "class folders", "experiments": 0, "samples": 0}
MOVES = {"from": "<b>6", "into": "9", "share": 0.98, "confidence": 0.6, "usual": 0.77, "of": 50, "pairs": "<b>6 → 9"}
KEPT = {"kept": 0.97, "kept_low": 0.95, "kept_high": 0.99, "safe": 0.85, "plain": 0.99, "seen": 0.96, "n": 400}


def judged(name: str, verdict: str, why: str, **numbers: Any) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "why": why, "numbers": numbers, "changes": {"rotate": 180.0}}


def test_refused_operations_stand_before_allowed_ones_with_their_figures_in_both_languages() -> None:
    rows = [judged("shear", "allowed", "kept", **KEPT), judged("turn", "refused", "moves", **MOVES)]
    page = render(rows, {"turn": [PICTURE] * 6, "shear": [PICTURE] * 2}, ABOUT)
    assert page.index('id="turn"') < page.index('id="shear"')
    assert "98% of <code>&lt;b&gt;6</code> become <code>9</code>" in page
    assert "98% 的" in page
    assert page.count("<img") == 8
    assert "augment.rotate=180" in page


def test_names_of_classes_and_data_are_escaped() -> None:
    page = render([judged("turn", "refused", "moves", **MOVES)], {}, ABOUT)
    assert "<b>6" not in page
    assert "<i>signs" not in page
    assert "&lt;i&gt;signs" in page


def test_an_operation_without_words_of_its_own_goes_by_its_name() -> None:
    page = render([judged("solarise", "idle", "idle")], {"solarise": []}, ABOUT)
    assert "solarise" in page
