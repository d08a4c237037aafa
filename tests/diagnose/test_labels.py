"""Label noise: found at 10 and 30 %, not confused with hard samples, small data or a weak net."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from goodfit.diagnose import Evidence
from goodfit.diagnose.labels import look


@pytest.mark.parametrize(("shuffled", "epochs", "most"), [(0.1, 8, 0.2), (0.3, 8, 0.4), (0.3, 25, 0.6)])
def test_shuffled_tenths_of_the_labels_are_found(
    trial: Callable[..., Evidence], shuffled: float, epochs: int, most: float
) -> None:
    finding = look(trial(shuffled=shuffled, epochs=epochs))
    assert finding is not None
    assert shuffled / 2 < finding.numbers["rate"] < most
    assert len(finding.ids) == finding.numbers["suspects"] > 10


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"seed": 1},
        {"epochs": 1},
        {"width": 2},
        {"limit": 40, "epochs": 30},
        {"limit": 20, "epochs": 30},
        {"lr": 0.5},
    ],
)
def test_true_labels_are_not_accused(trial: Callable[..., Evidence], fault: dict) -> None:
    assert look(trial(**fault)) is None


def test_near_misses_of_a_hard_task_are_not_noise(kit: SimpleNamespace) -> None:
    assert look(kit.evidence(0.75, 0.7, n=600)) is None


def test_contradicting_twins_in_train_suffice(kit: SimpleNamespace) -> None:
    finding = look(kit.evidence(counts={"train": 1000, "conflicts": 40}))
    assert finding is not None
    assert finding.numbers["conflicts"] == 40
    assert look(kit.evidence(counts={"train": 1000, "conflicts": 4})) is None
