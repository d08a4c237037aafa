"""What table tasks plan, climb and measure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss, roc_auc_score

from goodfit.core.errors import DataError, RecipeError
from goodfit.core.recipe import DataSection, Recipe
from goodfit.core.samples import Schema
from goodfit.tasks import TASKS
from goodfit.tasks.metrics import PINBALL_10, RMSE, ROC_AUC
from goodfit.tasks.table_plan import val_share

CLASSES, NUMBERS = TASKS["tabular_classification"], TASKS["tabular_regression"]
RNG = np.random.default_rng(0)
INPUTS = [
    {
        "name": "x",
        "column": "x",
        "kind": "number",
        "median": 0.0,
        "mean": 0.0,
        "std": 1.0,
        "knots": [-1, 0, 1],
        "marked": 0,
    },
    {"name": "c", "column": "c", "kind": "category", "names": ["a", "b"]},
]
COLUMNS: list[dict[str, Any]] = [
    {"name": "x", "kind": "number", "use": True},
    {"name": "c", "kind": "category", "use": True},
    {"name": "Id", "kind": "number", "use": False, "why": "id"},
]


def schema(kind: Any, n: int) -> Schema:
    facts = {"n": n, "inputs": INPUTS, "columns": COLUMNS, "target_mean": 0.0, "target_std": 1.0}
    classes = ("no", "yes") if kind == "class" else ()
    return Schema(task="t", format="t", target_kind=kind, classes=classes, target_name="y", facts=facts)


def counts(n: int) -> dict[str, int]:
    return {"train": n - 2 * (n // 10), "select": n // 10, "confirm": n // 10, "test": 0}


def test_area_under_the_curve_is_scikit_learns_with_ties() -> None:
    target, score = RNG.integers(0, 2, 200), RNG.integers(-3, 4, 200) / 2.0
    outputs = np.stack([np.zeros(200), score], 1)
    assert ROC_AUC.value(target, outputs) == pytest.approx(roc_auc_score(target, score))
    many, three = RNG.integers(0, 3, 200), RNG.normal(size=(200, 3))
    probs = np.exp(three) / np.exp(three).sum(1, keepdims=True)
    assert ROC_AUC.value(many, three) == pytest.approx(roc_auc_score(many, probs, multi_class="ovr"))


def test_rmse_and_pinball_by_hand() -> None:
    target, outputs = np.array([0.0, 0.0]), np.array([[3.0], [-1.0]])
    assert RMSE.value(target, outputs) == pytest.approx(5**0.5)
    assert PINBALL_10.value(target, outputs) == pytest.approx(mean_pinball_loss(target, outputs[:, 0], alpha=0.1))


def test_few_rows_climb_trees_and_many_networks_too() -> None:
    names = lambda n: [r.name for r in CLASSES.ladder(Recipe(), schema("class", n), counts(n))]  # noqa: E731
    assert names(1500) == ["linear", "boosting"]
    assert names(20_000) == ["linear", "boosting", "mlp", "ft_transformer"]
    families = [r.family for r in CLASSES.ladder(Recipe(), schema("class", 20_000), counts(20_000))]
    assert len(set(families)) == 4


def test_the_linear_floor_is_left_out_where_it_cannot_learn_by_the_loss() -> None:
    asked = Recipe().with_("train.loss", "mae")
    assert [r.name for r in NUMBERS.ladder(asked, schema("number", 900), counts(900))] == ["boosting"]


@pytest.mark.parametrize(
    ("kind", "name", "loss"),
    [
        ("number", "linear", "quantile"),
        ("class", "boosting", "focal"),
        ("class", "boosting", "mse"),
        ("number", "mlp", "ce"),
    ],
)
def test_a_loss_that_a_model_cannot_learn_by_is_refused_with_those_it_can(kind: str, name: str, loss: str) -> None:
    task = CLASSES if kind == "class" else NUMBERS
    asked = Recipe().with_("model.name", name).with_("train.loss", loss)
    with pytest.raises(RecipeError, match=r"train\.loss"):
        task.settle(asked, schema(kind, 500), counts(500))


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="linear, boosting, mlp, ft_transformer"):
        CLASSES.settle(Recipe().with_("model.name", "small_m"), schema("class", 500), counts(500))


def test_small_tables_get_small_trees() -> None:
    few, _ = NUMBERS.settle(Recipe(), schema("number", 1000), counts(1000))
    many, _ = NUMBERS.settle(Recipe(), schema("number", 30_000), counts(30_000))
    assert (few.model.name, few.model.width, many.model.width) == ("boosting", 16, 31)
    assert few.train.batch_size == 1000  # a step looks at everything that is not test


def test_a_quantile_is_judged_by_its_own_loss() -> None:
    assert NUMBERS.leading is not None
    asked = Recipe().with_("train.loss", "quantile").with_("train.quantile", 0.85)
    assert NUMBERS.leading(asked, schema("number", 100)) == "pinball_90"
    assert NUMBERS.leading(Recipe(), schema("number", 100)) == "rmse"


def test_val_is_larger_where_whole_families_are_chosen_by_few_rows() -> None:
    assert [val_share(n) for n in (500, 20_000, 100_000, 10_000_000)] == [0.3, 0.2, 0.1, 0.02]


def test_remedies_of_gradient_descent_mean_nothing_to_trees() -> None:
    assert CLASSES.bears is not None
    trees, net = (Recipe().with_("model.name", name) for name in ("boosting", "mlp"))
    assert not CLASSES.bears(trees, "lr_down")
    assert CLASSES.bears(trees, "dropout")
    assert CLASSES.bears(net, "lr_down")


def test_a_table_to_be_answered_lists_what_it_lacks_and_notes_what_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("x,colour\n1,red\n")
    with pytest.raises(DataError, match="got c; allowed: x, c"):
        CLASSES.open_samples(path, schema("class", 100))
    path.write_text("x,c,colour\n1.5,a,red\n2.5,zzz,blue\n")
    opened = CLASSES.open_samples(path, schema("class", 100))
    assert list(opened.samples) == [("2", {"x": "1.5", "c": "a"}), ("3", {"x": "2.5", "c": "zzz"})]
    assert [(note.code, note.numbers["names"]) for note in opened.notes] == [("GF-D030", "colour")]


def test_what_is_no_table_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "new.png").write_bytes(b"x")
    with pytest.raises(DataError, match="this is no table"):
        CLASSES.open_samples(tmp_path / "new.png", schema("class", 100))


def test_data_for_a_model_are_read_with_its_target() -> None:
    assert CLASSES.asked_of is not None
    assert CLASSES.asked_of(DataSection(), schema("class", 9)).target == "y"
    assert CLASSES.asked_of(DataSection(target="z"), schema("class", 9)).target == "z"
