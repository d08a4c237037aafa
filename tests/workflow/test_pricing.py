"""What findings cost: the fix beside as it is and beside a random removal, on texts whose labels were turned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goodfit.core.finding import Finding
from goodfit.core.recipe import Recipe, build
from goodfit.core.telling import silent
from goodfit.report import audit_page
from goodfit.workflow.clock import Clock
from goodfit.workflow.prepare import Prepared, prepare
from goodfit.workflow.pricing import AS_IT_IS, price

N, TURNED = 600, 200
WORDS = {"good": ["fine", "grand", "lovely", "warm"], "bad": ["dull", "weak", "sour", "cold"]}


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, Prepared, tuple[str, ...]]:
    """Texts of two classes, the labels of some of them turned; the recipe, the data, and the ids of the turned."""
    rng = np.random.default_rng(0)
    turned = set(rng.choice(N, TURNED, replace=False).tolist())
    lines = ["text,label"]
    for i in range(N):
        true = ("good", "bad")[i % 2]
        label = {"good": "bad", "bad": "good"}[true] if i in turned else true
        filler = " ".join(f"w{k}" for k in rng.integers(0, 300, 8))
        lines.append(f"{filler} {' '.join(rng.choice(WORDS[true], 1))} t{i},{label}")
    table = tmp_path_factory.mktemp("noisy") / "texts.csv"
    table.write_text("\n".join(lines) + "\n")
    asked = build({"data": {"path": str(table)}, "model": {"name": "linear"}})
    data = prepare(asked, silent)
    ids = tuple(f"texts.csv:{i + 2}" for i in sorted(turned))  # the file's own lines, from 1, with a head
    return asked, data, ids


def found(ids: tuple[str, ...]) -> Finding:
    return Finding(code="GF-D080", severity="warning", numbers={"count": len(ids)}, ids=ids)


def test_leaving_turned_labels_out_gains_over_a_random_removal(
    noisy: tuple[Recipe, Prepared, tuple[str, ...]], tmp_path: Path
) -> None:
    asked, data, ids = noisy
    prices = price(asked, data, [found(ids)], tmp_path, Clock(tmp_path / "clock.json", 300.0), silent)
    priced = prices["GF-D080"]
    assert priced["verdict"] == "better", priced
    assert 0 < priced["low"] < priced["gain"] < priced["high"]
    assert priced["without"] > priced[AS_IT_IS]
    assert priced["removed"] == pytest.approx(0.595 * TURNED, rel=0.25)  # the share of all that is trained on
    assert priced["seeds"] >= 3
    entry = {
        "code": "GF-D080",
        "kind": "mislabelled",
        "severity": "warning",
        "count": 1,
        "samples": [],
        "price": priced,
    }
    words = {part: {"en": "x", "zh": "x"} for part in ("title", "body", "advice")}
    about = {"name": "d", "format": "table", "samples": N, "kept": N}
    page = audit_page.render([{**entry, **words, "price": priced}], {}, about)
    assert f"Training without these {priced['removed']} samples" in page


def test_a_finding_of_few_samples_is_not_priced(
    noisy: tuple[Recipe, Prepared, tuple[str, ...]], tmp_path: Path
) -> None:
    asked, data, ids = noisy
    clock = Clock(tmp_path / "clock.json", 300.0)
    assert price(asked, data, [found(ids[:9])], tmp_path, clock, silent) == {}


def test_without_time_nothing_is_trained_and_the_ledger_says_so(
    noisy: tuple[Recipe, Prepared, tuple[str, ...]], tmp_path: Path
) -> None:
    asked, data, ids = noisy
    assert price(asked, data, [found(ids)], tmp_path, Clock(tmp_path / "clock.json", 0.5), silent) == {}
    assert "price.no_time" in (tmp_path / "price" / "ledger.jsonl").read_text("utf-8")
