"""Judgement on predictions, against values counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.core.outcome import Predictions
from goodfit.report import judgement

CLASSES = ["ant", "bee", "cat"]
# ant called ant, ant, bee; bee called bee; cat called bee, cat
TARGET = np.array([0, 0, 0, 1, 2, 2])
ANSWER = np.array([0, 0, 1, 1, 1, 2])


def predictions(sure: float = 3.0) -> Predictions:
    outputs = np.zeros((6, 3), dtype=np.float32)
    outputs[np.arange(6), ANSWER] = [sure, sure, sure, sure, 2 * sure, sure]
    return Predictions(ids=np.array(list("abcdef")), target=TARGET, outputs=outputs, split="test", run_id="r")


def test_confusion_counts_rows_truth_columns_answers() -> None:
    assert judgement.confusion_counts(predictions(), CLASSES).tolist() == [[2, 1, 0], [0, 1, 0], [0, 1, 1]]


def test_class_figures_hold_recall_precision_and_f1_hardest_first() -> None:
    rows = judgement.class_figures(predictions(), CLASSES)
    assert [r.name for r in rows] == ["cat", "ant", "bee"]
    by_name = {r.name: r for r in rows}
    assert by_name["ant"].recall.value == pytest.approx(2 / 3)
    assert by_name["bee"].precision.value == pytest.approx(1 / 3)
    assert by_name["bee"].f1 == pytest.approx(0.5)
    assert by_name["ant"].recall.low == pytest.approx(0.2077, abs=1e-3)  # Wilson, 2 of 3


def test_class_without_samples_has_no_recall_and_comes_last() -> None:
    rows = judgement.class_figures(predictions(), [*CLASSES, "dog"])
    assert rows[-1].name == "dog"
    assert np.isnan(rows[-1].recall.value)


def test_mix_ups_are_the_wrong_cells_largest_first() -> None:
    counts = np.array([[5, 3, 0], [1, 4, 0], [0, 0, 2]])
    found = [(m.truth, m.answer, m.count, m.of) for m in judgement.mix_ups(counts, CLASSES)]
    assert found == [("ant", "bee", 3, 8), ("bee", "ant", 1, 5)]


def test_worst_puts_the_surest_mistake_first() -> None:
    found = judgement.worst(predictions(), CLASSES, 1.0)
    assert [(m.id, m.truth, m.answer) for m in found] == [("e", "cat", "bee"), ("c", "ant", "bee")]
    assert found[0].confidence == pytest.approx(np.exp(6) / (np.exp(6) + 2))


def test_worst_numbers_are_the_largest_residuals() -> None:
    p = Predictions(
        ids=np.array(["a", "b"]),
        target=np.array([1.0, 5.0]),
        outputs=np.array([[1.5], [9.0]], dtype=np.float32),
        split="test",
        run_id="r",
    )
    assert [(m.id, m.truth, m.answer) for m in judgement.worst(p, [], 1.0)] == [("b", "5", "9"), ("a", "1", "1.5")]


def test_boxes_are_counted_at_the_probability_at_which_they_are_said() -> None:
    box = [10.0, 10.0, 50.0, 50.0]
    found = Predictions(
        ids=np.array(["a"]),
        target=np.array([[[0, *box, 0]]], dtype=np.float32),
        outputs=np.array([[[0, 0.2, *box]]], dtype=np.float32),
        split="test",
        run_id="r",
    )
    # logit(0.2) = -1.386; divided by 2 it is -0.693, a probability of 1/3, above the 0.3 from which a box is said
    assert [judgement.class_figures(found, ["ant"], t)[0].recall.value for t in (1.0, 2.0)] == [0.0, 1.0]
    assert [[m.answer for m in judgement.worst(found, ["ant"], t)] for t in (1.0, 2.0)] == [["–"], []]


def test_bins_cover_all_samples_and_temperature_lowers_confidence() -> None:
    before, after = judgement.bins(predictions(), 1.0), judgement.bins(predictions(), 3.0)
    assert sum(b.share.n for b in before) == sum(b.share.n for b in after) == 6
    assert max(b.confidence for b in after) < max(b.confidence for b in before)
    assert all(b.share.low <= b.share.value <= b.share.high for b in after)


def test_chance_is_the_share_of_the_commonest_class() -> None:
    assert judgement.chance(predictions()) == pytest.approx(0.5)
