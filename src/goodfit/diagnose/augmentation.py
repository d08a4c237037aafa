"""Over-augmentation: training pictures harder than the real ones, so that the net is kept from learning these."""

from __future__ import annotations

from ..augment.scene import SIDE, strongest
from ..core.finding import Finding
from .evidence import Evidence, Symptom

BELOW = 0.05  # by so much augmented train must lie below val; benchmarks/scene.py
GAP = 0.10  # and so much below plain train, less 1.64 standard errors
OVERDONE = 3.0  # times the catalogue's mild strength
LITTLE = 0.5  # skill on plain training samples below which little was learnt
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


def look_overdone(evidence: Evidence) -> Finding | None:
    """The net learns little of plain training samples too, while an operation goes far beyond what is usual.

    Beyond some strength the net no longer learns the real task at all, and the gap that `look` sees closes again. That
    the strength is to blame is then no more than likely; the remedies are experiments and will tell.
    """
    plain = evidence.train_score
    side = evidence.recipe.model.size
    key, times = strongest(evidence.recipe.augment, side if isinstance(side, int) else SIDE)
    if plain is None or times < OVERDONE or evidence.skill(plain.value) >= LITTLE:
        return None
    return evidence.finding(
        "GF-A003",
        "warning",
        metric=evidence.metric.name,
        train=plain.value,
        train_text=evidence.shown(plain.value),
        key=f"augment.{key}",
        times=times,
        n=plain.n,
    )


OVERDONE_SYMPTOM = Symptom(
    name="overdone_augmentation",
    code="GF-A003",
    look=look_overdone,
    source="benchmarks/scene.py: at four times a sensible strength digits are 16 % right, augmented or not",
)
SYMPTOM = Symptom(
    name="over_augmentation",
    code="GF-F009",
    look=look,
    source="benchmarks/scene.py: sensible strength, twice and four times of it, on digits and on a part of CIFAR-10",
)
