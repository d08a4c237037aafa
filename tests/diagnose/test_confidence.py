"""Overconfidence: an alarm where probabilities promise too much, silence where they keep their word."""

from types import SimpleNamespace

import numpy as np

from goodfit.core.randomness import generator
from goodfit.diagnose import Evidence
from goodfit.diagnose.confidence import look


def calibrated(kit: SimpleNamespace, sharper: float, n: int = 1000, seed: int = 0) -> Evidence:
    random = generator(seed, n)
    logits = random.normal(0, 1.5, (n, 4))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = (random.random((n, 1)) > probs.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return kit.evidence(select=None, confirm=kit.predictions(target, sharper * logits, "confirm"))


def test_logits_twice_too_sharp_are_overconfident_and_the_temperature_says_so(kit: SimpleNamespace) -> None:
    finding = look(calibrated(kit, 2.0))
    assert finding is not None
    assert abs(finding.numbers["temperature"] - 2) < 0.3
    assert finding.severity == "info"


def test_calibrated_and_modest_models_stay_silent(kit: SimpleNamespace) -> None:
    assert look(calibrated(kit, 1.0)) is None
    assert look(calibrated(kit, 0.5)) is None


def test_small_val_of_calibrated_models_stays_silent_in_nearly_all_draws(kit: SimpleNamespace) -> None:
    alarms = sum(look(calibrated(kit, 1.0, n=60, seed=s)) is not None for s in range(200))
    assert alarms <= 5


def test_a_number_has_no_confidence(kit: SimpleNamespace) -> None:
    number = kit.predictions(np.zeros(100), np.zeros((100, 1)), "confirm")
    assert look(kit.evidence(target_kind="number", select=None, confirm=number)) is None
