"""Whole diagnoses of real runs with one fault each: the cause is named first, healthy runs stay silent."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from goodfit.core.messages import say
from goodfit.diagnose import SYMPTOMS, Evidence, diagnose

FAULTS = [
    ({"lr": 0.5}, "GF-F003"),
    ({"lr": 5.0}, "GF-F003"),
    ({"lr": 50.0}, "GF-F003"),
    ({"lr": 5e-5}, "GF-F004"),
    ({"lr": 5e-6}, "GF-F004"),
    ({"shuffled": 1.0}, "GF-F007"),
    ({"shuffled": 1.0, "epochs": 30, "width": 32, "limit": 500}, "GF-F007"),
    ({"shuffled": 0.1}, "GF-F006"),
    ({"shuffled": 0.3}, "GF-F006"),
    ({"limit": 40, "epochs": 30}, "GF-F001"),
    ({"width": 2}, "GF-F002"),
]


@pytest.mark.parametrize(("fault", "code"), FAULTS)
def test_the_fault_put_in_is_named_first(trial: Callable[..., Evidence], fault: dict, code: str) -> None:
    assert diagnose(trial(**fault))[0].code == code


@pytest.mark.parametrize("fault", [{}, {"seed": 1}, {"seed": 2}, {"epochs": 4}, {"lr": 0.005}, {"lr": 0.1}])
def test_healthy_runs_stay_silent(trial: Callable[..., Evidence], fault: dict) -> None:
    assert diagnose(trial(**fault)) == []


@pytest.mark.parametrize(
    ("train", "val", "n"), [(0.99, 0.97, 400), (1.0, 0.92, 3000), (0.96, 0.91, 2500), (1.0, 0.95, 30)]
)
def test_healthy_scores_stay_silent(kit: SimpleNamespace, train: float, val: float, n: int) -> None:
    assert [f for f in diagnose(kit.evidence(train, val, n=n)) if f.severity != "info"] == []


@pytest.mark.parametrize("fault", [f for f, _ in FAULTS])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_finding_can_be_said(trial: Callable[..., Evidence], fault: dict, lang: str) -> None:
    for finding in diagnose(trial(**fault)):
        for part in ("title", "body", "advice"):
            assert say(f"finding.{finding.code}.{part}", lang, **finding.numbers)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_rarer_findings_can_be_said_too(kit: SimpleNamespace, lang: str) -> None:
    sure = kit.logits(np.arange(400) % 10, 10, 0.8, sure=12.0)
    cases = (
        kit.evidence(records=kit.curve([2.0, float("nan")])),
        kit.evidence(0.8, select=None, confirm=kit.predictions(np.arange(400) % 10, sure, "confirm")),
        kit.evidence(records=kit.curve([2, 1, 0.5], wait=0.6)),
        kit.evidence(counts={"train": 100, "conflicts": 10}),
    )
    for case, code in zip(cases, ("GF-F005", "GF-F008", "GF-S001", "GF-F006"), strict=True):
        finding = next(f for f in diagnose(case) if f.code == code)
        for part in ("title", "body", "advice"):
            assert say(f"finding.{code}.{part}", lang, **finding.numbers)


def test_divergence_explains_everything_else(kit: SimpleNamespace) -> None:
    broken = kit.predictions(np.arange(20) % 10, np.full((20, 10), np.nan), "confirm")
    codes = [f.code for f in diagnose(kit.evidence(0.3, confirm=broken, records=kit.curve([2.0, np.inf])))]
    assert codes == ["GF-F005"]


def test_a_run_without_predictions_or_records_has_no_findings(kit: SimpleNamespace) -> None:
    assert diagnose(kit.evidence(None, select=None, confirm=None, records=())) == []


def test_each_symptom_names_its_source_and_looks_for_its_code(kit: SimpleNamespace) -> None:
    assert all(s.source and name == s.name for name, s in SYMPTOMS.items())
    assert len({s.code for s in SYMPTOMS.values()}) == len(SYMPTOMS)
