"""Which remedies to try first for the findings of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..core.finding import Finding, Remedy
from ..core.recipe import Recipe


def rank(findings: Sequence[Finding], recipe: Recipe, remedies: Iterable[Remedy]) -> list[Remedy]:
    """Remedies that treat a finding and change the recipe, most promising first.

    The finding's place decides first, then the remedy's place in the catalogue, which lists those first that gained
    most in their sources; a fit that was still learning is trained longer before it is enlarged.

    Args:
        findings: causes first, as `diagnose` gives them.
        recipe: resolved.
        remedies: the catalogue.
    """
    applicable = [r for r in remedies if r.apply(recipe) != recipe]
    ranked: list[Remedy] = []
    for finding in findings:
        treating = [r for r in applicable if finding.code in r.treats and r not in ranked]
        ranked += sorted(treating, key=lambda r: _delay(r, finding))
    return ranked


def _delay(remedy: Remedy, finding: Finding) -> int:
    """Places by which a remedy steps back: the doubtful last, size behind time where time is the likelier cure."""
    falling = finding.numbers.get("still_falling")
    if falling is None:
        return 0
    return {"longer": int(not falling), "larger_model": int(falling), "lr_tripled": 1, "less_augmentation": 2}.get(
        remedy.name, 0
    )
