"""What ails a fit and what may help: symptoms look at stored evidence, remedies are functions from recipe to recipe."""

from collections.abc import Callable, Sequence

from ..core.catalog import Catalog
from ..core.finding import Finding, Remedy
from ..core.recipe import Recipe
from . import augmentation, chance, confidence, fit, labels, optimisation, speed
from .chance import chance_score
from .evidence import Evidence, Symptom
from .judge import judge
from .ranking import rank
from .remedies import REMEDIES
from .remedies.capacity import larger, smaller

SYMPTOMS: Catalog[Symptom] = Catalog(
    "symptom",
    {
        s.name: s
        for s in (
            optimisation.DIVERGENCE,
            optimisation.LR_TOO_HIGH,
            optimisation.LR_TOO_LOW,
            chance.SYMPTOM,
            labels.SYMPTOM,
            augmentation.SYMPTOM,
            augmentation.OVERDONE_SYMPTOM,
            fit.OVERFITTING,
            fit.UNDERFITTING,
            confidence.SYMPTOM,
            speed.SYMPTOM,
        )
    },
)
__all__ = ["REMEDIES", "SYMPTOMS", "Evidence", "Symptom", "chance_score", "diagnose", "remedies_for", "treatable"]


def diagnose(evidence: Evidence) -> list[Finding]:
    """What the evidence of one run shows, causes first; empty for a healthy run."""
    return judge(evidence, SYMPTOMS.values())


def treatable(findings: Sequence[Finding]) -> list[Finding]:
    """Those findings about the data that a remedy of the catalogue treats."""
    treated = frozenset[str]().union(*(remedy.treats for remedy in REMEDIES.values()))
    return [finding for finding in findings if finding.code in treated]


def remedies_for(
    findings: Sequence[Finding],
    recipe: Recipe,
    step_up: Callable[[Recipe], Recipe] | None = None,
    step_down: Callable[[Recipe], Recipe] | None = None,
    bears: Callable[[Recipe, str], bool] | None = None,
) -> list[Remedy]:
    """Remedies for these findings that change this recipe, most promising first.

    Args:
        findings: as `diagnose` gives them.
        recipe: resolved.
        step_up: recipe -> recipe with the next larger model, where the task has a ladder.
        step_down: the same, next smaller.
        bears: (recipe, name of a remedy) -> whether it means anything to this model; None = all do.
    """
    size = ([larger(step_up)] if step_up else []) + ([smaller(step_down)] if step_down else [])
    known = [r for r in (*REMEDIES.values(), *size) if bears is None or bears(recipe, r.name)]
    return rank(findings, recipe, known)
