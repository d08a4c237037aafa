"""`data.negatives`: train holds so many samples of nothing, val and test all of theirs, and it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodfit.core.errors import DataError
from goodfit.core.recipe import Recipe
from goodfit.core.telling import silent
from goodfit.workflow.prepare import Prepared, prepare

from ..data.drawing import folders


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """10 positives of two classes and 60 of nothing."""
    return folders(tmp_path / "d", {"a": 5, "b": 5, "background": 60})


def prepared(folder: Path, **keys: object) -> Prepared:
    recipe = Recipe().with_("data.path", str(folder))
    for key, value in keys.items():
        recipe = recipe.with_(f"data.{key}", value)
    return prepare(recipe, silent)


def test_two_to_one_in_train_and_nothing_changed_elsewhere(crowded: Path) -> None:
    whole, fewer = prepared(crowded), prepared(crowded, negatives=2)
    target = fewer.dataset.index.target
    nothing = fewer.schema.classes.index("background")
    positive = int((target[whole.split.train] != nothing).sum())
    assert int((target[fewer.split.train] == nothing).sum()) == 2 * positive
    assert int((target[fewer.split.train] != nothing).sum()) == positive
    assert whole.split.val.tolist() == fewer.split.val.tolist()
    assert whole.counts["test"] == fewer.counts["test"]
    (said,) = (f for f in fewer.findings if f.code == "GF-D093")
    assert (said.numbers["used"], said.numbers["positive"]) == (2 * positive, positive)
    assert fewer.counts["train"] == 3 * positive


def test_auto_is_three_where_there_are_more_and_silent_where_there_are_none(crowded: Path, tmp_path: Path) -> None:
    (said,) = (f for f in prepared(crowded, negatives="auto").findings if f.code == "GF-D093")
    assert said.numbers["used"] == 3 * said.numbers["positive"]
    plain = folders(tmp_path / "p", {"a": 8, "b": 8})
    assert "GF-D093" not in {f.code for f in prepared(plain, negatives="auto").findings}


def test_a_ratio_without_samples_of_nothing_is_an_error_that_says_what_to_name(tmp_path: Path) -> None:
    plain = folders(tmp_path / "p", {"a": 8, "rest": 30})
    with pytest.raises(DataError, match="data.background=NAME"):
        prepared(plain, negatives=2)
    assert prepared(plain, negatives=2, background="rest").counts["train"] < prepared(plain).counts["train"]
