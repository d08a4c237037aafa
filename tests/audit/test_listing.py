"""Findings as the file holds them: one object a code and kind, all samples, a word for every code."""

from __future__ import annotations

from goodfit.audit import CHECKS
from goodfit.audit.listing import KINDS, listed
from goodfit.core.finding import LISTED, Finding

OF_SEVERAL_KINDS = {"GF-D001", "GF-D009"}  # these name the kind sample by sample


def test_every_code_of_every_check_has_a_kind() -> None:
    codes = {code for check in CHECKS.values() for code in check.codes}
    assert codes - OF_SEVERAL_KINDS <= set(KINDS)
    assert len(set(KINDS.values())) == len(KINDS)


def test_kinds_of_one_code_become_objects_of_their_own_and_nothing_is_cut() -> None:
    many = tuple(f"a/{i}.jpg" for i in range(LISTED + 5))
    kinds = ("truncated",) * LISTED + ("zero_byte",) * 5
    numbers = {"count": len(many), "total": 9999, "share": 0.1, "kinds": "x"}
    found = Finding(code="GF-D001", severity="warning", numbers=numbers, ids=many, kinds=kinds)
    entries = listed([found], lambda name: f"in/{name}")
    assert [(e["kind"], e["count"]) for e in entries] == [("truncated", LISTED), ("zero_byte", 5)]
    assert entries[1]["title"] == {"en": "5 files are empty", "zh": "5 个文件为空"}
    assert entries[1]["samples"][-1] == {"path": f"in/a/{LISTED + 4}.jpg"}
    assert len(found.to_json()["ids"]) == LISTED
    assert Finding.from_json(found.to_json()).kinds == kinds[:LISTED]


def test_pairs_and_details_stand_beside_their_sample() -> None:
    numbers = {"count": 1, "alike": 0.9}
    pair = Finding(code="GF-D073", severity="info", numbers=numbers, ids=("a",), others=("b",), details={"x": (3,)})
    (entry,) = listed([pair])
    assert entry["samples"] == [{"path": "a", "other": "b", "x": 3}]
    assert entry["kind"] == "near_duplicate"
    assert Finding.from_json(pair.to_json()) == pair
