"""Label noise: val labels that a confident model contradicts in the way that wrong labels do, not hard samples.

An honest mistake is a near miss: the given label stands second or third among the model's guesses. A wrong label has
nothing to do with the picture, so it stands anywhere. Trials on digits and 2, 4 and 10 classes of CIFAR-10, weak and
good nets, with and without smoothing: among errors of the more confident half, the mean normalised rank of the given
label (0 = second guess, 1 = last) was at most 0.20 with true labels and at least 0.34 with 30 % wrong. With 10 % wrong
it was 0.44 to 0.50 on digits and 0.21 to 0.35 on CIFAR-10, where half of that is missed. With two or three
classes rank says nothing; there the error among the most confident quarter was at most 0.37 of the error of all with
true labels, and 0.63 or more with 30 % wrong.

Source: the idea is confident learning's, Northcutt et al. 2021, arXiv:1911.00068; the limits are the trials above.
"""

from __future__ import annotations

import math

import numpy as np

from ..core.finding import Finding
from ..stats.calibration import probabilities
from .evidence import Evidence, Symptom, classes_of

FEWEST, FEWEST_TRAIN = 100, 20  # val samples; training samples a class: a net that saw fewer errs anywhere
ERRORS = 12  # errors among the samples looked at
SKILL = 0.2  # below that the model knows too little to accuse a label
RANK, RANK_HEALTHY, RANK_NOISE = 0.28, 0.20, 0.5  # limit; largest healthy; expected of labels drawn at random
RATIO = 0.6  # few classes: error of the confident quarter over the error of all
CONFLICTS = 0.01  # share of training samples whose twin bears another label
MANY = 4  # classes from which the rank is informative


def look(evidence: Evidence) -> Finding | None:
    """Contradicted labels in val, or contradicting twins in train."""
    conflicts, n_train = evidence.counts.get("conflicts", 0), max(evidence.counts.get("train", 0), 1)
    suspects, rate, rank, errors = _suspects(evidence)
    if not len(suspects) and conflicts < CONFLICTS * n_train:
        return None
    return evidence.finding(
        "GF-F006",
        "warning",
        tuple(str(i) for i in suspects[:1000]),
        rate=rate,
        suspects=len(suspects),
        errors=errors,
        rank=rank,
        conflicts=conflicts,
        n=len(evidence.val) if evidence.val is not None else 0,
    )


SYMPTOM = Symptom(
    name="label_noise",
    code="GF-F006",
    look=look,
    source="Northcutt et al. 2021, arXiv:1911.00068; limits from trials, see diagnose/labels",
)


def _suspects(evidence: Evidence) -> tuple[np.ndarray, float, float, int]:
    """(ids of contradicted samples, most confident first; estimated rate of wrong labels; mean rank; errors seen)."""
    nothing = np.empty(0, dtype=object), 0.0, 0.0, 0
    known, score = classes_of(evidence), evidence.val_score
    if known is None or score is None or len(known[0]) < FEWEST or evidence.skill(score.value) < SKILL:
        return nothing
    if evidence.counts.get("train", 0) < FEWEST_TRAIN * known[1].shape[1]:
        return nothing
    target, outputs = known
    ids = np.asarray(evidence.val.ids)[evidence.val.target >= 0]  # type: ignore[union-attr]
    probs = probabilities(outputs, target)
    confidence, wrong = probs.max(axis=1), probs.argmax(axis=1) != target
    order = np.argsort(-confidence, kind="stable")
    k = probs.shape[1]
    seen = order[: len(order) // (2 if k >= MANY else 4)]
    bad = seen[wrong[seen]]
    if len(bad) < ERRORS or (k < MANY and evidence.skill(score.value) < SKILL + 0.1):
        return nothing
    share = len(bad) / len(seen)
    if k < MANY:
        return (ids[bad], share, 0.0, len(bad)) if share >= RATIO * wrong.mean() else nothing
    ranks = _ranks(probs[bad], target[bad])
    sure = ranks.mean() - 1.64 * ranks.std(ddof=1) / math.sqrt(len(ranks))
    if ranks.mean() < RANK or sure < RANK_HEALTHY:
        return nothing
    noisy = min(1.0, (float(ranks.mean()) - RANK_HEALTHY / 2) / (RANK_NOISE - RANK_HEALTHY / 2))
    return ids[bad], share * noisy, float(ranks.mean()), len(bad)


def _ranks(probs: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(B,) place of the given label among the guesses after the first, 0 = second guess, 1 = last."""
    above = (probs > probs[np.arange(len(target)), target][:, None]).sum(axis=1)
    return (above - 1) / (probs.shape[1] - 2)
