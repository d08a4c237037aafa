"""The end of a story: what test-time views brought, counted on the samples whose label is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from goodfit.core.outcome import Predictions
from goodfit.core.recipe import Recipe
from goodfit.tasks.metrics import ACCURACY, MAE
from goodfit.workflow import finish


@pytest.mark.parametrize(
    ("metric", "target", "viewed", "plain", "figures"),
    [
        (ACCURACY, [0, 1, -1, 1], [[2, 0], [0, 2], [2, 0], [0, 2]], [[2, 0], [2, 0], [2, 0], [2, 0]], (1.0, 1 / 3)),
        (MAE, [1.0, np.nan, 3.0], [[1.0], [9.0], [3.0]], [[2.0], [9.0], [3.0]], (0.0, 0.5)),
    ],
)
def test_views_are_compared_on_samples_with_a_label(
    metric: Any, target: list[float], viewed: Any, plain: Any, figures: tuple[float, float]
) -> None:
    ids = np.array([str(i) for i in range(len(target))])
    outputs = np.array(viewed, dtype=np.float32)
    found = Predictions(ids=ids, target=np.array(target), outputs=outputs, split="test", run_id="r")
    learner = SimpleNamespace(predict=lambda loader, plain_=None, **_: np.array(plain, dtype=np.float32))
    recipe = Recipe().model_copy(update={"augment": {"test_time": "flip"}})
    loader = SimpleNamespace(positions=np.arange(len(target)))
    dataset = SimpleNamespace(index=SimpleNamespace(id=ids))
    data = SimpleNamespace(dataset=dataset, task=SimpleNamespace(loader=lambda *_: loader))
    session = SimpleNamespace(data=data, metric=metric, engine_of=lambda run: None)
    said = finish._with_and_without(session, learner, np.arange(len(target)), found, SimpleNamespace(recipe=recipe))  # type: ignore[arg-type]
    assert (said["with"], said["without"]) == pytest.approx(figures)


def test_file_that_vanished_between_the_two_passes_is_left_out_of_both() -> None:
    ids, outputs = np.array(["a", "b", "c"]), np.array([[2, 0], [0, 2], [2, 0]], np.float32)
    found = Predictions(ids=ids, target=np.array([0, 1, 1]), outputs=outputs, split="test", run_id="r")
    loader = SimpleNamespace(positions=np.array([0, 1]))  # c is gone
    data = SimpleNamespace(
        dataset=SimpleNamespace(index=SimpleNamespace(id=ids)), task=SimpleNamespace(loader=lambda *_: loader)
    )
    learner = SimpleNamespace(predict=lambda loader, plain: outputs[[0, 0]])
    recipe = Recipe().model_copy(update={"augment": {"test_time": "flip"}})
    session = SimpleNamespace(data=data, metric=ACCURACY, engine_of=lambda run: None)
    said = finish._with_and_without(session, learner, np.arange(3), found, SimpleNamespace(recipe=recipe))  # type: ignore[arg-type]
    assert (said["with"], said["without"]) == (1.0, 0.5)
