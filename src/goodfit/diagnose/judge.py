"""From single symptoms to a diagnosis: causes first, and what a cause explains left unsaid."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.finding import Finding
from .evidence import Evidence, Symptom

FIT = {"GF-F001", "GF-F002", "GF-F006", "GF-F008", "GF-F009"}
EXPLAINS = {  # code -> codes that are its consequences
    "GF-F005": FIT | {"GF-F003", "GF-F004", "GF-F007"},
    "GF-F003": {"GF-F002", "GF-F004", "GF-F008"},
    "GF-F004": {"GF-F002", "GF-F008"},
    "GF-F007": FIT,
    "GF-F006": {"GF-F002", "GF-F008"},
    "GF-F009": {"GF-F002", "GF-F008", "GF-A003"},
}
ORDER = (
    "GF-F005",
    "GF-F003",
    "GF-F004",
    "GF-A003",
    "GF-F007",
    "GF-F006",
    "GF-F009",
    "GF-F001",
    "GF-F002",
    "GF-F008",
    "GF-S001",
)
NOISE_IN_GAP = 0.5  # a gap is put down to wrong labels where their rate is at least this share of it


def judge(evidence: Evidence, symptoms: Iterable[Symptom]) -> list[Finding]:
    """The findings of all symptoms, causes first, consequences of another finding left out.

    Args:
        evidence: one run.
        symptoms: those to look for.
    """
    seen = {f.code: f for s in symptoms if (f := s.look(evidence)) is not None}
    explained = {code for cause in seen for code in EXPLAINS.get(cause, set())}
    if _noise_explains_the_gap(seen):
        explained.add("GF-F001")
    place = {code: i for i, code in enumerate(ORDER)}
    return sorted((f for c, f in seen.items() if c not in explained), key=lambda f: place.get(f.code, len(ORDER)))


def _noise_explains_the_gap(seen: dict[str, Finding]) -> bool:
    if not {"GF-F001", "GF-F006"} <= seen.keys():
        return False
    return seen["GF-F006"].numbers["rate"] >= NOISE_IN_GAP * seen["GF-F001"].numbers["gap"]
