"""Tables through the command line: trained, judged, asked for new rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from goodfit.workflow.model import load

from .tiny import Shell

FORM = ("engine.threads=1", "engine.precision=fp32")


def houses(path: Path, n: int = 240, seed: int = 0, number: bool = True) -> Path:
    """A table whose price follows size, town and day, with missing cells, numbers as text and an id."""
    random = np.random.default_rng(seed)
    size, town = random.uniform(40, 200, n), random.integers(0, 3, n)
    price = 2000 * size + 40_000 * town + random.normal(0, 4000, n)
    lines = ["Id,size,town,sold,price" if number else "Id,size,town,sold,dear"]
    for i in range(n):
        shown = "" if i % 11 == 0 else f'"{size[i] * 10:,.1f}"'
        last = f"{price[i]:.0f}" if number else ("yes" if price[i] > 280_000 else "no")
        lines.append(f"{i + 1},{shown},{'abc'[town[i]]},2024-{1 + i % 12:02d}-{1 + i % 28:02d},{last}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("name", ["linear", "boosting", "mlp", "ft_transformer"])
def test_every_model_trains_is_stored_and_answers_new_rows_alike(name: str, tmp_path: Path, goodfit: Shell) -> None:
    data = houses(tmp_path / "houses.csv", number=name != "linear")
    epochs = {"linear": 1, "boosting": 40}.get(name, 8)
    said = goodfit(
        "train",
        data,
        f"model.name={name}",
        f"train.epochs={epochs}",
        "train.lr=0.05" if name == "boosting" else "train.patience=9",
        *FORM,
    )
    assert said.code == 0
    model = Path(said.answer["model"])
    assert {p.suffix for p in model.iterdir()} == {".json", ".safetensors"}
    loaded = load(model)
    kind = loaded.schema.target_kind
    assert said.answer["family"] == {"ft_transformer": "transformer"}.get(name, name)
    new = houses(tmp_path / "new.csv", n=12, seed=1)
    answers = loaded.predict(new)
    one_by_one = [loaded.predict(sample)[0] for _, sample in loaded.task.open_samples(new, loaded.schema).samples]
    key = "probability" if kind == "class" else "value"
    np.testing.assert_allclose([a[key] for a in answers], [a[key] for a in one_by_one], rtol=1e-3)
    lines = [json.loads(line) for line in goodfit("predict", model, new).out.splitlines()]
    assert [line["input"] for line in lines] == [f"{new}:{k}" for k in range(2, 14)]
    assert lines[3][key] == pytest.approx(answers[3][key], rel=1e-5)


def test_unknown_towns_and_odd_cells_are_answered_and_extra_columns_are_said(tmp_path: Path, goodfit: Shell) -> None:
    model = goodfit("train", houses(tmp_path / "h.csv"), "model.name=boosting", "train.epochs=20", *FORM).answer[
        "model"
    ]
    new = tmp_path / "new.csv"
    new.write_text('size,town,sold,colour\nabc,nowhere,not a day,red\n,,,green\n"1,500",a,2024-05-05,blue\n')
    said = goodfit("predict", model, new)
    assert said.code == 0
    assert all(np.isfinite(json.loads(line)["value"]) for line in said.out.splitlines())
    assert len(said.out.splitlines()) == 3
    assert "colour" in said.err


def test_missing_columns_are_listed_and_no_row_is_answered(tmp_path: Path, goodfit: Shell) -> None:
    model = goodfit("train", houses(tmp_path / "h.csv"), "model.name=boosting", "train.epochs=20", *FORM).answer[
        "model"
    ]
    (tmp_path / "new.csv").write_text("size\n100\n")
    said = goodfit("predict", model, tmp_path / "new.csv", code=2)
    assert "town, sold" in json.loads(said.out.splitlines()[0])["error"]


def test_evaluate_scores_a_table_by_the_models_target_whatever_its_order(tmp_path: Path, goodfit: Shell) -> None:
    data = houses(tmp_path / "h.csv", number=False)
    model = goodfit("train", data, "model.name=boosting", "train.epochs=60", *FORM).answer["model"]
    cells = [
        line.split(",")
        for line in houses(tmp_path / "n.csv", seed=5, number=False).read_text().replace('"', "").splitlines()
    ]
    rows = [
        [row[-1], *row[:-1]] if len(row) == 5 else [row[-1], row[0], "".join(row[1:-3]), *row[-3:-1]] for row in cells
    ]
    (tmp_path / "turned.csv").write_text("\n".join(",".join(row) for row in rows) + "\n")
    found = goodfit("evaluate", model, tmp_path / "turned.csv").answer
    assert found["test"]["n"] == 240
    assert found["test"]["value"] > 0.85
    assert found["metrics"]["roc_auc"]["value"] > 0.9


def test_fit_climbs_from_the_linear_floor_refits_trees_and_says_what_it_did(tmp_path: Path, goodfit: Shell) -> None:
    said = goodfit("fit", houses(tmp_path / "houses.csv", n=320), "train.epochs=60", "--budget", "60s", *FORM)
    assert said.code == 0
    result = json.loads((said.study / "result.json").read_text("utf-8"))
    assert {row["family"] for row in result["ladder"]} == {"linear", "boosting"}
    assert result["refit"] is True
    assert said.answer["primary"] == "rmse"
    assert sum(result["importance"].values()) == pytest.approx(1)
    assert max(result["importance"], key=result["importance"].__getitem__) in ("size", "town")
    assert "GF-D032" in said.answer["findings"]  # the id is no input
    assert "town" in (said.study / "report.html").read_text("utf-8")


def test_time_and_group_decide_the_split(tmp_path: Path, goodfit: Shell) -> None:
    data = houses(tmp_path / "h.csv")
    said = goodfit("train", data, "model.name=linear", "data.time=sold", *FORM)
    about = json.loads((said.study / "study.json").read_text("utf-8"))
    assert "by time" in about["split"]
    said = goodfit("train", data, "model.name=linear", "data.group=sold", *FORM)
    about = json.loads((said.study / "study.json").read_text("utf-8"))
    assert "grouped" in about["split"]
    assert "sold" not in [c["name"] for c in about["facts"]["columns"]]


def test_a_quantile_model_is_led_by_its_pinball_loss(tmp_path: Path, goodfit: Shell) -> None:
    words = ("model.name=boosting", "train.loss=quantile", "train.quantile=0.9", "train.epochs=30", *FORM)
    assert goodfit("train", houses(tmp_path / "h.csv"), *words).answer["primary"] == "pinball_90"


def test_boosted_trees_of_two_runs_are_the_same_bytes(tmp_path: Path, goodfit: Shell) -> None:
    data = houses(tmp_path / "h.csv")
    words = ("train", data, "model.name=boosting", "train.epochs=30", *FORM)
    first, second = (goodfit(*words, "--runs", tmp_path / runs).answer["model"] for runs in ("a", "b"))
    trees = [load_file(Path(model) / "model.safetensors")["booster"].tobytes() for model in (first, second)]
    assert trees[0] == trees[1]
