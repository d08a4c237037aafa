"""Over-augmentation: training pictures harder than the real ones, so that the net is kept from learning these."""

from __future__ import annotations

from ..core.finding import Finding
from .evidence import Evidence, Symptom

BELOW = 0.05  # by so much augmented train must lie below val; benchmarks/scene.py
GAP = 0.10  # and so much below plain train, less 1.64 standard errors
DOMINATES = 2.0  # and this gap must be so many times the one from plain train to val, which augmentation is against


def look(evidence: Evidence) -> Finding | None:
    """The net does worse on its own augmented training samples than on plain ones that it never saw.

    Plain underfitting looks otherwise: the miss is as large on plain as on augmented training samples, since it is the
    net that cannot, not the pictures that are too hard. So does an augmentation that is worth its price: plain train
    then lies above val by more than augmented train lies below plain.
    """
    plain, drawn, gap = evidence.train_score, evidence.augmented_score, evidence.gap
    if plain is None or drawn is None or gap is None or evidence.val_score is None:
        return None
    train, hard, val = (evidence.quality(s.value) for s in (plain, drawn, evidence.val_score))
    sure = max(evidence.quality(drawn.low), evidence.quality(drawn.high)) - hard  # half the interval
    if train - hard < GAP + sure or val - hard < BELOW + sure or train - hard < DOMINATES * max(gap[0], 0.0):
        return None
    return evidence.finding(
        "GF-F009",
        "warning",
        metric=evidence.metric.name,
        train=plain.value,
        train_text=evidence.shown(plain.value),
        augmented=drawn.value,
        augmented_text=evidence.shown(drawn.value),
        val=evidence.val_score.value,
        val_text=evidence.shown(evidence.val_score.value),
        gap=train - hard,
        gap_points=100 * (train - hard),
        n=drawn.n,
    )


SYMPTOM = Symptom(
    name="over_augmentation",
    code="GF-F009",
    look=look,
    source="benchmarks/scene.py: sensible strength, twice and four times of it, on digits and on a part of CIFAR-10",
)
