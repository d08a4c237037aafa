"""The refit on train + val: anew where there is time, else warm, else none; both fit every sample but test."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.core.recipe import Recipe
from goodfit.core.task import Record
from goodfit.workflow import refit
from goodfit.workflow.lengths import WARM_PART, WARM_RATE
from goodfit.workflow.session import Candidate, Session

from .stage import candidate, pricer, session
from .tiny import FORM, Shell, class_folders


def winner(folder: Path, stage: Session, steps: int = 100, seconds: float = 50.0) -> Candidate:
    """A run of two epochs, the second twice as dear as the first."""
    found = candidate(folder, "small_xs", 0.8, True, pricer(1e-3)(Recipe(), stage.data))
    for epoch, share in ((1, 1 / 3), (2, 2 / 3)):
        step = steps * epoch // 2
        cost = {"seconds": seconds * share}
        found.run.append(
            Record(kind="epoch", epoch=epoch, step=step, steps=steps, lr=0.1, train={"loss": 1.0}, select={}, cost=cost)
        )
    result = found.run.result()
    assert result is not None
    found.run.close(replace(result, steps=steps))
    return found


@pytest.mark.parametrize(
    ("asked", "used", "way", "why", "steps"),
    [
        ("auto", 0.0, "anew", "refit.yes", 100),
        ("auto", 575.0, "warm", "refit.warm", 20),
        ("warm", 0.0, "warm", "refit.asked", 20),
        (True, 575.0, "", "refit.no_time", 100),
        ("auto", 620.0, "", "refit.no_time", 20),
    ],
)
def test_first_way_that_fits_the_time_is_taken(
    tmp_path: Path, asked: Any, used: float, way: str, why: str, steps: int
) -> None:
    stage = session(tmp_path / "s", 600.0, used=used, asked=Recipe().with_("train.refit", asked))
    run = winner(tmp_path, stage)
    result = run.run.result()
    assert result is not None
    said = refit._way(stage, run, result, 1200)
    assert (said["value"], said["why"], said["numbers"]["steps"]) == (way, why, steps)


def test_going_on_is_priced_at_the_pace_of_the_end(tmp_path: Path) -> None:
    stage = session(tmp_path / "s", 600.0)
    run = winner(tmp_path, stage, steps=100, seconds=60.0)  # the second 50 steps took 40 s
    result = run.run.result()
    assert result is not None
    assert refit._last_pace(run, result) == pytest.approx(40 / 50)
    assert refit._seconds(run, result) == pytest.approx(60.0)


def planned(found: Candidate, **train: Any) -> Candidate:
    recipe = found.plan.recipe
    for key, value in train.items():
        recipe = recipe.with_(f"train.{key}", value)
    return replace(found, plan=replace(found.plan, recipe=recipe))


def test_going_on_starts_at_full_size_with_a_part_of_the_rate(tmp_path: Path) -> None:
    found = winner(tmp_path, session(tmp_path / "s"))
    on = refit._on(planned(found, lr=0.1, sizes=((0.0, 24), (0.5, 32)), warmup=0.1), 4.0).train
    assert (on.epochs, on.sizes, on.freeze, on.warmup) == (4.0, (), 0.0, 0.0)
    assert float(on.lr) == pytest.approx(0.1 * WARM_RATE)


@pytest.mark.parametrize(("freeze", "best", "expected"), [(0.3, 100, 0.0), (0.3, 30, 0.999), (0.999, 100, 0.999)])
def test_going_on_leaves_frozen_what_was_frozen_where_the_winner_was_best(
    tmp_path: Path, freeze: float, best: int, expected: float
) -> None:
    found = winner(tmp_path, session(tmp_path / "s"))
    result = found.run.result()
    assert result is not None
    found.run.close(replace(result, steps=best))
    assert refit._on(planned(found, freeze=freeze), 4.0).train.freeze == expected


def test_going_on_after_plateau_stays_below_the_rate_that_was_reached(tmp_path: Path) -> None:
    found = winner(tmp_path, session(tmp_path / "s"))  # its last rate is 0.1
    assert float(refit._on(planned(found, lr=1.0, schedule="plateau"), 4.0).train.lr) == pytest.approx(0.1)
    bare = candidate(tmp_path, "bare", 0.8, True, found.plan)  # cut within its first pass: no record
    assert float(refit._on(planned(bare, lr=1.0, schedule="plateau"), 4.0).train.lr) == pytest.approx(WARM_RATE)


def test_warm_refit_goes_on_from_the_winner_and_says_so(tmp_path: Path, goodfit: Shell) -> None:
    data = class_folders(tmp_path / "data", {"": 24})
    words = ["model.name=small_xs", "train.epochs=5", *FORM]
    warm = goodfit("fit", data, *words, "train.refit=warm", "--budget", "120s")
    lines = [json.loads(line) for line in (warm.study / "ledger.jsonl").read_text("utf-8").splitlines()]
    (line,) = [line for line in lines if line.get("key") == "refit"]
    assert line["why"] == "refit.asked"
    assert line["numbers"]["steps"] == max(1, round(WARM_PART * line["numbers"]["winner_steps"]))
    result = json.loads((warm.study / "result.json").read_text("utf-8"))
    assert result["refit"] is True
    won, final = (warm.study / "runs" / result[key] / "plan.yaml" for key in ("winner", "final"))
    assert "refit: warm" in final.read_text("utf-8")
    assert "refit: warm" not in won.read_text("utf-8")
    bare = goodfit("fit", data, *words, "train.refit=false", "--budget", "120s")
    moved = [float(np.abs(warm.weights[k] - bare.weights[k]).max()) for k in bare.weights if "stem.weight" not in k]
    assert max(moved) > 0  # it learnt on
    assert np.array_equal(warm.weights["stem.weight"], bare.weights["stem.weight"])  # from the same net
